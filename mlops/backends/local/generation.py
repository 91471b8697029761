"""One server of an endpoint: gunicorn with one model version, from its start to its retirement.

Old and new server of an update are two generations that listen on the same socket. A folder holds
what a generation needs and who it is, so that a supervisor which was killed finds it again.
"""

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

from mlops.backends.local import locks
from mlops.backends.local.files import make_folder, read_json, write_json
from mlops.backends.local.processes import PACKAGE_ROOT, environment
from mlops.backends.local.serving import SELF_TEST_NOTE
from mlops.backends.package import code_package, unpack_artifact
from mlops.errors import BackendError

HEALTHY_WITHIN_SECONDS = 30.0
DRAIN_SECONDS = 35.0
_HEALTH_TIMEOUT_SECONDS = 5.0


class Unhealthy(Exception):
    """A generation can't serve; the text says why, as a part of a sentence."""


class Generation:
    """One gunicorn master with its workers.

    Args:
        folder: The generation's own, below the endpoint's `generations/`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.id = folder.name
        self._process: subprocess.Popen[bytes] | None = None
        plan = read_json(folder / "plan.json") or {}
        self.version = str(plan.get("version", ""))
        self._port = int(plan.get("private_port", 0))
        self.retired_at: float | None = None

    @classmethod
    def start(
        cls,
        endpoint_folder: Path,
        *,
        version: str,
        artifact: Path,
        listener: socket.socket,
        workers: int,
        threads: int,
    ) -> "Generation":
        """Unpack an artifact and start gunicorn on it; it listens once its model has answered.

        Args:
            endpoint_folder: Of the endpoint, `TRIAGE_HOME/endpoints/<name>`.
            listener: The endpoint's socket, which the new server shares.
        """
        folder = make_folder(endpoint_folder / "generations" / uuid.uuid4().hex[:12])
        home = endpoint_folder.parents[1]
        try:
            unpack_artifact(artifact, folder / "model")
        except BackendError:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        code = code_package().write(make_folder(home / "code"))
        private = socket.create_server(("127.0.0.1", 0), backlog=64)
        master_lock = _taken(folder / "master.lock")
        group_lock = _taken(folder / "group.lock")
        plan: dict[str, Any] = {
            "endpoint": endpoint_folder.name,
            "endpoint_folder": str(endpoint_folder),
            "generation": folder.name,
            "version": version,
            "model_dir": str(folder / "model"),
            "failure_file": str(folder / "failure"),
            "private_port": private.getsockname()[1],
            "workers": workers,
            "threads": threads,
            "supervisor": supervisor_command(home, endpoint_folder.name),
            "supervisor_path": str(PACKAGE_ROOT),
        }
        write_json(folder / "plan.json", plan)
        shared = (listener.fileno(), private.fileno(), master_lock)
        variables = {
            "PYTHONPATH": str(code),
            "SM_MODEL_DIR": plan["model_dir"],
            # Requests run side by side already, and threads do not survive gunicorn's fork.
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }
        with (endpoint_folder / "server.log").open("ab") as log:
            process = subprocess.Popen(
                [
                    sys.executable,
                    "-P",
                    str(Path(__file__).with_name("server.py")),
                    str(folder / "plan.json"),
                    *map(str, shared),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=folder,
                env=environment(variables),
                start_new_session=True,
                pass_fds=(*shared, group_lock),
            )
        for lock in (master_lock, group_lock):
            locks.write_pid(lock, process.pid)
            locks.release(lock)
        private.close()
        generation = cls(folder)
        generation._process = process
        return generation

    @property
    def alive(self) -> bool:
        """Whether its master lives."""
        if self._process is not None:
            self._process.poll()
        return locks.is_held(self.folder / "master.lock")

    @property
    def ended(self) -> bool:
        """Whether its master and every worker are gone."""
        if self._process is not None:
            self._process.poll()
        return not locks.is_held(self.folder / "group.lock")

    def check(self) -> bool:
        """Whether it answers `/ping` and classifies a made-up note, on its private socket.

        Raises:
            Unhealthy: if it never will.
        """
        if not self.alive:
            with contextlib.suppress(OSError):
                reason = (self.folder / "failure").read_text(encoding="utf-8")
                raise Unhealthy(f"its model can't be used ({reason})")
            raise Unhealthy("its server ended at once")
        note = {"instances": [{"id": "health", "text": SELF_TEST_NOTE}]}
        try:
            status, _ = self._ask("GET", "/ping", None)
            if status != 200:
                raise Unhealthy(f"its /ping answers {status}")
            status, body = self._ask("POST", "/invocations", json.dumps(note).encode())
        except (OSError, http.client.HTTPException):
            return False
        if status != 200:
            raise Unhealthy(f"its /invocations answers {status}")
        try:
            answered = json.loads(body)["predictions"][0]["model_version"]
        except (ValueError, LookupError, TypeError):
            raise Unhealthy("its answer can't be read") from None
        if answered != self.version:
            raise Unhealthy(f"it answers as {str(answered)[:40]!r}, not as {self.version}")
        return True

    def retire(self) -> None:
        """Let it finish what it has accepted, and accept no more."""
        self.retired_at = time.monotonic()
        master = locks.holder(self.folder / "master.lock")
        if master is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(master, signal.SIGTERM)

    def remove_if_ended(self) -> bool:
        """Remove its folder once it has ended, or has had its time; whether it is gone."""
        overdue = self.retired_at is not None and time.monotonic() > self.retired_at + DRAIN_SECONDS
        if not self.ended:
            if not overdue:
                return False
            locks.kill_group(self.folder / "group.lock", grace=0)
        shutil.rmtree(self.folder, ignore_errors=True)
        return True

    def kill(self, grace: float = 0.0) -> None:
        """End it now and remove its folder."""
        locks.kill_group(self.folder / "group.lock", grace)
        if self._process is not None:
            self._process.poll()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _ask(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(
            "127.0.0.1", self._port, timeout=_HEALTH_TIMEOUT_SECONDS
        )
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read(1 << 20)
        finally:
            connection.close()


def generations(endpoint_folder: Path) -> list[Generation]:
    """Every generation that has a folder, alive or not."""
    parent = endpoint_folder / "generations"
    return [Generation(folder) for folder in parent.iterdir()] if parent.is_dir() else []


def supervisor_command(home: Path, endpoint: str) -> list[str]:
    """How the supervisor of an endpoint is started, without its descriptors."""
    module = "mlops.backends.local.supervisor"
    return [sys.executable, "-P", "-m", module, str(home), endpoint]


def _taken(path: Path) -> int:
    lock = locks.acquire(path, wait=1.0)
    if lock is None:
        raise Unhealthy("its folder is in use")
    return lock
