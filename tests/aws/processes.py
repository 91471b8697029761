"""The processes that stand for containers, none of which outlives the test server."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

_PASSED_ON = ("LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "TMPDIR", "TZ", "VIRTUAL_ENV")
_CHILD = Path(__file__).with_name("child.py")


class Container:
    """A process, and the threads that read what it prints.

    Args:
        arguments: For this Python.
        say: Called with every line of standard output and standard error.
    """

    def __init__(
        self,
        arguments: list[str],
        *,
        folder: Path,
        variables: Mapping[str, str],
        say: Callable[[str], None],
    ) -> None:
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        environment |= {"PYTHONUNBUFFERED": "1", "HOME": str(folder)} | dict(variables)
        self.errors: list[str] = []
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_CHILD), sys.executable, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
            env=environment,
            text=True,
            errors="replace",
        )
        self._readers = [
            threading.Thread(target=self._read, args=(self._process.stdout, say, False)),
            threading.Thread(target=self._read, args=(self._process.stderr, say, True)),
        ]
        for reader in self._readers:
            reader.start()

    @property
    def code(self) -> int | None:
        """How it ended, once it has."""
        return self._process.poll()

    def terminate(self) -> None:
        """Tell it to stop."""
        self._process.terminate()

    def wait(self, seconds: float) -> bool:
        """Whether it has ended within that time."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def end(self, grace: float = 0.0) -> None:
        """Tell it to stop, kill it after a while, and wait until nothing of it is left."""
        if grace and self.code is None:
            self.terminate()
            self.wait(grace)
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait()
        for reader in self._readers:
            reader.join()

    def _read(self, stream: IO[str], say: Callable[[str], None], errors: bool) -> None:
        with stream:
            for line in stream:
                say(line.rstrip("\n"))
                if errors:
                    self.errors.append(line.rstrip("\n"))
