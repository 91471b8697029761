"""Retrain runs: a row before they are work, one at a time, taken over when their bot is gone.

Every change of state is one conditional update with its line in the audit log in the same
transaction: of two who want it one gets it, and what is recorded is what happened.
"""

import json
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from sqlalchemy import ColumnElement, Connection, Engine, RowMapping, and_, insert, or_, select
from sqlalchemy import update as update_table
from sqlalchemy.exc import IntegrityError

from bot.retraining.options import Options
from bot.store import tables
from bot.store.audit import append
from bot.store.deliveries import LEASE_SECONDS
from bot.store.owner import Owner

# A unique column that only the run under way fills: NULLs collide in neither database.
ACTIVE = "active"
State = Literal[
    "preparing", "training", "comparing",  # under way
    "waiting", "deploying",  # for a person; after their click
    "serving", "rejected", "expired", "outdated", "refused", "reported", "same", "failed",
    "stopped",
]  # fmt: skip
UNDER_WAY: tuple[State, ...] = ("preparing", "training", "comparing")
# What a process does something about.
WORK: tuple[State, ...] = (*UNDER_WAY, "deploying")
# How long a change may stay unshown before any process shows it.
SHOW_SECONDS = 20.0
UNREACHABLE_SECONDS = 120.0
TABLE = tables.retrains


@dataclass(frozen=True)
class Run:
    """One retrain run.

    Attributes:
        version: The challenger: what it made.
        champion: What served when they were compared.
        findings: What its steps found, as plain data: `data`, `figures`, `comparison`.
        failure: One sentence, when it failed or deploying did.
        restarts: How often its job was started again after it had been killed.
        stop_by: Who asked it to stop.
        decided_by: Who approved or rejected.
        expires: Until when that is possible, in seconds since the epoch.
        revision: Rises with every change; `shown` is the one that its message shows.
    """

    id: str
    job: str
    user: str
    channel: str
    message_ts: str | None
    state: State
    started: float
    ended: float | None = None
    options: Options = field(default_factory=Options)
    version: str | None = None
    champion: str | None = None
    findings: dict[str, Any] = field(default_factory=dict)
    failure: str | None = None
    restarts: int = 0
    stop_by: str | None = None
    decided_by: str | None = None
    decided: float | None = None
    expires: float | None = None
    revision: int = 1
    shown: int = 0

    @property
    def under_way(self) -> bool:
        """Whether it is still working towards a result."""
        return self.state in UNDER_WAY


@dataclass(frozen=True)
class Line:
    """What a change leaves in the audit log."""

    user: str
    action: str
    result: str


class Retrains:
    """The table `retrains`."""

    def __init__(self, engine: Engine, owner: Owner, lease_seconds: float = LEASE_SECONDS) -> None:
        self._engine = engine
        self._owner = owner
        self.lease_seconds = lease_seconds

    # --- beginning and looking ------------------------------------------------------------------

    def begin(self, user: str, channel: str, options: Options | None = None) -> Run | None:
        """A new run of this process, or None while another one is under way."""
        id = uuid.uuid4().hex
        row = {
            "id": id,
            "slot": ACTIVE,
            "job": f"retrain-{id[:12]}",
            "user_id": user,
            "channel": channel,
            "state": "preparing",
            "started": time.time(),
            "options": (options or Options()).to_json(),
            "findings": "{}",
            "restarts": 0,
            "revision": 1,
            "shown": 0,
            **self._lease(),
        }
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(TABLE).values(row))
                append(connection, user, "retrain", row["job"], channel, "started")
        except IntegrityError:
            return None
        return self.get(id)

    def get(self, id: str) -> Run | None:
        """One run."""
        return self._one(TABLE.c.id == id)

    def active(self) -> Run | None:
        """The run under way."""
        return self._one(TABLE.c.slot == ACTIVE)

    def latest(self, limit: int) -> list[Run]:
        """The latest runs, newest first."""
        query = select(TABLE).order_by(TABLE.c.started.desc()).limit(limit)
        return self._all(query)

    def waiting(self) -> list[Run]:
        """Runs that wait for a click, newest first."""
        query = select(TABLE).where(TABLE.c.state == "waiting").order_by(TABLE.c.started.desc())
        return self._all(query)

    def held(self, run: Run) -> Run | None:
        """A run as it is now, if this process still has it; None if another one took over."""
        return self._one(and_(TABLE.c.id == run.id, TABLE.c.owner == self._owner.id))

    # --- changing -------------------------------------------------------------------------------

    def advance(
        self, run: Run, state: State, line: Line | None = None, **values: Any
    ) -> Run | None:
        """Go from the run's state to another: None if this process has lost it, or it moved on.

        Args:
            run: As it was last seen.
            state: Where to.
            line: For the audit log.
            values: Other columns to set.
        """
        mine = TABLE.c.owner == self._owner.id
        return self._move(run, state, line, values, mine)

    def decide(self, run: Run, state: State, line: Line, **values: Any) -> Run | None:
        """What a click does to a run that waits: it is this process's from now on.

        None if another click, or the clock, was quicker.
        """
        return self._move(run, state, line, values | self._lease(), TABLE.c.state == "waiting")

    def _move(
        self,
        run: Run,
        state: State,
        line: Line | None,
        values: dict[str, Any],
        condition: ColumnElement[bool],
    ) -> Run | None:
        new = {"state": state, "revision": TABLE.c.revision + 1, **values}
        if "findings" in new:
            new["findings"] = json.dumps(new["findings"])
        if state not in UNDER_WAY:
            new["slot"] = None
        if state not in WORK:
            new["lease_until"] = time.time() + SHOW_SECONDS
            new.setdefault("ended", time.time())
        same = and_(TABLE.c.id == run.id, TABLE.c.state == run.state, condition)
        with self._engine.begin() as connection:
            if connection.execute(update_table(TABLE).where(same).values(new)).rowcount != 1:
                return None
            if line is not None:
                target = str(values.get("version") or run.version or run.job)
                append(connection, line.user, line.action, target, run.channel, line.result)
            return self._read(connection, TABLE.c.id == run.id)

    def request_stop(self, run: Run, user: str) -> Run | None:
        """Ask a run under way to stop; None if it has ended, or somebody has asked before."""
        same = and_(TABLE.c.id == run.id, TABLE.c.state.in_(UNDER_WAY), TABLE.c.stop_by.is_(None))
        with self._engine.begin() as connection:
            done = connection.execute(update_table(TABLE).where(same).values(stop_by=user))
            if done.rowcount != 1:
                return None
            append(connection, user, "stop", run.job, run.channel, "asked")
            return self._read(connection, TABLE.c.id == run.id)

    def note_restart(self, run: Run) -> None:
        """Its job was killed and is started again."""
        self._set(run, restarts=TABLE.c.restarts + 1)

    def set_message(self, run: Run, channel: str, ts: str) -> None:
        """Where it is shown."""
        self._set(run, channel=channel, message_ts=ts)

    def set_shown(self, run: Run) -> None:
        """Its message shows the run as given."""
        older = and_(TABLE.c.id == run.id, TABLE.c.shown < run.revision)
        with self._engine.begin() as connection:
            connection.execute(update_table(TABLE).where(older).values(shown=run.revision))

    def show_later(self, run: Run) -> None:
        """Its message can't be changed now."""
        self._set(run, lease_until=time.time() + UNREACHABLE_SECONDS)

    def _set(self, run: Run, **values: Any) -> None:
        with self._engine.begin() as connection:
            connection.execute(update_table(TABLE).where(TABLE.c.id == run.id).values(values))

    # --- what others left -----------------------------------------------------------------------

    def take_over(self) -> list[Run]:
        """Runs whose bot is gone, now this one's: to go on with, or only to be shown."""
        unshown = and_(TABLE.c.state.not_in(WORK), TABLE.c.shown < TABLE.c.revision)
        left = and_(TABLE.c.state.in_(WORK), TABLE.c.owner != self._owner.id)
        with self._engine.begin() as connection:
            query = select(TABLE).where(or_(unshown, left))
            rows = connection.execute(query).mappings().all()
        now = time.time()
        stale = [
            row for row in rows if row["lease_until"] < now or self._owner.is_dead(row["owner"])
        ]
        return [run for row in stale if (run := self._take(row)) is not None]

    def _take(self, row: RowMapping) -> Run | None:
        unchanged = and_(
            TABLE.c.id == row["id"],
            TABLE.c.owner == row["owner"],
            TABLE.c.lease_until == row["lease_until"],
        )
        with self._engine.begin() as connection:
            taken = connection.execute(update_table(TABLE).where(unchanged).values(self._lease()))
            return self._read(connection, TABLE.c.id == row["id"]) if taken.rowcount == 1 else None

    def expired(self) -> list[Run]:
        """Runs that have waited for a click for too long."""
        late = and_(TABLE.c.state == "waiting", TABLE.c.expires < time.time())
        return self._all(select(TABLE).where(late))

    def renew(self) -> None:
        """Say that this process lives and works."""
        self._set_leases(time.time() + self.lease_seconds)

    def release(self) -> None:
        """Leave the work to whoever looks next."""
        self._set_leases(0.0)

    def give_back(self, run: Run) -> None:
        """Leave one run to whoever looks next, this process included."""
        self._set(run, owner="", lease_until=0.0)

    def _set_leases(self, until: float) -> None:
        mine = and_(TABLE.c.owner == self._owner.id, TABLE.c.state.in_(WORK))
        with self._engine.begin() as connection:
            connection.execute(update_table(TABLE).where(mine).values(lease_until=until))

    def _lease(self) -> dict[str, Any]:
        return {"owner": self._owner.id, "lease_until": time.time() + self.lease_seconds}

    def _one(self, condition: ColumnElement[bool]) -> Run | None:
        with self._engine.begin() as connection:
            return self._read(connection, condition)

    def _read(self, connection: Connection, condition: ColumnElement[bool]) -> Run | None:
        row = connection.execute(select(TABLE).where(condition)).mappings().first()
        return None if row is None else _run(row)

    def _all(self, query: Any) -> list[Run]:
        with self._engine.begin() as connection:
            rows: Sequence[RowMapping] = connection.execute(query).mappings().all()
        return [_run(row) for row in rows]


def _run(row: RowMapping) -> Run:
    return Run(
        id=row["id"],
        job=row["job"],
        user=row["user_id"],
        channel=row["channel"],
        message_ts=row["message_ts"],
        state=cast(State, row["state"]),
        started=row["started"],
        ended=row["ended"],
        options=Options.from_json(row["options"]),
        version=row["version"],
        champion=row["champion"],
        findings=json.loads(row["findings"]),
        failure=row["failure"],
        restarts=row["restarts"],
        stop_by=row["stop_by"],
        decided_by=row["decided_by"],
        decided=row["decided"],
        expires=row["expires"],
        revision=row["revision"],
        shown=row["shown"],
    )
