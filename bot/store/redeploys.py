"""Redeployments: which version for which, how far it is, and what watching it has found."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from sqlalchemy import RowMapping, and_, select
from sqlalchemy.exc import IntegrityError

from bot.store import tables
from bot.store.work import ACTIVE, Line, Work

Action = Literal["deploy", "rollback"]
State = Literal[
    "waiting",  # for another lead
    "measuring", "starting", "watching", "returning",  # under way
    "serving", "returned", "superseded", "failed", "cancelled", "expired",
]  # fmt: skip
UNDER_WAY: tuple[State, ...] = ("measuring", "starting", "watching", "returning")
TABLE = tables.redeploys


@dataclass(frozen=True)
class Redeploy:
    """One change of what serves.

    Attributes:
        action: Whether somebody chose the version or went back to the one before.
        version: What shall serve.
        previous: What served when it was asked for, and what it goes back to.
        findings: As plain data: `before` and `after` (samples), `checks`, `why` it went back, and
            `decided_by`, who approved or cancelled.
        failure: One sentence, when it failed.
        stop_by: Who wants to go back; None: nobody, or the watch did.
        watch_until: Until when it is watched, in seconds since the epoch.
        revision: Rises with every change; `shown` is the one that its message shows.
    """

    id: str
    action: Action
    endpoint: str
    version: str
    previous: str
    user: str
    channel: str
    message_ts: str | None
    state: State
    started: float
    ended: float | None = None
    watch_until: float | None = None
    findings: dict[str, Any] = field(default_factory=dict)
    failure: str | None = None
    stop_by: str | None = None
    revision: int = 1
    shown: int = 0

    @property
    def under_way(self) -> bool:
        """Whether it is still being worked on."""
        return self.state in UNDER_WAY


class Redeploys(Work[Redeploy]):
    """The table `redeploys`."""

    table = TABLE
    under_way = UNDER_WAY
    work = UNDER_WAY

    def begin(
        self, user: str, channel: str, endpoint: str, version: str, previous: str, action: Action
    ) -> Redeploy | None:
        """A new one of this process, or None while another one is under way."""
        # Going back is urgent, and where it leads is known.
        state: State = "measuring" if action == "deploy" else "starting"
        name = "redeploy" if action == "deploy" else "rollback"
        values = _values(user, channel, endpoint, version, previous)
        values |= {"action": action, "state": state}
        return self._begin(values, Line(user, name, "started"), version)

    def propose(
        self, user: str, channel: str, endpoint: str, version: str, previous: str
    ) -> Redeploy | None:
        """A new one that waits until another lead approves; several may wait."""
        values = _values(user, channel, endpoint, version, previous)
        values |= {"action": "deploy", "state": "waiting", "slot": None}
        return self._begin(values, Line(user, "redeploy", "waits for approval"), version)

    def approve(self, row: Redeploy, user: str, previous: str) -> Redeploy | None:
        """Let one that waits begin; None if it waits no more, or another one is under way."""
        values = {"slot": ACTIVE, "previous": previous, **self._lease()}
        values["findings"] = {**row.findings, "decided_by": user}
        try:
            line = Line(user, "approve", "approved")
            return self._move(row, "measuring", line, values, TABLE.c.state == "waiting")
        except IntegrityError:
            return None

    def cancel(self, row: Redeploy, user: str) -> Redeploy | None:
        """End one that waits; None if it waits no more."""
        values = {"findings": {**row.findings, "decided_by": user}}
        line = Line(user, "reject", "cancelled")
        return self._move(row, "cancelled", line, values, TABLE.c.state == "waiting")

    def expire(self, row: Redeploy) -> Redeploy | None:
        """End one that nobody approved in time; None if it waits no more."""
        return self._move(
            row, "expired", Line("", "approve", "expired"), {}, TABLE.c.state == "waiting"
        )

    def waiting(self) -> list[Redeploy]:
        """Those that wait for another lead, newest first."""
        query = select(TABLE).where(TABLE.c.state == "waiting").order_by(TABLE.c.started.desc())
        return self._all(query)

    def last_of(self, version: str) -> Redeploy | None:
        """The latest one that had a version serve."""
        query = (
            select(TABLE)
            .where(TABLE.c.version == version, TABLE.c.state.in_(("watching", "serving")))
            .order_by(TABLE.c.started.desc())
            .limit(1)
        )
        return next(iter(self._all(query)), None)

    def request_return(self, row: Redeploy, user: str) -> Redeploy | None:
        """Ask one that is watched to go back; None if that isn't so, or somebody was quicker."""
        return self._ask_to_stop(row, Line(user, "rollback", "asked"), ("watching",))

    def reopen(self, row: Redeploy, user: str) -> Redeploy | None:
        """Go back from one that has ended well; None if another one is under way by now."""
        line = Line(user, "rollback", "asked")
        values = {"slot": ACTIVE, "stop_by": user, "ended": None, **self._lease()}
        try:
            return self._move(row, "returning", line, values, TABLE.c.state == "serving")
        except IntegrityError:
            return None

    def note(self, row: Redeploy, findings: Mapping[str, Any]) -> None:
        """What watching has found so far."""
        c = TABLE.c
        mine = and_(c.id == row.id, c.owner == self._owner.id)
        with self._engine.begin() as connection:
            values = {"findings": json.dumps(findings)}
            connection.execute(TABLE.update().where(mine).values(values))

    def _row(self, row: RowMapping) -> Redeploy:
        return Redeploy(
            id=row["id"],
            action=cast(Action, row["action"]),
            endpoint=row["endpoint"],
            version=row["version"],
            previous=row["previous"],
            user=row["user_id"],
            channel=row["channel"],
            message_ts=row["message_ts"],
            state=cast(State, row["state"]),
            started=row["started"],
            ended=row["ended"],
            watch_until=row["watch_until"],
            findings=json.loads(row["findings"]),
            failure=row["failure"],
            stop_by=row["stop_by"],
            revision=row["revision"],
            shown=row["shown"],
        )

    def _target(self, row: Redeploy, values: Mapping[str, Any]) -> str:
        return row.version


def _values(user: str, channel: str, endpoint: str, version: str, previous: str) -> dict[str, Any]:
    return {
        "endpoint": endpoint,
        "version": version,
        "previous": previous,
        "user_id": user,
        "channel": channel,
    }
