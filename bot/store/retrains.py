"""Retrain runs: what was asked, what each step found, and who decided."""

import uuid
from dataclasses import dataclass, field
from typing import Literal

from sqlalchemy import RowMapping, select

from bot.retraining.options import Options
from bot.store import tables
from bot.store.work import Line, Row, Work

__all__ = ["UNDER_WAY", "WORK", "Line", "Retrains", "Run", "State"]

State = Literal[
    "preparing", "training", "comparing",  # under way
    "waiting", "rejecting", "deploying", "watching",  # for a person; after their click
    "serving", "returned", "superseded", "rejected", "expired", "outdated", "refused", "reported",
    "same", "failed", "stopped",
]  # fmt: skip
UNDER_WAY: tuple[State, ...] = ("preparing", "training", "comparing")
# What a process does something about.
WORK: tuple[State, ...] = (*UNDER_WAY, "rejecting", "deploying", "watching")
TABLE = tables.retrains


@dataclass(frozen=True, kw_only=True)
class Run(Row):
    """One retrain run.

    Attributes:
        version: The challenger: what it made.
        champion: What served when they were compared.
        findings: `data`, `figures`, `comparison`; `deployment`, the id of the redeployment that
            an approval began, and `card`, a link to its message.
        restarts: How often its job was started again after it had been killed.
    """

    job: str
    state: State
    options: Options = field(default_factory=Options)
    version: str | None = None
    champion: str | None = None
    restarts: int = 0

    @property
    def under_way(self) -> bool:
        """Whether it is still working towards a result."""
        return self.state in UNDER_WAY

    @property
    def target(self) -> str:
        """Its version, once there is one."""
        return self.version or self.job


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

    def maker(self, version: str) -> Run | None:
        """The latest run that made a version."""
        query = select(TABLE).where(TABLE.c.version == version).order_by(TABLE.c.started.desc())
        return next(iter(self._all(query.limit(1))), None)

    def request_stop(self, run: Run, user: str) -> Run | None:
        """Ask a run under way to stop; None if it has ended, or somebody has asked before."""
        return self._ask_to_stop(run, Line(user, "stop", "asked"), UNDER_WAY)

    def note_restart(self, run: Run) -> None:
        """Its job was killed and is started again."""
        self._set(run, restarts=TABLE.c.restarts + 1)

    def _row(self, row: RowMapping) -> Run:
        return Run(
            **self._common(row),
            job=row["job"],
            options=Options.from_json(row["options"]),
            version=row["version"],
            champion=row["champion"],
            restarts=row["restarts"],
        )
