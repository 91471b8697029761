"""Work that is a row before it is done: one at a time of a kind, taken over when its bot is gone.

Every change of state is one conditional update with its line in the audit log in the same
transaction: of two who want it one gets it, and what is recorded is what happened.
"""

import json
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    RowMapping,
    Table,
    and_,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from bot.store.audit import append
from bot.store.deliveries import LEASE_SECONDS
from bot.store.owner import Owner

# A unique column that only the work under way fills: NULLs collide in neither database.
ACTIVE = "active"
# The state in which it waits for a lead's click.
WAITING = "waiting"
# How long a change may stay unshown before any process shows it.
SHOW_SECONDS = 20.0
UNREACHABLE_SECONDS = 120.0


@dataclass(frozen=True, kw_only=True)
class Row(ABC):
    """What every piece of work has: who asked, where it is shown, how it stands, who decided.

    Attributes:
        channel: Where it is shown, by the message `message_ts`.
        findings: What its steps found, as plain data.
        failure: One sentence, when it failed.
        stop_by: Who asked it to stop, or to go back.
        decided_by: Who approved, rejected or cancelled.
        expires: Until when that is possible, in seconds since the epoch.
        revision: Rises with every change; `shown` is the one that its message shows.
    """

    id: str
    user: str
    channel: str
    message_ts: str | None
    state: str
    started: float
    ended: float | None = None
    findings: dict[str, Any] = field(default_factory=dict)
    failure: str | None = None
    stop_by: str | None = None
    decided_by: str | None = None
    decided: float | None = None
    expires: float | None = None
    revision: int = 1
    shown: int = 0

    @property
    @abstractmethod
    def target(self) -> str:
        """What the audit log says it is about."""

    @property
    @abstractmethod
    def under_way(self) -> bool:
        """Whether it is still being worked on, with nobody to wait for."""


R = TypeVar("R", bound=Row)


@dataclass(frozen=True)
class Line:
    """What a change leaves in the audit log."""

    user: str
    action: str
    result: str


class Work(ABC, Generic[R]):
    """One table of work; a subclass names the table and its states, and reads its rows."""

    table: ClassVar[Table]
    # States that fill the slot, and those that a process does something about.
    under_way: ClassVar[tuple[str, ...]]
    work: ClassVar[tuple[str, ...]]

    def __init__(self, engine: Engine, owner: Owner, lease_seconds: float = LEASE_SECONDS) -> None:
        self._engine = engine
        self._owner = owner
        self.lease_seconds = lease_seconds

    @abstractmethod
    def _row(self, row: RowMapping) -> R:
        """A row as the code uses it."""

    # --- beginning and looking ------------------------------------------------------------------

    def _begin(self, values: Mapping[str, Any], line: Line, target: str) -> R | None:
        """A new row of this process, or None while another one is under way."""
        id = str(values.get("id") or uuid.uuid4().hex)
        row = {
            "id": id,
            "slot": ACTIVE,
            "started": time.time(),
            "findings": "{}",
            "revision": 1,
            "shown": 0,
            **values,
            **self._lease(),
        }
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(self.table).values(row))
                append(connection, line.user, line.action, target, row["channel"], line.result)
        except IntegrityError:
            return None
        return self.get(id)

    def get(self, id: str) -> R | None:
        """One piece of work."""
        return self._one(self.table.c.id == id)

    def active(self) -> R | None:
        """The one under way."""
        return self._one(self.table.c.slot == ACTIVE)

    def latest(self, limit: int) -> list[R]:
        """The latest ones, newest first."""
        return self._all(select(self.table).order_by(self.table.c.started.desc()).limit(limit))

    def waiting(self) -> list[R]:
        """Those that wait for a click, newest first."""
        c = self.table.c
        query = select(self.table).where(c.state == WAITING).order_by(c.started.desc())
        return self._all(query)

    def expired(self) -> list[R]:
        """Those that have waited for a click for too long."""
        c = self.table.c
        late = and_(c.state == WAITING, c.expires < time.time())
        return self._all(select(self.table).where(late))

    def held(self, row: R) -> R | None:
        """A row as it is now, if this process still has it; None if another one took over."""
        c = self.table.c
        return self._one(and_(c.id == row.id, c.owner == self._owner.id))

    # --- changing -------------------------------------------------------------------------------

    def advance(self, row: R, state: str, line: Line | None = None, **values: Any) -> R | None:
        """Go from the row's state to another: None if this process has lost it, or it moved on.

        Args:
            row: As it was last seen.
            state: Where to.
            line: For the audit log.
            values: Other columns to set.
        """
        return self._move(row, state, line, values, self.table.c.owner == self._owner.id)

    def decide(self, row: R, state: str, line: Line, **values: Any) -> R | None:
        """What a click, or the clock, does to one that waits: it is this process's from now on.

        None if another click, or the clock, was quicker, or another one is under way by now.
        """
        return self._move(row, state, line, values | self._lease(), self.table.c.state == WAITING)

    def _move(
        self,
        row: R,
        state: str,
        line: Line | None,
        values: Mapping[str, Any],
        condition: ColumnElement[bool],
    ) -> R | None:
        c = self.table.c
        new = {"state": state, "revision": c.revision + 1, **values}
        if "findings" in new:
            new["findings"] = json.dumps(new["findings"])
        new["slot"] = ACTIVE if state in self.under_way else None
        if state not in self.work:
            new["lease_until"] = time.time() + SHOW_SECONDS
            new.setdefault("ended", time.time())
        same = and_(c.id == row.id, c.state == row.state, condition)
        try:
            with self._engine.begin() as connection:
                if connection.execute(update(self.table).where(same).values(new)).rowcount != 1:
                    return None
                if line is not None:
                    target = str(values.get("version") or row.target)
                    append(connection, line.user, line.action, target, row.channel, line.result)
                return self._read(connection, c.id == row.id)
        except IntegrityError:
            # The slot is taken.
            return None

    def _ask_to_stop(self, row: R, line: Line, states: Sequence[str]) -> R | None:
        """Set `stop_by`, once; None if it is in none of these states, or somebody was quicker."""
        c = self.table.c
        same = and_(c.id == row.id, c.state.in_(states), c.stop_by.is_(None))
        with self._engine.begin() as connection:
            done = connection.execute(update(self.table).where(same).values(stop_by=line.user))
            if done.rowcount != 1:
                return None
            append(connection, line.user, line.action, row.target, row.channel, line.result)
            return self._read(connection, c.id == row.id)

    def set_message(self, row: R, channel: str, ts: str) -> None:
        """Where it is shown."""
        self._set(row, channel=channel, message_ts=ts)

    def set_shown(self, row: R) -> None:
        """Its message shows the row as given."""
        c = self.table.c
        older = and_(c.id == row.id, c.shown < row.revision)
        with self._engine.begin() as connection:
            connection.execute(update(self.table).where(older).values(shown=row.revision))

    def show_later(self, row: R) -> None:
        """Its message can't be changed now."""
        self._set(row, lease_until=time.time() + UNREACHABLE_SECONDS)

    def _set(self, row: R, **values: Any) -> None:
        c = self.table.c
        with self._engine.begin() as connection:
            connection.execute(update(self.table).where(c.id == row.id).values(values))

    # --- what others left -----------------------------------------------------------------------

    def take_over(self) -> list[R]:
        """Work whose bot is gone, now this one's: to go on with, or only to be shown."""
        c = self.table.c
        unshown = and_(c.state.not_in(self.work), c.shown < c.revision)
        left = and_(c.state.in_(self.work), c.owner != self._owner.id)
        with self._engine.begin() as connection:
            query = select(self.table).where(or_(unshown, left))
            rows = connection.execute(query).mappings().all()
        now = time.time()
        stale = [
            row for row in rows if row["lease_until"] < now or self._owner.is_dead(row["owner"])
        ]
        return [found for row in stale if (found := self._take(row)) is not None]

    def _take(self, row: RowMapping) -> R | None:
        c = self.table.c
        unchanged = and_(
            c.id == row["id"],
            c.owner == row["owner"],
            c.lease_until == row["lease_until"],
        )
        with self._engine.begin() as connection:
            taken = connection.execute(update(self.table).where(unchanged).values(self._lease()))
            return self._read(connection, c.id == row["id"]) if taken.rowcount == 1 else None

    def renew(self) -> None:
        """Say that this process lives and works."""
        self._set_leases(time.time() + self.lease_seconds)

    def release(self) -> None:
        """Leave the work to whoever looks next."""
        self._set_leases(0.0)

    def give_back(self, row: R) -> None:
        """Leave one row to whoever looks next, this process included."""
        self._set(row, owner="", lease_until=0.0)

    def _set_leases(self, until: float) -> None:
        c = self.table.c
        mine = and_(c.owner == self._owner.id, c.state.in_(self.work))
        with self._engine.begin() as connection:
            connection.execute(update(self.table).where(mine).values(lease_until=until))

    def _lease(self) -> dict[str, Any]:
        return {"owner": self._owner.id, "lease_until": time.time() + self.lease_seconds}

    def _one(self, condition: ColumnElement[bool]) -> R | None:
        with self._engine.begin() as connection:
            return self._read(connection, condition)

    def _read(self, connection: Connection, condition: ColumnElement[bool]) -> R | None:
        row = connection.execute(select(self.table).where(condition)).mappings().first()
        return None if row is None else self._row(row)

    @staticmethod
    def _common(row: RowMapping) -> dict[str, Any]:
        """The fields of `Row`, from the columns that every table of work has."""
        same = {
            "id", "channel", "message_ts", "state", "started", "ended", "failure", "stop_by",
            "decided_by", "decided", "expires", "revision", "shown",
        }  # fmt: skip
        values = {name: row[name] for name in same}
        return {**values, "user": row["user_id"], "findings": json.loads(row["findings"])}

    def _all(self, query: Any) -> list[R]:
        with self._engine.begin() as connection:
            rows: Sequence[RowMapping] = connection.execute(query).mappings().all()
        return [self._row(row) for row in rows]
