"""Which bot process holds a piece of work, and whether that process still lives.

Work is held by lease: who stops renewing loses it. On one machine nobody has to wait for that. Each
process keeps a lock on a file below TRIAGE_HOME, the kernel drops the lock when the process dies
however it dies, and whoever can take the lock knows that its owner is gone.
"""

import fcntl
import os
import time
import uuid
from contextlib import suppress
from pathlib import Path

KEEP_SECONDS = 7 * 86_400


class Owner:
    """This process, as an owner of leases."""

    def __init__(self, home: Path) -> None:
        self.id = uuid.uuid4().hex
        self._folder = home / "bots"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._path = self._folder / f"{self.id}.lock"
        # Held until `close`, or until the process ends.
        self._file = self._path.open("w")
        fcntl.flock(self._file, fcntl.LOCK_EX)
        self._tidy()

    def is_dead(self, owner: str) -> bool:
        """Whether `owner` ran on this machine and is gone. False also where that can't be known."""
        if owner == self.id:
            return False
        path = self._folder / f"{owner}.lock"
        try:
            descriptor = os.open(path, os.O_RDWR)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        finally:
            os.close(descriptor)
        return True

    def _tidy(self) -> None:
        """Remove the files of processes that are long gone; their leases have run out."""
        for path in self._folder.glob("*.lock"):
            with suppress(OSError):
                old = time.time() - path.stat().st_mtime > KEEP_SECONDS
                if old and self.is_dead(path.stem):
                    path.unlink()

    def close(self) -> None:
        """Let go: from here on others see this process as gone."""
        with suppress(OSError):
            self._file.close()
