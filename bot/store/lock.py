"""Setting and releasing the lock on deploying; `mlops.deploy_lock` is what everybody reads."""

import time

from sqlalchemy import Engine, delete, insert
from sqlalchemy.exc import IntegrityError

from bot.store import tables
from bot.store.audit import append
from mlops.deploy_lock import Lock, read

REASON_CHARACTERS = 200
TABLE = tables.deploy_lock


class DeployLock:
    """The table `deploy_lock`: one row while deploying is locked."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def current(self) -> Lock | None:
        """The lock in force."""
        with self._engine.begin() as connection:
            return read(connection)

    def set(self, by: str, reason: str, channel: str) -> Lock | None:
        """Lock; None if somebody has done so already.

        Args:
            by: Who, as a Slack ID or `name@host`.
            reason: In a few words.
            channel: From where, for the audit log.
        """
        lock = Lock(by, reason, time.time())
        row = {"place": 1, "locked_by": by, "reason": reason, "since": lock.since}
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(TABLE).values(row))
                append(connection, by, "lock", "", channel, "locked")
        except IntegrityError:
            return None
        return lock

    def release(self, by: str, channel: str) -> Lock | None:
        """Unlock; the lock that was there, or None if there was none."""
        with self._engine.begin() as connection:
            was = read(connection)
            if was is not None and connection.execute(delete(TABLE)).rowcount == 1:
                append(connection, by, "unlock", "", channel, "unlocked")
                return was
        return None
