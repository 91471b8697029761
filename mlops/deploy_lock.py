"""The lock on deploying: while it is set, nobody has another version serve, here or in Slack.

It is one row in the database that everybody shares. `triage lock` and the bot write it
(`bot.store.lock`); a database that was never used, or isn't there, locks nothing. Going back to the
version before is always possible.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mlops.errors import LockedError, SettingsError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from mlops.settings import Settings

TABLE = "deploy_lock"


@dataclass(frozen=True)
class Lock:
    """Why nobody may deploy now.

    Attributes:
        by: Who locked it: a Slack ID, or `name@host` from a terminal.
        since: When, in seconds since the epoch.
    """

    by: str
    reason: str
    since: float


def read(connection: "Connection") -> Lock | None:
    """The lock in force, from a database that has the table."""
    from sqlalchemy import text

    query = text(f"SELECT locked_by, reason, since FROM {TABLE}")  # noqa: S608  a constant
    row = connection.execute(query).first()
    return None if row is None else Lock(*row)


def current(settings: "Settings") -> Lock | None:
    """The lock in force, or None.

    Raises:
        SettingsError: the database can't be read, so it can't be known.
    """
    from sqlalchemy import inspect
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import SQLAlchemyError

    from mlops.database import make_engine

    url = make_url(settings.database)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        return None
    engine = make_engine(settings.database)
    try:
        with engine.begin() as connection:
            return read(connection) if inspect(connection).has_table(TABLE) else None
    except SQLAlchemyError as error:
        raise SettingsError(
            f"The database can't be read ({type(error).__name__}), so whether deploying is locked "
            "can't be known. Nothing was changed. Check DATABASE_URL and that the server runs."
        ) from None
    finally:
        engine.dispose()


def check_unlocked(settings: "Settings") -> None:
    """Refuse to go on while deploying is locked.

    Raises:
        LockedError: saying who locked it, why and since when.
        SettingsError: the database can't be read.
    """
    lock = current(settings)
    if lock is not None:
        since = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(lock.since))
        raise LockedError(
            f"Deploying is locked by {lock.by} since {since}: {lock.reason.rstrip('.')}. "
            "What serves was not changed. Ask them, or release it with: triage lock release"
        )
