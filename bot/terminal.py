"""What commands share in a terminal: the database, who types, and their lines in the audit log."""

import getpass
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from mlops.errors import LockedError, NotFoundError, SettingsError, TriageError

if TYPE_CHECKING:
    from sqlalchemy import Engine

# Where an operation came from, in the audit log.
TERMINAL = "terminal"


@contextmanager
def database() -> "Iterator[Engine]":
    """The database that the settings name.

    Raises:
        SettingsError: it can't be used.
    """
    from sqlalchemy.exc import SQLAlchemyError

    from bot.store import open_engine
    from mlops.settings import get_settings

    engine = open_engine(get_settings())
    try:
        yield engine
    except SQLAlchemyError as error:
        raise SettingsError(
            f"The database can't be used ({type(error).__name__}). Nothing was changed. "
            "Check DATABASE_URL and that the server runs."
        ) from None
    finally:
        engine.dispose()


@dataclass
class Outcome:
    """What came of an operation, in a few words; the command says so before it ends."""

    result: str = "done"


@contextmanager
def recorded(action: str, target: str, *, deploys: bool = False) -> Iterator[Outcome]:
    """Leave two lines in the audit log: that an operation was begun, and what came of it.

    A log that can't be written is said on standard error and stops nothing: going back has to be
    possible without a database.

    Args:
        action: What, in the words that the bot has for it, such as `rollback`.
        target: On what: a version, an endpoint, a job.
        deploys: Whether nobody may do it while deploying is locked.

    Raises:
        LockedError: with `deploys`, saying who locked it.
    """
    from mlops.deploy_lock import check_unlocked
    from mlops.settings import get_settings

    outcome = Outcome()
    try:
        if deploys:
            check_unlocked(get_settings())
        _write(action, target, "started")
        yield outcome
    except LockedError:
        outcome.result = "refused: locked"
        raise
    except NotFoundError:
        outcome.result = "refused: not there"
        raise
    except (KeyboardInterrupt, click.Abort):
        outcome.result = "interrupted"
        raise
    except (click.exceptions.Exit, SystemExit):
        # The command has said what came of it, and ends with its own exit code.
        raise
    except BaseException:
        outcome.result = "failed"
        raise
    finally:
        _write(action, target, outcome.result)


def _write(action: str, target: str, result: str) -> None:
    from bot.store.audit import Audit

    try:
        with database() as engine:
            Audit(engine).add(who(), action, target, TERMINAL, result)
    except TriageError as error:
        click.echo(f"This is not in the audit log. {error}", err=True)


def who() -> str:
    """Who types: no Slack ID, so nobody is taken for somebody in Slack."""
    return f"{getpass.getuser()}@{platform.node() or 'localhost'}"


def stamp(seconds: float) -> str:
    """A time for a terminal."""
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))
