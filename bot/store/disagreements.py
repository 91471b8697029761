"""Where two people give different answers to one note, and what a lead settles."""

import time
from collections import defaultdict
from dataclasses import dataclass

from sqlalchemy import Engine, Select, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from bot.store import tables
from bot.store.audit import append
from mlops.data.records import LABELS

GIVEN, D, S, L = tables.opinions, tables.decisions, tables.settlements, tables.labels


@dataclass(frozen=True)
class Opinion:
    """What one person holds right."""

    user: str
    answer: str
    given: float


@dataclass(frozen=True)
class Disagreement:
    """One note with different answers.

    Attributes:
        decision: The latest recommendation on it.
        channel: Where its card is, and `reply_ts` which message.
        opinions: Oldest first.
    """

    decision: str
    channel: str
    reply_ts: str | None
    opinions: tuple[Opinion, ...]


def disputed() -> Select[tuple[str]]:
    """The HMACs of notes that people differ on and nobody has settled."""
    return (
        select(D.c.text_hmac)
        .join(GIVEN, GIVEN.c.decision_id == D.c.id)
        .where(D.c.text_hmac.not_in(select(S.c.text_hmac)))
        .group_by(D.c.text_hmac)
        .having(
            func.count(GIVEN.c.answer.distinct()) > 1, func.count(GIVEN.c.user_id.distinct()) > 1
        )
    )


class Disagreements:
    """The tables `opinions` and `settlements`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def open(self) -> list[Disagreement]:
        """Those that nobody has settled, the longest-standing first."""
        query = (
            select(
                D.c.text_hmac,
                D.c.id,
                D.c.channel,
                D.c.reply_ts,
                GIVEN.c.user_id,
                GIVEN.c.answer,
                GIVEN.c.given,
            )
            .join(GIVEN, GIVEN.c.decision_id == D.c.id)
            .where(D.c.text_hmac.in_(disputed()))
            .order_by(GIVEN.c.given)
        )
        by_note = defaultdict(list)
        with self._engine.begin() as connection:
            for row in connection.execute(query):
                by_note[row.text_hmac].append(row)
        return [
            Disagreement(
                rows[-1].id,
                rows[-1].channel,
                rows[-1].reply_ts,
                tuple(Opinion(row.user_id, row.answer, row.given) for row in rows),
            )
            for rows in by_note.values()
        ]

    def settle(self, decision: str, answer: str, user: str, channel: str) -> bool:
        """Say what is right for a note; False if it is unknown or settled already.

        Kept labels of the note follow; where it can't be told, they go.
        """
        with self._engine.begin() as connection:
            of = connection.execute(select(D.c.text_hmac).where(D.c.id == decision)).scalar()
        if of is None:
            return False
        row = {"text_hmac": of, "answer": answer, "user_id": user, "given": time.time()}
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(S).values(row))
                same = L.c.text_hmac == of
                if answer in LABELS:
                    connection.execute(update(L).where(same).values(label=answer))
                else:
                    connection.execute(delete(L).where(same))
                append(connection, user, "settle", decision, channel, answer)
        except IntegrityError:
            return False
        return True
