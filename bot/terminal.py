"""What the bot's own commands share in a terminal: the database, and who types."""

import getpass
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mlops.errors import SettingsError

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


def who() -> str:
    """Who types: no Slack ID, so nobody is taken for somebody in Slack."""
    return f"{getpass.getuser()}@{platform.node() or 'localhost'}"


def stamp(seconds: float) -> str:
    """A time for a terminal."""
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))
