"""What was asked, who is answering it, and where the answer stands: each request answered once.

A delivery is one request of a person: a message, a command, a form. Its unique key makes a
redelivery, or the same message seen by another process, lose the race. Its parts are the notes in
it, one reply each. No row holds text: a request that was interrupted is read from Slack again.
"""

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Engine, RowMapping, and_, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from bot.store import tables
from bot.store.owner import Owner

Kind = Literal["message", "mention", "shortcut", "command", "form"]
LEASE_SECONDS = 60.0


@dataclass(frozen=True)
class Request:
    """What a person asked, as ids.

    Attributes:
        key: What makes it one and the same request.
        place: The kind of conversation as Slack's payload told it, or "".
        source_ts: The message that holds the note; None where it can't be read again.
        thread_ts: The thread to answer in; None: in the conversation itself.
        asked: When, in seconds since the epoch.
    """

    key: str
    kind: Kind
    channel: str
    user: str
    asked: float
    place: str = ""
    source_ts: str | None = None
    thread_ts: str | None = None
    event_id: str | None = None


@dataclass(frozen=True)
class Delivery:
    """A request that this process is answering."""

    id: str
    request: Request
    attempts: int = 1


@dataclass(frozen=True)
class Part:
    """One note of a delivery, and its reply once there is one. Its id is the decision's too."""

    id: str
    name: str
    reply_channel: str | None
    reply_ts: str | None
    done: bool


class Deliveries:
    """The tables `deliveries` and `parts`."""

    def __init__(self, engine: Engine, owner: Owner, lease_seconds: float = LEASE_SECONDS) -> None:
        self._engine = engine
        self._owner = owner
        self.lease_seconds = lease_seconds

    def claim(self, request: Request, parts: Sequence[str] = ()) -> Delivery | None:
        """Take a request on, or None if it has been taken already.

        Args:
            request: What was asked.
            parts: Names of its notes, where they are known now.
        """
        delivery = Delivery(uuid.uuid4().hex, request)
        row = {
            "id": delivery.id,
            "key": request.key,
            "event_id": request.event_id,
            "kind": request.kind,
            "place": request.place,
            "channel": request.channel,
            "source_ts": request.source_ts,
            "thread_ts": request.thread_ts,
            "user_id": request.user,
            "asked": request.asked,
            "state": "open",
            "attempts": 1,
            **self._lease(),
        }
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(tables.deliveries).values(row))
                for name in parts:
                    connection.execute(insert(tables.parts).values(_new_part(delivery.id, name)))
        except IntegrityError:
            return None
        return delivery

    def part(self, delivery: Delivery, name: str) -> Part:
        """The part of that name, made if there is none yet."""
        same = and_(tables.parts.c.delivery_id == delivery.id, tables.parts.c.name == name)
        with self._engine.begin() as connection:
            row = connection.execute(select(tables.parts).where(same)).mappings().first()
            if row is None:
                new = _new_part(delivery.id, name)
                connection.execute(insert(tables.parts).values(new))
                return Part(new["id"], name, None, None, False)
        return _part(row)

    def parts(self, delivery: Delivery) -> list[Part]:
        """All parts made so far."""
        query = select(tables.parts).where(tables.parts.c.delivery_id == delivery.id)
        with self._engine.begin() as connection:
            return [_part(row) for row in connection.execute(query).mappings()]

    def set_reply(self, part: str, channel: str, ts: str) -> None:
        """Remember where the reply to a part is."""
        self._change_part(part, {"reply_channel": channel, "reply_ts": ts})

    def finish_part(self, part: str) -> None:
        """The part has its answer."""
        self._change_part(part, {"state": "done"})

    def _change_part(self, part: str, values: dict[str, str]) -> None:
        with self._engine.begin() as connection:
            connection.execute(update(tables.parts).where(tables.parts.c.id == part).values(values))

    def finish(self, delivery: Delivery, outcome: str) -> None:
        """The request is dealt with; `outcome` is one word for how."""
        mine = tables.deliveries.c.id == delivery.id
        values = {"state": "done", "outcome": outcome}
        with self._engine.begin() as connection:
            connection.execute(update(tables.deliveries).where(mine).values(values))

    def holds(self, delivery: Delivery) -> bool:
        """Whether this process is still the one to answer."""
        query = select(tables.deliveries.c.owner, tables.deliveries.c.state).where(
            tables.deliveries.c.id == delivery.id
        )
        with self._engine.begin() as connection:
            row = connection.execute(query).first()
        return row is not None and tuple(row) == (self._owner.id, "open")

    def asked_in(self, part: str) -> tuple[Request, str] | None:
        """The request that a part belongs to, and the part's name; None once it is forgotten."""
        query = (
            select(tables.deliveries, tables.parts.c.name)
            .join(tables.parts, tables.parts.c.delivery_id == tables.deliveries.c.id)
            .where(tables.parts.c.id == part)
        )
        with self._engine.begin() as connection:
            row = connection.execute(query).mappings().first()
        return None if row is None else (_request(row), str(row["name"]))

    def take_over(self) -> list[Delivery]:
        """Requests whose process is gone, now this one's to answer."""
        table = tables.deliveries
        others = and_(table.c.state == "open", table.c.owner != self._owner.id)
        with self._engine.begin() as connection:
            rows = list(connection.execute(select(table).where(others)).mappings())
        now = time.time()
        stale = [
            row for row in rows if row["lease_until"] < now or self._owner.is_dead(row["owner"])
        ]
        return [delivery for row in stale if (delivery := self._take(row)) is not None]

    def _take(self, row: RowMapping) -> Delivery | None:
        """Make a stale row ours, unless its owner or a third process was quicker."""
        table = tables.deliveries
        unchanged = and_(
            table.c.id == row["id"],
            table.c.state == "open",
            table.c.owner == row["owner"],
            table.c.lease_until == row["lease_until"],
        )
        values = {"attempts": row["attempts"] + 1, **self._lease()}
        with self._engine.begin() as connection:
            if connection.execute(update(table).where(unchanged).values(values)).rowcount != 1:
                return None
        return Delivery(row["id"], _request(row), row["attempts"] + 1)

    def renew(self) -> None:
        """Say that this process lives and works on what it holds."""
        self._set_leases(time.time() + self.lease_seconds)

    def release(self) -> None:
        """Leave unfinished requests to whoever looks next."""
        self._set_leases(0.0)

    def _set_leases(self, until: float) -> None:
        mine = and_(
            tables.deliveries.c.owner == self._owner.id, tables.deliveries.c.state == "open"
        )
        with self._engine.begin() as connection:
            connection.execute(update(tables.deliveries).where(mine).values(lease_until=until))

    def put_back(self, delivery: Delivery, seconds: float) -> None:
        """Try again in a while: it can't be answered now."""
        mine = tables.deliveries.c.id == delivery.id
        values = {"lease_until": time.time() + seconds, "owner": ""}
        with self._engine.begin() as connection:
            connection.execute(update(tables.deliveries).where(mine).values(values))

    def prune(self, before: float) -> None:
        """Forget finished requests asked before then: Slack redelivers within hours, not weeks."""
        table = tables.deliveries
        old = and_(table.c.asked < before, table.c.state == "done")
        with self._engine.begin() as connection:
            ids = select(table.c.id).where(old)
            connection.execute(
                tables.parts.delete().where(or_(tables.parts.c.delivery_id.in_(ids)))
            )
            connection.execute(table.delete().where(old))

    def _lease(self) -> dict[str, Any]:
        return {"owner": self._owner.id, "lease_until": time.time() + self.lease_seconds}


def _new_part(delivery: str, name: str) -> dict[str, Any]:
    return {"id": uuid.uuid4().hex, "delivery_id": delivery, "name": name, "state": "open"}


def _part(row: RowMapping) -> Part:
    done = row["state"] == "done"
    return Part(row["id"], row["name"], row["reply_channel"], row["reply_ts"], done)


def _request(row: RowMapping) -> Request:
    return Request(
        key=row["key"],
        kind=row["kind"],
        channel=row["channel"],
        user=row["user_id"],
        asked=row["asked"],
        place=row["place"],
        source_ts=row["source_ts"],
        thread_ts=row["thread_ts"],
        event_id=row["event_id"],
    )
