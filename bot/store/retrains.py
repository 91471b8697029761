"""Retrain runs: what was asked, what each step found, and who decided."""

import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from sqlalchemy import RowMapping, and_, select

from bot.retraining.options import Options
from bot.store import tables
from bot.store.work import Line, Work

__all__ = ["UNDER_WAY", "WORK", "Line", "Retrains", "Run", "State"]

State = Literal[
    "preparing", "training", "comparing",  # under way
    "waiting", "deploying",  # for a person; after their click
    "serving", "rejected", "expired", "outdated", "refused", "reported", "same", "failed",
    "stopped",
]  # fmt: skip
UNDER_WAY: tuple[State, ...] = ("preparing", "training", "comparing")
# What a process does something about.
WORK: tuple[State, ...] = (*UNDER_WAY, "deploying")
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


class Retrains(Work[Run]):
    """The table `retrains`."""

    table = TABLE
    under_way = UNDER_WAY
    work = WORK

    def begin(self, user: str, channel: str, options: Options | None = None) -> Run | None:
        """A new run of this process, or None while another one is under way."""
        id = uuid.uuid4().hex
        job = f"retrain-{id[:12]}"
        row = {
            "id": id,
            "job": job,
            "user_id": user,
            "channel": channel,
            "state": "preparing",
            "options": (options or Options()).to_json(),
            "restarts": 0,
        }
        return self._begin(row, Line(user, "retrain", "started"), job)

    def waiting(self) -> list[Run]:
        """Runs that wait for a click, newest first."""
        query = select(TABLE).where(TABLE.c.state == "waiting").order_by(TABLE.c.started.desc())
        return self._all(query)

    def maker(self, version: str) -> Run | None:
        """The latest run that made a version."""
        query = select(TABLE).where(TABLE.c.version == version).order_by(TABLE.c.started.desc())
        return next(iter(self._all(query.limit(1))), None)

    def decide(self, run: Run, state: State, line: Line, **values: Any) -> Run | None:
        """What a click does to a run that waits: it is this process's from now on.

        None if another click, or the clock, was quicker.
        """
        return self._move(run, state, line, values | self._lease(), TABLE.c.state == "waiting")

    def request_stop(self, run: Run, user: str) -> Run | None:
        """Ask a run under way to stop; None if it has ended, or somebody has asked before."""
        return self._ask_to_stop(run, Line(user, "stop", "asked"), UNDER_WAY)

    def note_restart(self, run: Run) -> None:
        """Its job was killed and is started again."""
        self._set(run, restarts=TABLE.c.restarts + 1)

    def expired(self) -> list[Run]:
        """Runs that have waited for a click for too long."""
        late = and_(TABLE.c.state == "waiting", TABLE.c.expires < time.time())
        return self._all(select(TABLE).where(late))

    def _row(self, row: RowMapping) -> Run:
        return _run(row)

    def _target(self, row: Run, values: Mapping[str, Any]) -> str:
        return str(values.get("version") or row.version or row.job)


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
