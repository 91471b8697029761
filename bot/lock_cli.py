"""`triage lock`: the lock on deploying that `/redeploy lock` and `unlock` set and release."""

import getpass
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from mlops.cli.options import echo_json, json_option
from mlops.errors import LockedError, SettingsError

if TYPE_CHECKING:
    from bot.store.lock import DeployLock
    from mlops.deploy_lock import Lock

TERMINAL = "terminal"


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
        made = table.set(_who(), reason, TERMINAL)
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
        was = table.release(_who(), TERMINAL)
    if as_json:
        echo_json({"released": was})
    elif was is None:
        click.echo("Deploying was not locked. Nothing was changed.")
    else:
        click.echo(f"Deploying is possible again. {_line(was)}")


@contextmanager
def _table() -> "Iterator[DeployLock]":
    from sqlalchemy.exc import SQLAlchemyError

    from bot.store import open_engine
    from bot.store.lock import DeployLock
    from mlops.settings import get_settings

    engine = open_engine(get_settings())
    try:
        yield DeployLock(engine)
    except SQLAlchemyError as error:
        raise SettingsError(
            f"The database can't be used ({type(error).__name__}). Nothing was changed. "
            "Check DATABASE_URL and that the server runs."
        ) from None
    finally:
        engine.dispose()


def _who() -> str:
    """Who types: no Slack ID, so nobody is taken for somebody in Slack."""
    return f"{getpass.getuser()}@{platform.node() or 'localhost'}"


def _line(lock: "Lock") -> str:
    since = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(lock.since))
    return f"{lock.by} locked it on {since}: {lock.reason}"


def _show(lock: "Lock | None", *, as_json: bool) -> None:
    if as_json:
        echo_json({"lock": lock})
    else:
        click.echo("Deploying is not locked." if lock is None else f"Locked. {_line(lock)}")
