"""Command-line options made from the fields of `mlops.backends.options`."""

import functools
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import click

from mlops.backends.options import Options


def options_of(kind: type[Options], *only: str) -> Callable[[Callable[..., Any]], Any]:
    """Add an option for each field of a group, and pass them on as one value.

    Args:
        kind: The group, such as `Compute`; the function gets it under its name in lower case.
        *only: The fields to offer; none: all.
    """
    offered = [item for item in fields(kind) if not only or item.name in only]
    parameter = kind.__name__.lower()

    def decorate(function: Callable[..., Any]) -> Any:
        @functools.wraps(function)
        def collected(**values: Any) -> Any:
            chosen = {item.name: values.pop(item.name) for item in offered}
            return function(**values, **{parameter: kind(**chosen)})

        command: Any = collected
        for item in reversed(offered):
            command = click.option(
                item.metadata["flag"],
                item.name,
                default=None,
                help=item.metadata["help"],
                **_type(item.metadata["type"]),
            )(command)
        return command

    return decorate


def _type(kind: Any) -> dict[str, Any]:
    """What click needs to know: a range of numbers, a choice of words, a switch, or text."""
    if kind is bool:
        return {"is_flag": True}
    if isinstance(kind, tuple) and all(isinstance(word, str) for word in kind):
        return {"type": click.Choice(kind, case_sensitive=False)}
    if isinstance(kind, tuple):
        return {"type": click.IntRange(*kind)}
    return {"type": kind, "metavar": "NAME"}
