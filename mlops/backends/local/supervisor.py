"""The process that keeps an endpoint up: it holds the listening socket and minds gunicorn.

It starts again what died, carries out updates (new server healthy first, then the old one drained,
both accepting from one queue) and goes back by itself when a new version is no good. What it knows
is in `endpoint.json`; what it is asked is in `wanted.json`; a signal only wakes it. So it can be
killed at any moment and the next one carries on.
"""

import argparse
import os
import random
import select
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

from mlops.backends.local import locks
from mlops.backends.local.files import now, read_json, write_json
from mlops.backends.local.generation import (
    DRAIN_SECONDS,
    HEALTHY_WITHIN_SECONDS,
    Generation,
    Unhealthy,
    generations,
)
from mlops.backends.local.registry import Registry
from mlops.errors import TriageError

_BACKLOG = 1024
# Below the range from which the system takes client ports: an endpoint that is down for a moment
# finds its own port free, and no client can connect to itself.
_PORTS = range(20_000, 32_000)
_LONGEST_PAUSE_SECONDS = 30.0


class Stopping(Exception):
    """The supervisor was asked to end in the middle of something."""


class Supervisor:
    """Keeps one endpoint up.

    Args:
        home: The state folder.
        name: The endpoint.
        listener: Its socket, from a server that outlived its supervisor; None: bind it.
        lifeline: Descriptor of a pipe; when its other end closes, the endpoint stops.
    """

    def __init__(
        self, home: Path, name: str, listener: socket.socket | None, lifeline: int | None
    ) -> None:
        self.name = name
        self.folder = home / "endpoints" / name
        self.registry = Registry(home)
        self.state: dict[str, Any] = read_json(self.folder / "endpoint.json") or {}
        self.listener = listener
        self.current: Generation | None = None
        self.retired: list[Generation] = []
        self.stopping = False
        self.lifeline = lifeline
        self.failed_starts = 0
        self.next_start = 0.0
        self._wake, wake_writer = os.pipe()
        for descriptor in (self._wake, wake_writer):
            os.set_blocking(descriptor, False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, self._on_signal)
        signal.set_wakeup_fd(wake_writer, warn_on_full_buffer=False)

    def run(self) -> None:
        """Supervise until told to stop."""
        try:
            self._take_over()
            while not self.stopping:
                self._tend()
                self._obey()
                self._pause(1.0)
        except Stopping:
            _log("stopping")
        self._shut_down()

    def _take_over(self) -> None:
        """Find what an earlier supervisor left: its socket, its server, a half-done update."""
        adopted = self.state.get("generation") if self.listener is not None else None
        for generation in generations(self.folder):
            if generation.id == adopted and generation.alive:
                self.current = generation
                _log("took over the running server")
            else:
                generation.kill(grace=1.0)
        if self.state.get("status") in ("Updating", "RollingBack"):
            self._settle_interrupted()
        if self.current is not None:
            self._save(supervisor=os.getpid())

    def _settle_interrupted(self) -> None:
        """Say what became of an update whose supervisor was killed."""
        wanted = read_json(self.folder / "wanted.json") or {}
        if wanted.get("version") == self.state.get("version"):
            failure = None
        else:
            failure = (
                f"The update to {wanted.get('version')} was interrupted. "
                f"{self.state.get('version')} goes on serving. Run the update again."
            )
        self._save(status="InService", failure=failure, operation=wanted.get("id"))

    def _bind(self) -> bool:
        """Take the endpoint's port: the one it has always had, or a new one at first."""
        port = self.state.get("port")
        candidates = [port] if port is not None else [*random.sample(_PORTS, 50), 0]
        reason = ""
        for candidate in candidates:
            try:
                self.listener = socket.create_server(("127.0.0.1", candidate), backlog=_BACKLOG)
            except OSError as error:
                reason = os.strerror(error.errno or 0)
            else:
                self._save(port=self.listener.getsockname()[1])
                return True
        self._save(
            status="Failed",
            supervisor=os.getpid(),
            failure=f"Port {port}, on which {self.name} has always listened, can't be used: "
            f"{reason}. Its versions are kept. Stop the program that has the port, or delete the "
            "endpoint and deploy it again.",
        )
        return False

    def _tend(self) -> None:
        """Start the server again if it died, and clear away those that have drained."""
        self.retired = [old for old in self.retired if not old.remove_if_ended()]
        if self.current is not None:
            if self.current.alive:
                return
            _log("the server is gone: starting it again")
            # Its workers, if it has any left, finish what they have and end by themselves.
            self.current.retire()
            self.retired.append(self.current)
            self.current = None
        if time.monotonic() < self.next_start or not (self.listener or self._bind()):
            return
        started = time.monotonic()
        try:
            self.current = self._launch(str(self.state["version"]))
        except Unhealthy as error:
            self.failed_starts += 1
            pause = min(0.5 * 2**self.failed_starts, _LONGEST_PAUSE_SECONDS)
            self.next_start = time.monotonic() + pause
            _log(f"the server did not start: {error}")
            self._save(
                status="Failed",
                supervisor=os.getpid(),
                failure=f"{self.state['version']} can't be served: {error}.",
            )
            return
        # A server that dies as soon as it is up is not started in a tight loop.
        self.failed_starts = 0
        self.next_start = started + 2.0
        self._save(
            status="InService",
            failure=None if self.state.get("status") == "Failed" else self.state.get("failure"),
            generation=self.current.id,
            supervisor=os.getpid(),
        )

    def _obey(self) -> None:
        """Carry out the update in `wanted.json`, if it has not been done yet."""
        wanted = read_json(self.folder / "wanted.json")
        if wanted is None or wanted["id"] == self.state.get("operation"):
            return
        version = str(wanted["version"])
        self._save(status=wanted["status"], failure=None)
        try:
            new = self._launch(version)
        except Unhealthy as error:
            _log(f"the update to {version} failed: {error}")
            served = self.state["version"]
            self._save(
                status="InService" if self.current is not None else "Failed",
                operation=wanted["id"],
                failure=f"The update to {version} failed: {error}. {served} goes on serving.",
            )
            return
        old, self.current = self.current, new
        served = self.state["version"]
        self._save(
            version=version,
            previous=served if served != version else self.state.get("previous"),
            generation=new.id,
            updated=now(),
            supervisor=os.getpid(),
        )
        if old is not None:
            old.retire()
            self._drain(old)
        self._save(status="InService", operation=wanted["id"])
        _log(f"serving {version}")

    def _launch(self, version: str) -> Generation:
        """Start a server and wait until it is healthy.

        Raises:
            Unhealthy: if it isn't; it is gone then.
        """
        if self.listener is None:
            raise Unhealthy(f"port {self.state.get('port')} is taken by another program")
        try:
            generation = Generation.start(
                self.folder,
                version=version,
                artifact=Path(self.registry.get(version).artifact),
                listener=self.listener,
                workers=int(self.state.get("workers", 1)),
                threads=int(self.state.get("threads", 1)),
            )
        except TriageError as error:
            raise Unhealthy(str(error).rstrip(".")) from None
        except OSError as error:
            raise Unhealthy(f"the machine refused: {error.strerror}") from None
        deadline = time.monotonic() + HEALTHY_WITHIN_SECONDS
        try:
            while not generation.check():
                if time.monotonic() > deadline:
                    raise Unhealthy(f"it was not healthy after {HEALTHY_WITHIN_SECONDS:.0f} s")
                self._pause(0.03)
        except BaseException:
            # If it has accepted requests already, it may finish them.
            generation.kill(grace=5.0)
            raise
        return generation

    def _drain(self, old: Generation) -> None:
        """Wait until a retired server has finished; one that takes too long is left to `_tend`."""
        self.retired.append(old)
        deadline = time.monotonic() + DRAIN_SECONDS
        while old in self.retired and time.monotonic() < deadline:
            self._pause(0.03)
            self._tend()

    def _shut_down(self) -> None:
        """Let the server finish what it has accepted, then end it."""
        running = [*self.retired, *([self.current] if self.current else [])]
        for generation in running:
            generation.retire()
        for generation in running:
            generation.kill(grace=10.0)

    def _pause(self, seconds: float) -> None:
        """Wait for a signal, the end of the lifeline or the time.

        Raises:
            Stopping: if the supervisor is to end.
        """
        sources = [self._wake] + ([self.lifeline] if self.lifeline is not None else [])
        ready, _, _ = select.select(sources, [], [], seconds)
        if self._wake in ready:
            os.read(self._wake, 512)
        if self.lifeline in ready:
            self.stopping = True
        if self.stopping:
            raise Stopping

    def _save(self, **changes: object) -> None:
        self.state.update(changes)
        write_json(self.folder / "endpoint.json", self.state)

    def _on_signal(self, number: int, _frame: object) -> None:
        if number in (signal.SIGTERM, signal.SIGINT):
            self.stopping = True


def _log(message: str) -> None:
    sys.stderr.write(f"{now()} {message}\n")


def main() -> None:
    """Run the supervisor of one endpoint; its lock is handed to it, held."""
    parser = argparse.ArgumentParser()
    parser.add_argument("home", type=Path)
    parser.add_argument("name")
    parser.add_argument("--lock", type=int, required=True)
    parser.add_argument("--listener", type=int)
    parser.add_argument("--lifeline", type=int)
    options = parser.parse_args()
    locks.write_pid(options.lock, os.getpid())
    listener = socket.socket(fileno=options.listener) if options.listener is not None else None
    Supervisor(options.home, options.name, listener, options.lifeline).run()


if __name__ == "__main__":
    main()
