"""`triage lock`: the lock on deploying that `/redeploy lock` and `unlock` set and release."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from bot.terminal import TERMINAL, database, stamp, who
from mlops.cli.options import echo_json, json_option
from mlops.errors import LockedError

if TYPE_CHECKING:
    from bot.store.lock import DeployLock
    from mlops.deploy_lock import Lock


@click.group(short_help="Lock deploying, for everybody.")
def lock() -> None:
    """Lock deploying, for everybody: while it is set, no version is deployed here or in Slack.

    Going back to the version before stays possible.

    \b
    Examples:
      triage lock set "audit until Friday"
      triage lock release
    """


@lock.command(name="set")
@click.argument("reason")
@json_option
def set_lock(reason: str, as_json: bool) -> None:
    """Lock, and say why; others see who, why and since when.

    \b
    Examples:
      triage lock set "audit until Friday"
      triage lock set "the clinic is moving" --json
    """
    from bot.store.lock import REASON_CHARACTERS

    reason = " ".join(reason.split())
    if not 0 < len(reason) <= REASON_CHARACTERS:
        raise click.BadParameter(
            f"Say why in 1 to {REASON_CHARACTERS} characters.", param_hint="REASON"
        )
    with _table() as table:
        made = table.set(who(), reason, TERMINAL)
        there = table.current()
    if made is None:
        raise LockedError(
            f"It is locked already: {_line(there)}. That lock was left as it is."
            if there is not None
            else "It was locked and released at that very moment. Give the command again."
        )
    _show(made, as_json=as_json)


@lock.command()
@json_option
def show(as_json: bool) -> None:
    """Show whether deploying is locked, by whom, why and since when.

    \b
    Examples:
      triage lock show
      triage lock show --json
    """
    with _table() as table:
        _show(table.current(), as_json=as_json)


@lock.command()
@json_option
def release(as_json: bool) -> None:
    """Release the lock, whoever set it.

    \b
    Examples:
      triage lock release
      triage lock release --json
    """
    with _table() as table:
        was = table.release(who(), TERMINAL)
    if as_json:
        echo_json({"released": was})
    elif was is None:
        click.echo("Deploying was not locked. Nothing was changed.")
    else:
        click.echo(f"Deploying is possible again. {_line(was)}")


@contextmanager
def _table() -> "Iterator[DeployLock]":
    from bot.store.lock import DeployLock

    with database() as engine:
        yield DeployLock(engine)


def _line(lock: "Lock") -> str:
    return f"{lock.by} locked it on {stamp(lock.since)}: {lock.reason}"


def _show(lock: "Lock | None", *, as_json: bool) -> None:
    if as_json:
        echo_json({"lock": lock})
    else:
        click.echo("Deploying is not locked." if lock is None else f"Locked. {_line(lock)}")
