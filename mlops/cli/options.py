"""What the commands share: `--json`, and where words for people go."""

import json
from collections.abc import Callable
from dataclasses import asdict, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from rich.console import Console

    from mlops.backends import Backend

F = TypeVar("F", bound=Callable[..., Any])


def json_option(function: F) -> F:
    """Add `--json`: data on standard output for programs, passed on as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")(
        function
    )


def echo_json(data: object) -> None:
    """Print data (dataclasses, dates and paths included) as JSON on standard output."""
    click.echo(json.dumps(data, indent=2, ensure_ascii=False, default=_plain))


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def console(*, stderr: bool = False) -> "Console":
    """A rich console; progress and remarks go to standard error, so that pipes stay clean."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False)


def open_backend() -> "Backend":
    """The backend that the settings name."""
    from mlops.backends import get_backend
    from mlops.settings import get_settings

    return get_backend(get_settings())


def write_file(path: Path, content: bytes) -> None:
    """Write what a command was asked to leave, and make its folder.

    Raises:
        TriageError: if the disk or its rights won't have it.
    """
    from mlops.errors import TriageError

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise TriageError(
            f"{path} can't be written ({error.strerror}). The rest was done. Give another path."
        ) from None
