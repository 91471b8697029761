"""Retrain runs: a row before they are work, one at a time, taken over when their bot is gone."""

import time
import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, RowMapping, and_, insert, select, update
from sqlalchemy.exc import IntegrityError

from bot.store import tables
from bot.store.deliveries import LEASE_SECONDS
from bot.store.owner import Owner

# A unique column that only the run under way fills: NULLs collide in neither database.
ACTIVE = "active"


@dataclass(frozen=True)
class Run:
    """One retrain run."""

    id: str
    job: str
    user: str
    channel: str
    message_ts: str | None
    state: str
    started: float


class Retrains:
    """The table `retrains`."""

    def __init__(self, engine: Engine, owner: Owner, lease_seconds: float = LEASE_SECONDS) -> None:
        self._engine = engine
        self._owner = owner
        self.lease_seconds = lease_seconds

    def begin(self, user: str, channel: str) -> Run | None:
        """A new run of this process, or None while another one is under way."""
        id = uuid.uuid4().hex
        run = Run(id, f"retrain-{id[:12]}", user, channel, None, "running", time.time())
        row = {
            "id": run.id,
            "slot": ACTIVE,
            "job": run.job,
            "user_id": user,
            "channel": channel,
            "state": run.state,
            "started": run.started,
            **self._lease(),
        }
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(tables.retrains).values(row))
        except IntegrityError:
            return None
        return run

    def active(self) -> Run | None:
        """The run under way."""
        query = select(tables.retrains).where(tables.retrains.c.slot == ACTIVE)
        with self._engine.begin() as connection:
            row = connection.execute(query).mappings().first()
        return None if row is None else _run(row)

    def set_message(self, run: Run, channel: str, ts: str) -> None:
        """Where its progress is shown."""
        self._change(run, channel=channel, message_ts=ts)

    def finish(self, run: Run, state: str, version: str | None = None) -> None:
        """The run has come to its end; `state` is one word for how."""
        self._change(run, slot=None, state=state, version=version, ended=time.time())

    def _change(self, run: Run, **values: Any) -> None:
        same = tables.retrains.c.id == run.id
        with self._engine.begin() as connection:
            connection.execute(update(tables.retrains).where(same).values(values))

    def take_over(self) -> Run | None:
        """The run under way if the bot that watched it is gone: this one's to watch now."""
        table = tables.retrains
        with self._engine.begin() as connection:
            row = connection.execute(select(table).where(table.c.slot == ACTIVE)).mappings().first()
            if row is None or row["owner"] == self._owner.id:
                return None
            if row["lease_until"] >= time.time() and not self._owner.is_dead(row["owner"]):
                return None
            unchanged = and_(
                table.c.id == row["id"],
                table.c.owner == row["owner"],
                table.c.lease_until == row["lease_until"],
            )
            taken = connection.execute(update(table).where(unchanged).values(self._lease()))
            return _run(row) if taken.rowcount == 1 else None

    def renew(self) -> None:
        """Say that this process lives and watches."""
        self._set_leases(time.time() + self.lease_seconds)

    def release(self) -> None:
        """Leave the run to whoever looks next."""
        self._set_leases(0.0)

    def _set_leases(self, until: float) -> None:
        mine = and_(tables.retrains.c.owner == self._owner.id, tables.retrains.c.slot == ACTIVE)
        with self._engine.begin() as connection:
            connection.execute(update(tables.retrains).where(mine).values(lease_until=until))

    def _lease(self) -> dict[str, Any]:
        return {"owner": self._owner.id, "lease_until": time.time() + self.lease_seconds}


def _run(row: RowMapping) -> Run:
    return Run(
        id=row["id"],
        job=row["job"],
        user=row["user_id"],
        channel=row["channel"],
        message_ts=row["message_ts"],
        state=row["state"],
        started=row["started"],
    )
