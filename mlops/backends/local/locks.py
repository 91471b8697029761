"""Who is alive: a lock file that a process holds for its life, and the kernel lets go at its end.

A process id alone can't tell: it is used again after a crash or a restart of the machine. A lock
can't be held by a dead process, whatever killed it, so the id written inside the file is good for
signals exactly while the lock is held.

Standard library only: `server.py` loads this file by its path.
"""

import contextlib
import fcntl
import os
import signal
import time
from pathlib import Path


def acquire(path: Path, wait: float = 0.0) -> int | None:
    """Take the lock and return its descriptor; None if another process holds it after `wait` s.

    The descriptor may be handed to a child, which then holds the same lock.
    """
    deadline = time.monotonic() + wait
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            if time.monotonic() >= deadline:
                return None
            time.sleep(0.02)
        else:
            return descriptor


def release(descriptor: int) -> None:
    """Let go of a lock in this process (a child that was handed it still holds it)."""
    os.close(descriptor)


def is_held(path: Path) -> bool:
    """Whether a living process holds the lock."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        # Shared, so that two who only look do not take each other for the holder.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)


def write_pid(descriptor: int, pid: int) -> None:
    """Note in a held lock file which process, or group of processes, holds it."""
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(pid).encode(), 0)


def holder(path: Path) -> int | None:
    """The id noted in the lock file, if the lock is held and an id has been noted yet."""
    if not is_held(path):
        return None
    with contextlib.suppress(OSError, ValueError):
        noted = int(path.read_text(encoding="ascii"))
        # As an argument of kill(), 0 and below stand for processes that are not ours.
        return noted if noted > 1 else None
    return None


def wait_released(path: Path, seconds: float) -> bool:
    """Wait until nobody holds the lock; whether that happened in time."""
    deadline = time.monotonic() + seconds
    while is_held(path):
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.02)
    return True


def kill_group(path: Path, grace: float) -> bool:
    """End every process that shares the lock: politely, and after `grace` seconds not.

    The lock must have been noted with the id of their process group. Returns whether they ended.
    """
    for number, seconds in ((signal.SIGTERM, grace), (signal.SIGKILL, 5.0)):
        if number == signal.SIGTERM and grace <= 0:
            continue
        group = holder(path)
        if group is None:
            return not is_held(path)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)
        if wait_released(path, seconds):
            return True
    return not is_held(path)
