"""Who asked for which operation, when, where, and what came of it. Rows are only ever added."""

import time
from dataclasses import dataclass

from sqlalchemy import Engine, insert, select

from bot.store import tables


@dataclass(frozen=True)
class Entry:
    """One line of the audit log."""

    at: float
    user: str
    action: str
    target: str
    channel: str
    result: str


class Audit:
    """The table `audit`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, user: str, action: str, target: str, channel: str, result: str) -> None:
        """Write one line.

        Args:
            user: Who, as a Slack ID.
            action: What, such as `retrain`.
            target: On what, such as a job or a version; may be empty.
            channel: From where.
            result: What came of it, in one word or a few.
        """
        row = {
            "at": time.time(),
            "user_id": user,
            "action": action,
            "target": target,
            "channel": channel,
            "result": result,
        }
        with self._engine.begin() as connection:
            connection.execute(insert(tables.audit).values(row))

    def entries(self) -> list[Entry]:
        """The whole log, oldest first."""
        query = select(tables.audit).order_by(tables.audit.c.id)
        with self._engine.begin() as connection:
            return [
                Entry(r["at"], r["user_id"], r["action"], r["target"], r["channel"], r["result"])
                for r in connection.execute(query).mappings()
            ]
