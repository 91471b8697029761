"""Redeployments: which version for which, how far it is, and what watching it has found."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import RowMapping, and_, select

from bot.store import tables
from bot.store.work import Line, Row, Work

Action = Literal["deploy", "rollback"]
State = Literal[
    "waiting",  # for another lead
    "measuring", "starting", "watching", "returning",  # under way
    "serving", "returned", "superseded", "failed", "cancelled", "expired",
]  # fmt: skip
UNDER_WAY: tuple[State, ...] = ("measuring", "starting", "watching", "returning")
TABLE = tables.redeploys


@dataclass(frozen=True, kw_only=True)
class Redeploy(Row):
    """One change of what serves.

    Attributes:
        action: Whether somebody chose the version or went back to the one before.
        version: What shall serve.
        previous: What served when it was asked for, and what it goes back to.
        findings: `before` and `after` (samples), `checks`, and `why` it went back.
        stop_by: Who wants to go back; None: nobody, or the watch did.
        watch_until: Until when it is watched, in seconds since the epoch.
    """

    state: State
    action: Action
    endpoint: str
    version: str
    previous: str
    watch_until: float | None = None

    @property
    def under_way(self) -> bool:
        """Whether it is still being worked on."""
        return self.state in UNDER_WAY

    @property
    def target(self) -> str:
        """The version."""
        return self.version

    @property
    def decider(self) -> str:
        """Who answers for it: who approved, or who asked where nobody had to."""
        return self.decided_by or self.user


class Redeploys(Work[Redeploy]):
    """The table `redeploys`."""

    table = TABLE
    under_way = UNDER_WAY
    work = UNDER_WAY

    def begin(
        self,
        user: str,
        channel: str,
        endpoint: str,
        version: str,
        previous: str,
        action: Action,
        *,
        id: str | None = None,
        approved_by: str | None = None,
    ) -> Redeploy | None:
        """A new one of this process, or None while another one is under way.

        Args:
            user: Who asked.
            channel: Where it is shown.
            endpoint: What is changed.
            version: What shall serve.
            previous: What serves.
            action: Whether that is a new choice, or going back.
            id: Its own name, where it has one already.
            approved_by: Who approved, where somebody had to.
        """
        # Going back is urgent, and where it leads is known.
        state: State = "measuring" if action == "deploy" else "starting"
        name = "redeploy" if action == "deploy" else "rollback"
        values = _values(user, channel, endpoint, version, previous)
        values |= {"action": action, "state": state, **({"id": id} if id else {})}
        if approved_by is not None:
            values |= {"decided_by": approved_by, "decided": time.time()}
        return self._begin(values, Line(approved_by or user, name, "started"), version)

    def propose(
        self,
        user: str,
        channel: str,
        endpoint: str,
        version: str,
        previous: str,
        expires: float,
    ) -> Redeploy | None:
        """A new one that waits until another lead approves; several may wait."""
        values = _values(user, channel, endpoint, version, previous)
        values |= {"action": "deploy", "state": "waiting", "slot": None, "expires": expires}
        return self._begin(values, Line(user, "redeploy", "waits for approval"), version)

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
        values = {"stop_by": user, "ended": None, **self._lease()}
        return self._move(row, "returning", line, values, TABLE.c.state == "serving")

    def note(self, row: Redeploy, findings: Mapping[str, Any]) -> None:
        """What watching has found so far."""
        c = TABLE.c
        mine = and_(c.id == row.id, c.owner == self._owner.id)
        with self._engine.begin() as connection:
            values = {"findings": json.dumps(findings)}
            connection.execute(TABLE.update().where(mine).values(values))

    def _row(self, row: RowMapping) -> Redeploy:
        return Redeploy(
            **self._common(row),
            action=row["action"],
            endpoint=row["endpoint"],
            version=row["version"],
            previous=row["previous"],
            watch_until=row["watch_until"],
        )


def _values(user: str, channel: str, endpoint: str, version: str, previous: str) -> dict[str, Any]:
    return {
        "endpoint": endpoint,
        "version": version,
        "previous": previous,
        "user_id": user,
        "channel": channel,
    }
