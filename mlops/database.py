"""Connections to the database: SQLite for one machine, PostgreSQL for several."""

import sqlite3
import time
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from mlops.errors import SettingsError

BUSY_SECONDS = 10.0
POOL = {"pool_size": 10, "max_overflow": 30}


def make_engine(url: str) -> Engine:
    """An engine for `url`; nothing is connected yet.

    Raises:
        SettingsError: the URL is none, or its driver isn't installed.
    """
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() != "sqlite":
            return create_engine(parsed, pool_pre_ping=True, **POOL)
        if parsed.database and parsed.database != ":memory:":
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(parsed, connect_args={"timeout": BUSY_SECONDS}, **POOL)
    except (ArgumentError, SQLAlchemyError, ModuleNotFoundError) as error:
        # A driver's message may hold the URL with its password.
        raise SettingsError(
            f"DATABASE_URL can't be used ({type(error).__name__}). Nothing was started. "
            "Correct it, or leave it empty for SQLite below TRIAGE_HOME; PostgreSQL needs "
            "pip install 'referral-triage[postgres]'."
        ) from None
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    # The driver's own habit of starting transactions late would let two writers deadlock.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
    deadline = time.monotonic() + BUSY_SECONDS
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            # SQLite doesn't wait for other connections here, whatever busy_timeout says.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _begin_immediate(connection: Connection) -> None:
    """Take the write lock at once: a reader that turns writer half-way can't be made to wait."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")
