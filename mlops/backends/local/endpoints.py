"""Endpoints as their users see them: each operation writes what is wanted and waits for it.

The supervisor of the endpoint does the work. Operations on one endpoint take turns through a lock
file; asking it for recommendations needs no lock.
"""

import contextlib
import os
import signal
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mlops.backends import Endpoint
from mlops.backends.local import locks
from mlops.backends.local.files import (
    make_folder,
    moment,
    now,
    read_json,
    remove_folder,
    write_json,
)
from mlops.backends.local.generation import (
    DRAIN_SECONDS,
    HEALTHY_WITHIN_SECONDS,
    generations,
)
from mlops.backends.local.processes import start_module
from mlops.backends.local.registry import Registry
from mlops.backends.requests import NAME_PATTERN, check_name
from mlops.errors import BackendError, NotFoundError

_SETTLED = ("InService", "Updating", "RollingBack")
_START_SECONDS = HEALTHY_WITHIN_SECONDS + 10.0
_UPDATE_SECONDS = HEALTHY_WITHIN_SECONDS + DRAIN_SECONDS + 15.0
_REVIVAL_SECONDS = 5.0
_STOP_SECONDS = 15.0
_POLL_SECONDS = 0.02


class Endpoints:
    """The endpoints of one state folder.

    Args:
        home: The state folder.
        registry: Where versions are looked up.
        workers: gunicorn workers of an endpoint that is created.
        threads: Threads of each worker.
    """

    def __init__(self, home: Path, registry: Registry, *, workers: int, threads: int) -> None:
        self._home = home
        self._parent = home / "endpoints"
        self._registry = registry
        self._workers = workers
        self._threads = threads

    def deploy(self, name: str, version: str, *, lifeline: int | None = None) -> Endpoint:
        """Create an endpoint and wait until it serves; see `Backend.deploy`.

        Args:
            lifeline: Descriptor of a pipe; when its other end closes, the endpoint stops.
        """
        check_name(name, "an endpoint")
        found = self._registry.get(version).name
        with self._turn(name):
            folder = self._parent / name
            if read_json(folder / "endpoint.json") is not None:
                raise BackendError(
                    f"The endpoint {name} exists already and was left as it is. To change what it "
                    f"serves: triage endpoints update {name} {found}"
                )
            remove_folder(folder)  # what a deployment that was killed left
            make_folder(folder)
            state = {
                "name": name,
                "status": "Creating",
                "version": found,
                "previous": None,
                "created": now(),
                "updated": now(),
                "port": None,
                "failure": None,
                "generation": None,
                "operation": None,
                "supervisor": None,
                "workers": self._workers,
                "threads": self._threads,
            }
            write_json(folder / "endpoint.json", state)
            try:
                state = self._ensure(name, _START_SECONDS, lifeline)
                failure = state.get("failure") if state.get("status") == "Failed" else None
            except BackendError as error:
                failure = str(error)
            if failure is not None:
                self._end(name)
                remove_folder(folder)
                raise BackendError(
                    f"The endpoint {name} was not created: {failure} Nothing of it was kept. "
                    "Deploy another version: triage models list"
                )
        return _endpoint(state)

    def update(self, name: str, version: str) -> Endpoint:
        """Change what an endpoint serves and wait until it does; see `Backend.update`."""
        self._state(name)
        found = self._registry.get(version).name
        with self._turn(name):
            return self._change(name, found, "Updating")

    def rollback(self, name: str) -> Endpoint:
        """Go back to the version that served before; see `Backend.rollback`."""
        self._state(name)
        with self._turn(name):
            previous = self._state(name).get("previous")
            if previous is None:
                raise BackendError(
                    f"The endpoint {name} has served no other version. It serves on as it was. "
                    f"To change what it serves: triage endpoints update {name} VERSION"
                )
            return self._change(name, str(previous), "RollingBack")

    def get(self, name: str) -> Endpoint:
        """The endpoint as it stands now, started again if its processes are gone."""
        self._state(name)
        return _endpoint(self._ensure(name, _START_SECONDS))

    def all(self) -> list[Endpoint]:
        """Every endpoint by name; looking at them starts none."""
        found = []
        for folder in sorted(self._parent.iterdir()) if self._parent.is_dir() else []:
            state = read_json(folder / "endpoint.json")
            if state is None or not NAME_PATTERN.fullmatch(folder.name):
                continue
            if not self._runs(folder.name, state) and state.get("status") in _SETTLED:
                state |= {
                    "status": "Failed",
                    "failure": "It is not running. The next request starts it again, or: "
                    f"triage endpoints show {folder.name}",
                }
            found.append(_endpoint(state))
        return found

    def port(self, name: str, seconds: float) -> int:
        """Where the endpoint listens; it is started first if its processes are gone."""
        state = self._state(name)
        if state.get("status") not in _SETTLED or not self._runs(name, state):
            state = self._ensure(name, seconds)
        if state.get("status") not in _SETTLED:
            raise BackendError(
                f"The endpoint {name} is down: {state.get('failure')} Nothing was classified. "
                f"To serve another version: triage endpoints update {name} VERSION"
            )
        return int(state["port"])

    def stop(self, name: str) -> None:
        """End its processes and keep everything else; the next request starts it again."""
        self._state(name)
        with self._turn(name):
            self._end(name)

    def delete(self, name: str) -> None:
        """Stop it and forget it; see `Backend.delete_endpoint`."""
        state = self._state(name)
        with self._turn(name):
            write_json(self._parent / name / "endpoint.json", state | {"status": "Deleting"})
            self._end(name)
            remove_folder(self._parent / name)

    @contextlib.contextmanager
    def hosted(self, name: str, version: str) -> Iterator[Endpoint]:
        """An endpoint for as long as the caller lives.

        It is created if need be, and stopped at the end, also if this process is killed. One that
        runs already is used as it is, and left running.
        """
        reader, writer = os.pipe()
        try:
            try:
                state = self._state(name)
            except NotFoundError:
                mine, endpoint = True, self.deploy(name, version, lifeline=reader)
            else:
                mine = not self._runs(name, state)
                endpoint = _endpoint(self._ensure(name, _START_SECONDS, reader))
            try:
                yield endpoint
            finally:
                if mine:
                    self.stop(name)
        finally:
            os.close(reader)
            os.close(writer)

    def _state(self, name: str) -> dict[str, Any]:
        """What is known of an endpoint.

        Raises:
            NotFoundError: if there is none of that name.
        """
        state = None
        if NAME_PATTERN.fullmatch(name):
            state = read_json(self._parent / name / "endpoint.json")
        if state is None:
            raise NotFoundError(
                f"There is no endpoint {name[:80]!r}. Nothing was changed. "
                "See which there are: triage endpoints list; or create it: triage deploy"
            )
        return state

    def _runs(self, name: str, state: dict[str, Any]) -> bool:
        """Whether its supervisor lives, or a server that will start one."""
        folder = self._parent / name
        server = folder / "generations" / str(state.get("generation")) / "master.lock"
        return locks.is_held(folder / "supervisor.lock") or locks.is_held(server)

    @contextlib.contextmanager
    def _turn(self, name: str) -> Iterator[None]:
        """Hold the right to change an endpoint."""
        folder = make_folder(self._parent / ".locks")
        lock = locks.acquire(folder / f"{name}.lock", wait=0.2)
        if lock is None:
            raise BackendError(
                f"Another operation on the endpoint {name} is under way. Yours changed nothing. "
                f"See how it is: triage endpoints show {name}; then try again."
            )
        try:
            yield
        finally:
            locks.release(lock)

    def _change(self, name: str, version: str, status: str) -> Endpoint:
        """Have the supervisor switch to a version, and wait for the outcome."""
        self._ensure(name, _START_SECONDS)
        folder = self._parent / name
        operation = uuid.uuid4().hex
        wanted = {"id": operation, "version": version, "status": status}
        write_json(folder / "wanted.json", wanted)
        deadline = time.monotonic() + _UPDATE_SECONDS
        _signal(folder / "supervisor.lock", signal.SIGHUP)
        while time.monotonic() < deadline:
            state = self._state(name)
            if state.get("operation") == operation:
                if state.get("failure"):
                    raise BackendError(f"{state['failure']} See its log in {folder}/server.log.")
                return _endpoint(state)
            if not locks.is_held(folder / "supervisor.lock"):
                self._ensure(name, max(deadline - time.monotonic(), 1.0))
            time.sleep(_POLL_SECONDS)
        raise BackendError(
            f"The endpoint {name} did not finish the change to {version} in "
            f"{_UPDATE_SECONDS:.0f} s. It goes on in the background. "
            f"See how it is: triage endpoints show {name}"
        )

    def _ensure(self, name: str, seconds: float, lifeline: int | None = None) -> dict[str, Any]:
        """Start the endpoint's processes if they are gone, and wait until they are settled."""
        folder = self._parent / name
        deadline = time.monotonic() + seconds
        # A server whose supervisor was killed starts a new one within about a second.
        alone_until = time.monotonic() + _REVIVAL_SECONDS
        while time.monotonic() < deadline:
            state = self._state(name)
            supervisor = locks.holder(folder / "supervisor.lock")
            if supervisor is None:
                if not self._runs(name, state) or time.monotonic() > alone_until:
                    self._start_supervisor(name, lifeline)
            elif supervisor == state.get("supervisor") and state.get("status") != "Creating":
                return state
            time.sleep(_POLL_SECONDS)
        raise BackendError(
            f"The endpoint {name} did not start within {seconds:.0f} s. Its versions are kept. "
            f"Its log is {folder}/supervisor.log."
        )

    def _start_supervisor(self, name: str, lifeline: int | None) -> None:
        folder = self._parent / name
        lock = locks.acquire(folder / "supervisor.lock", wait=0.1)
        if lock is None:
            return
        try:
            locks.write_pid(lock, 0)
            arguments = [str(self._home), name, "--lock", str(lock)]
            handed = [lock]
            if lifeline is not None:
                arguments += ["--lifeline", str(lifeline)]
                handed.append(lifeline)
            pid = start_module(
                "mlops.backends.local.supervisor",
                arguments,
                log=folder / "supervisor.log",
                folder=self._home,
                pass_fds=handed,
            )
            locks.write_pid(lock, pid)
        finally:
            locks.release(lock)

    def _end(self, name: str) -> None:
        """End every process of an endpoint: requests that were accepted are answered first."""
        folder = self._parent / name
        path = folder / "supervisor.lock"
        _signal(path, signal.SIGTERM)
        if not locks.wait_released(path, _STOP_SECONDS):
            _signal(path, signal.SIGKILL)
        # Holding its lock, nobody can start another supervisor meanwhile.
        lock = locks.acquire(path, wait=5.0)
        try:
            for generation in generations(folder):
                generation.kill(grace=5.0)
        finally:
            if lock is not None:
                locks.release(lock)


def _signal(path: Path, number: int) -> None:
    """Send a signal to the process that holds a lock, if one does."""
    pid = locks.holder(path)
    if pid is not None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _endpoint(state: dict[str, Any]) -> Endpoint:
    port = state.get("port")
    return Endpoint(
        name=str(state["name"]),
        status=state["status"],
        version=str(state["version"]),
        previous=state.get("previous"),
        created=moment(state.get("created")),
        updated=moment(state.get("updated")),
        url=f"http://127.0.0.1:{port}" if port else None,
        failure=state.get("failure"),
    )
