"""What the service does, counted: for the watch after a deployment and for the Home tab."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Engine, and_, func, insert, outerjoin, select

from bot.store import tables
from mlops.watching import Sample

D, V, LOST = tables.decisions.c, tables.verdicts.c, tables.outages.c


@dataclass(frozen=True)
class Event:
    """One answered note, as numbers.

    Attributes:
        agreed: What a person said to it: True, False, or None: nothing.
        characters: Of the note; None for those answered before that was counted.
    """

    at: float
    recommendation: str
    probability: float | None
    document_type: str
    latency_ms: int
    characters: int | None
    agreed: bool | None


class Traffic:
    """Reads `decisions` and `verdicts`; writes `outages`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def failed(self, kind: str) -> None:
        """A note got no answer although nothing is wrong with it; `kind` is the error's."""
        with self._engine.begin() as connection:
            connection.execute(insert(tables.outages).values(at=time.time(), kind=kind))

    def outages(self, since: float) -> int:
        """How many notes got no answer since then."""
        query = select(func.count()).select_from(tables.outages).where(LOST.at >= since)
        with self._engine.begin() as connection:
            return int(connection.execute(query).scalar_one())

    def sample(self, version: str, since: float, until: float) -> Sample:
        """What people's notes got from a version in a span of time."""
        wanted = and_(D.model_version == version, D.decided >= since, D.decided < until)
        lost = select(func.count()).where(LOST.at >= since, LOST.at < until)
        with self._engine.begin() as connection:
            rows = connection.execute(
                select(D.recommendation, D.probability, D.latency_ms).where(wanted)
            ).all()
            failed = int(connection.execute(lost).scalar_one())
        return Sample(
            failed,
            [float(row.latency_ms) for row in rows],
            [str(row.recommendation) for row in rows],
            [float(row.probability) for row in rows if row.probability is not None],
        )

    def events(self, since: float) -> Sequence[Event]:
        """Every answered note since then, oldest first."""
        query = (
            select(
                D.decided,
                D.recommendation,
                D.probability,
                D.document_type,
                D.latency_ms,
                D.characters,
                V.verdict,
            )
            .select_from(outerjoin(tables.decisions, tables.verdicts, D.id == V.decision_id))
            .where(D.decided >= since)
            .order_by(D.decided)
        )
        with self._engine.begin() as connection:
            rows = connection.execute(query).all()
        return [Event(*row[:6], None if row[6] is None else row[6] == "agreed") for row in rows]

    def prune(self, before: float) -> None:
        """Forget failures from before then."""
        with self._engine.begin() as connection:
            connection.execute(tables.outages.delete().where(LOST.at < before))
