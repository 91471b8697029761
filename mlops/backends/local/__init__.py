"""SageMaker's jobs, model versions and endpoints on this machine, as ordinary processes."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlops.backends.local.backend import LocalBackend

__all__ = ["LocalBackend"]


def __getattr__(name: str) -> object:
    """Import the backend when it is asked for: the processes it starts do without it."""
    if name == "LocalBackend":
        from mlops.backends.local.backend import LocalBackend

        return LocalBackend
    raise AttributeError(name)
