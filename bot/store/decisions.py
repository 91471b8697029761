"""What the model recommended and what people said to it: outcomes and ids, no note text."""

import hmac
import json
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Engine, RowMapping, and_, func, insert, outerjoin, select, update
from sqlalchemy.exc import IntegrityError

from bot.store import tables
from bot.store.secret import fingerprint
from mlops.result import Decision as Answer
from mlops.result import DocumentType, Recommendation

Verb = Literal["agreed", "corrected"]


@dataclass(frozen=True)
class Asked:
    """Who asked for a decision, where and how."""

    kind: str
    user: str
    channel: str
    thread_ts: str | None = None


@dataclass(frozen=True)
class Verdict:
    """What a person said to a decision. The first one counts.

    Attributes:
        answer: What they hold right: the recommendation itself when they agreed.
        reason: One of the fixed reasons; free text would end up holding note text.
        given: Seconds since the epoch.
    """

    verb: Verb
    answer: str
    reason: str | None
    user: str
    given: float


@dataclass(frozen=True)
class DecisionRow:
    """One decision as the database has it."""

    id: str
    recommendation: Answer
    probability: float | None
    confidence: float | None
    document_type: DocumentType
    model_version: str
    user: str
    channel: str
    reply_ts: str | None
    thread_ts: str | None
    decided: float
    verdict: Verdict | None


@dataclass(frozen=True)
class Counts:
    """How many decisions, and what came of them."""

    decided: int
    needs_review: int
    agreed: int
    corrected: int


class Decisions:
    """The tables `decisions` and `verdicts`."""

    def __init__(self, engine: Engine, key: bytes) -> None:
        self._engine = engine
        self._key = key

    def record(
        self, id: str, text: str, answer: Recommendation, asked: Asked, latency_ms: int
    ) -> None:
        """Keep a decision. Recording it again (after a restart) replaces what was said before.

        Args:
            id: The part of a delivery that it answers.
            text: The note; only its HMAC is kept.
            answer: What the model said.
            asked: By whom and where.
            latency_ms: From the request to the answer.
        """
        values = {
            "text_hmac": fingerprint(self._key, text),
            "recommendation": answer.recommendation,
            "probability": answer.probability,
            "confidence": answer.confidence,
            "document_type": answer.document_type,
            "warnings": json.dumps(answer.warnings),
            "model_version": answer.model_version,
            "kind": asked.kind,
            "user_id": asked.user,
            "channel": asked.channel,
            "thread_ts": asked.thread_ts,
            "decided": time.time(),
            "latency_ms": latency_ms,
            "characters": len(text),
        }
        same = tables.decisions.c.id == id
        with self._engine.begin() as connection:
            if connection.execute(update(tables.decisions).where(same).values(values)).rowcount:
                return
            connection.execute(insert(tables.decisions).values(id=id, **values))

    def set_reply(self, id: str, channel: str, ts: str) -> None:
        """Where the card of a decision is."""
        same = tables.decisions.c.id == id
        with self._engine.begin() as connection:
            connection.execute(
                update(tables.decisions).where(same).values(channel=channel, reply_ts=ts)
            )

    def get(self, id: str) -> DecisionRow | None:
        """One decision with its verdict."""
        with self._engine.begin() as connection:
            row = (
                connection.execute(_joined().where(tables.decisions.c.id == id)).mappings().first()
            )
        return None if row is None else _decision(row)

    def judge(self, id: str, verb: Verb, answer: str, reason: str | None, user: str) -> Verdict:
        """Record a verdict; the one that counts, which is another's if they were first."""
        verdict = Verdict(verb, answer, reason, user, time.time())
        values: dict[str, Any] = {
            "decision_id": id,
            "verdict": verb,
            "answer": answer,
            "reason": reason,
            "user_id": user,
            "given": verdict.given,
        }
        opinion = {
            "decision_id": id,
            "user_id": user,
            "answer": answer,
            "given": verdict.given,
        }
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(tables.verdicts).values(values))
                connection.execute(insert(tables.opinions).values(opinion))
        except IntegrityError:
            decision = self.get(id)
            if decision is None or decision.verdict is None:
                raise
            # Too late to count, but that somebody sees it differently is worth knowing.
            with suppress(IntegrityError), self._engine.begin() as connection:
                connection.execute(insert(tables.opinions).values(opinion))
            return decision.verdict
        return verdict

    def is_text_of(self, id: str, text: str) -> bool:
        """Whether a text is the very note that a decision was made on."""
        query = select(tables.decisions.c.text_hmac).where(tables.decisions.c.id == id)
        with self._engine.begin() as connection:
            known = connection.execute(query).scalar()
        return known is not None and hmac.compare_digest(known, fingerprint(self._key, text))

    def recent(self, user: str, limit: int) -> list[DecisionRow]:
        """A person's own latest decisions, newest first."""
        query = (
            _joined()
            .where(tables.decisions.c.user_id == user)
            .order_by(tables.decisions.c.decided.desc())
            .limit(limit)
        )
        with self._engine.begin() as connection:
            return [_decision(row) for row in connection.execute(query).mappings()]

    def counts(self, since: float, user: str | None = None) -> Counts:
        """Decisions since then, of one person or of everybody."""
        d, v = tables.decisions.c, tables.verdicts.c
        wanted = d.decided >= since
        if user is not None:
            wanted = and_(wanted, d.user_id == user)
        query = (
            select(
                func.count(d.id),
                func.count(d.id).filter(d.recommendation == "Needs review"),
                func.count(d.id).filter(v.verdict == "agreed"),
                func.count(d.id).filter(v.verdict == "corrected"),
            )
            .select_from(outerjoin(tables.decisions, tables.verdicts, d.id == v.decision_id))
            .where(wanted)
        )
        with self._engine.begin() as connection:
            return Counts(*connection.execute(query).one())


def _joined() -> Any:
    d, v = tables.decisions, tables.verdicts
    return select(
        d, v.c.verdict, v.c.answer, v.c.reason, v.c.user_id.label("judge"), v.c.given
    ).select_from(outerjoin(d, v, d.c.id == v.c.decision_id))


def _decision(row: RowMapping) -> DecisionRow:
    verdict = None
    if row["verdict"] is not None:
        verdict = Verdict(row["verdict"], row["answer"], row["reason"], row["judge"], row["given"])
    return DecisionRow(
        id=row["id"],
        recommendation=row["recommendation"],
        probability=row["probability"],
        confidence=row["confidence"],
        document_type=row["document_type"],
        model_version=row["model_version"],
        user=row["user_id"],
        channel=row["channel"],
        reply_ts=row["reply_ts"],
        thread_ts=row["thread_ts"],
        decided=row["decided"],
        verdict=verdict,
    )
