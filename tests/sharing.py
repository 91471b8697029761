"""What takes long to make is made once, however many processes the tests run in."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest


def shared_folder(factory: pytest.TempPathFactory) -> Path:
    """The temporary folder of the whole run."""
    base = factory.getbasetemp()
    # Each process of pytest-xdist has a folder below the run's.
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """A folder that the first process to ask for it fills; whoever asks next waits for that.

    Args:
        factory: Whose temporary folders are the tests' own.
        name: Of the folder.
        make: Fills it.
    """
    base = shared_folder(factory)
    folder, done = base / name, base / f"{name}.done"
    with (base / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            folder.mkdir()
            make(folder)
            done.touch()
    return folder
