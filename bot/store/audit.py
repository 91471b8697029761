"""Who asked for which operation, when, where, and what came of it. Rows are only ever added.

Each row's hash covers what it says and the hash of the row before, so that a row that was changed,
taken out or moved shows. Rows cut off at the end show to whoever kept a later hash.
"""

import hashlib
import json
import time
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, RowMapping, insert, select, text

from bot.store import tables

# Any number will do, as long as every bot takes the same one: on PostgreSQL two rows must not
# follow the same one. SQLite lets one transaction write at a time anyway.
ADVISORY_LOCK = 7_265_967
# What the first row follows.
BEGINNING = "0" * 64


@dataclass(frozen=True)
class Entry:
    """One line of the audit log.

    Attributes:
        previous: Hash of the line before.
        hash: Over this line and `previous`.
    """

    at: float
    user: str
    action: str
    target: str
    channel: str
    result: str
    previous: str = BEGINNING
    hash: str = ""


@dataclass(frozen=True)
class Checked:
    """What came of checking a log.

    Attributes:
        entries: How many lines it has.
        head: Hash of the last one.
        broken: Number of the first line, from 1, that doesn't fit; None: all do.
    """

    entries: int
    head: str
    broken: int | None = None


def seal(entry: Entry) -> str:
    """The hash of a line: SHA-256 of its fields and of the hash before, as compact JSON."""
    fields = [
        entry.previous,
        entry.at,
        entry.user,
        entry.action,
        entry.target,
        entry.channel,
        entry.result,
    ]
    plain = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(plain.encode()).hexdigest()


def check(entries: Iterable[Entry]) -> Checked:
    """Whether each line follows the one before it and says what it said when it was written."""
    count, head, broken = 0, BEGINNING, None
    for entry in entries:
        count += 1
        if broken is None and (entry.previous != head or entry.hash != seal(entry)):
            broken = count
        head = entry.hash
    return Checked(count, head, broken)


def append(
    connection: Connection, user: str, action: str, target: str, channel: str, result: str
) -> None:
    """Write one line within a transaction: what it tells of and the line stand or fall together.

    Args:
        connection: With the transaction.
        user: Who, as a Slack ID, or `name@host` in a terminal; empty: the bot by itself.
        action: What, such as `retrain`.
        target: On what, such as a job or a version; may be empty.
        channel: From where: a conversation, or `terminal`.
        result: What came of it, in one word or a few.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})"))
    newest = select(tables.audit.c.hash).order_by(tables.audit.c.id.desc()).limit(1)
    previous = connection.execute(newest).scalar() or BEGINNING
    entry = Entry(time.time(), user, action, target, channel, result, previous)
    connection.execute(
        insert(tables.audit).values(
            at=entry.at,
            user_id=user,
            action=action,
            target=target,
            channel=channel,
            result=result,
            previous=previous,
            hash=seal(entry),
        )
    )


class Audit:
    """The table `audit`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, user: str, action: str, target: str, channel: str, result: str) -> None:
        """Write one line; see `append`."""
        with self._engine.begin() as connection:
            append(connection, user, action, target, channel, result)

    def entries(self) -> list[Entry]:
        """The whole log, oldest first."""
        query = select(tables.audit).order_by(tables.audit.c.id)
        with self._engine.begin() as connection:
            return [_entry(row) for row in connection.execute(query).mappings()]


def _entry(row: RowMapping) -> Entry:
    return Entry(
        at=row["at"],
        user=row["user_id"],
        action=row["action"],
        target=row["target"],
        channel=row["channel"],
        result=row["result"],
        previous=row["previous"],
        hash=row["hash"],
    )
