"""The process that serves: gunicorn around `serving.py`, started by the supervisor.

It is a script, run with the deployed code package first on its path: the `mlops` it sees is that
one. What it needs from this folder it loads by path.

The master looks after its supervisor as the supervisor looks after it: whichever is killed, the
other one, which still has the listening socket, starts it again, and no connection is refused.
"""

import contextlib
import importlib
import importlib.util
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.workers.gthread import ThreadWorker

GRACE_SECONDS = 30


def _load(name: str) -> ModuleType:
    """A module of this folder, by its path."""
    path = Path(__file__).with_name(f"{name}.py")
    spec = importlib.util.spec_from_file_location(f"triage_{name}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is gone")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


locks = _load("locks")
serving = _load("serving")


class NoText(logging.Filter):
    """Keeps the messages of errors out of the log: they may hold a part of a request."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Replace an error by its type and place."""
        if record.exc_info and record.exc_info[1] is not None:
            record.msg = f"{serving.where(record.exc_info[1])}"
            record.args = ()
            record.exc_info = None
        return True


class Worker(ThreadWorker):  # type: ignore[misc]
    """Answers what is not HTTP with a sentence, where gunicorn would quote it."""

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer on a connection whose request could not be read."""
        broken = type(exc).__module__.startswith("gunicorn.http")
        status = "400 Bad Request" if broken else "500 Internal Server Error"
        sentence = (
            "The request is not HTTP that can be read. Nothing was classified."
            if broken
            else "The request could not be answered. Nothing was kept. Send it again."
        )
        self.log.warning("A request could not be read: %s", serving.where(exc))
        body = json.dumps({"error": sentence})
        answer = (
            f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        )
        try:
            client.sendall(answer.encode())
        except OSError:
            self.log.debug("The sender of an unreadable request has left.")


class Master(Arbiter):  # type: ignore[misc]
    """gunicorn's master, with an eye on the supervisor."""

    def __init__(self, app: "Server") -> None:
        self.plan = app.plan
        self.next_look = time.monotonic() + 3.0
        super().__init__(app)

    def manage_workers(self) -> None:
        """Called about once a second: keep the workers, and the supervisor, alive."""
        super().manage_workers()
        if time.monotonic() >= self.next_look:
            self.next_look = time.monotonic() + 0.9
            self._revive_supervisor()

    def _revive_supervisor(self) -> None:
        """Start the supervisor again, handing it the listening socket, if this server is in use."""
        folder = Path(self.plan["endpoint_folder"])
        if locks.is_held(folder / "supervisor.lock"):
            return
        try:
            state = json.loads((folder / "endpoint.json").read_bytes())
        except (OSError, ValueError):
            return
        if state.get("generation") != self.plan["generation"] or not self.LISTENERS:
            return
        lock = locks.acquire(folder / "supervisor.lock")
        if lock is None:
            return
        self.log.warning("The supervisor is gone: starting it again.")
        listener = self.LISTENERS[0].fileno()
        command = [*self.plan["supervisor"], "--lock", str(lock), "--listener", str(listener)]
        environment = dict(os.environ)
        environment["PYTHONPATH"] = self.plan["supervisor_path"]
        with (folder / "supervisor.log").open("ab") as output:
            # Not reaped here by name: gunicorn reaps every child it finds.
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment,
                start_new_session=True,
                pass_fds=(lock, listener),
            )
        locks.write_pid(lock, child.pid)
        locks.release(lock)
        child.returncode = 0
        self.next_look = time.monotonic() + 5.0


class Server(BaseApplication):  # type: ignore[misc]
    """gunicorn's application: its settings, and the WSGI application of each worker."""

    def __init__(self, plan: dict[str, Any], listener: int, private: int, lock: int) -> None:
        self.plan = plan
        self._binds = [f"fd://{listener}", f"fd://{private}"]
        self._master_lock = lock
        super().__init__()

    def load_config(self) -> None:
        """As AWS's container runs it, without an access log and without kept-alive connections.

        A connection that is kept alive belongs to one server, and would be cut when an update
        retires that server; a new connection costs a tenth of a millisecond on this machine.
        """
        settings: dict[str, Any] = {
            "bind": self._binds,
            "workers": self.plan["workers"],
            "threads": self.plan["threads"],
            "worker_class": Worker,
            "keepalive": 0,
            "timeout": 60,
            "graceful_timeout": GRACE_SECONDS,
            "accesslog": None,
            "errorlog": "-",
            "loglevel": "warning",
            "proc_name": f"triage endpoint {self.plan['endpoint']}",
            "post_fork": self._post_fork,
            "worker_exit": self._worker_exit,
            "control_socket_disable": True,
        }
        if Path("/dev/shm").is_dir():  # noqa: S108 - heartbeats belong in memory; no data goes there
            settings["worker_tmp_dir"] = "/dev/shm"  # noqa: S108
        for name, value in settings.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Any:
        """The application of a worker; if its model is no good, say why and do not listen."""
        with self._said_why():
            return serving.create_app(self.plan["model_dir"])

    def run(self) -> None:
        """Serve until told to stop."""
        logging.getLogger("gunicorn.error").addFilter(NoText())
        with self._said_why():
            # Imported once for all workers, which then start at once and share its memory. The
            # model is not: OpenMP does not survive a fork.
            importlib.import_module("inference")
        Master(self).run()

    @contextlib.contextmanager
    def _said_why(self) -> Iterator[None]:
        """Leave the reason for the supervisor if what is within fails."""
        try:
            yield
        except Exception as error:
            reason = " ".join(str(error).split())[:300] or type(error).__name__
            Path(self.plan["failure_file"]).write_text(reason, encoding="utf-8")
            raise

    def _post_fork(self, _master: object, _worker: object) -> None:
        # The lock says that the master lives; its workers must not hold it for it.
        os.close(self._master_lock)

    def _worker_exit(self, _master: object, worker: Worker) -> None:
        # Nothing is left to do, and taking NumPy and XGBoost down in order takes half a second.
        # One that could not start has an exit code that its master must see.
        if worker.booted:
            os._exit(0)


def main(arguments: list[str]) -> None:
    """Serve as `plan.json` says, on descriptors that the supervisor opened."""
    plan_file, listener, private, lock = arguments
    plan = json.loads(Path(plan_file).read_bytes())
    Server(plan, int(listener), int(private), int(lock)).run()


if __name__ == "__main__":
    main(sys.argv[1:])
