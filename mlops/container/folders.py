"""A folder that whatever runs within a `with` may use, without its being handed down."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path


class ScopedFolder:
    """Where a kind of file is kept, for a while.

    Args:
        name: For debugging.
    """

    def __init__(self, name: str) -> None:
        self._current: ContextVar[Path | None] = ContextVar(name, default=None)

    def get(self) -> Path | None:
        """The folder in force; None if the files are kept nowhere."""
        return self._current.get()

    @contextmanager
    def kept_in(self, folder: Path | None) -> Iterator[None]:
        """Within this, files are kept in a folder; with None, or outside of it, nowhere."""
        token = self._current.set(folder)
        try:
            yield
        finally:
            self._current.reset(token)
