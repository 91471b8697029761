"""The figures of the Home tab: from single answers to days, weeks, percentiles and drift. Pure."""

import statistics
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bot.store.traffic import Event
from mlops.watching import FEWEST_NOTES, MOST_SHIFT, percentile, shift

DAY = 86_400.0
WEEK = 7 * DAY
DAYS, WEEKS, MONTH_DAYS = 7, 6, 30
# How far back `figures` looks.
SPAN_SECONDS = WEEKS * WEEK
# A median length that has moved by half is another kind of note.
MOST_LONGER = 1.5
MOST_OTHER_KINDS = 0.2


@dataclass(frozen=True)
class Day:
    """One day's notes; `start` in seconds since the epoch."""

    start: float
    decided: int
    review: int


@dataclass(frozen=True)
class Week:
    """What people said in a week to what was recommended in it."""

    start: float
    agreed: int
    judged: int


@dataclass(frozen=True)
class Drift:
    """One thing this week beside the weeks before.

    Attributes:
        steady: Whether it is as it was; None: too few notes to tell.
    """

    name: str
    now: str
    before: str
    steady: bool | None


@dataclass(frozen=True)
class Figures:
    """All of them. Counts, agreement and latency are of the last 30 days."""

    days: tuple[Day, ...] = ()
    weeks: tuple[Week, ...] = ()
    decided: int = 0
    review: int = 0
    agreed: int = 0
    judged: int = 0
    median_ms: float | None = None
    p95_ms: float | None = None
    drift: tuple[Drift, ...] = ()

    @property
    def notes(self) -> int:
        """How many were answered."""
        return self.decided + self.review


def figures(events: Sequence[Event], now: float | None = None) -> Figures:
    """Count.

    Args:
        events: Of the last `SPAN_SECONDS`, oldest first.
        now: Seconds since the epoch; None: now.
    """
    now = time.time() if now is None else now
    month = [event for event in events if event.at >= now - MONTH_DAYS * DAY]
    latency = [float(event.latency_ms) for event in month]
    review = sum(_review(event) for event in month)
    judged = [event for event in month if event.agreed is not None]
    return Figures(
        days=tuple(_day(events, now, number) for number in range(DAYS)),
        weeks=tuple(_week(events, now, number) for number in range(WEEKS)),
        decided=len(month) - review,
        review=review,
        agreed=sum(bool(event.agreed) for event in judged),
        judged=len(judged),
        median_ms=percentile(latency, 0.5),
        p95_ms=percentile(latency, 0.95),
        drift=_drift(
            [event for event in events if event.at >= now - WEEK],
            [event for event in events if now - 5 * WEEK <= event.at < now - WEEK],
        ),
    )


def _review(event: Event) -> bool:
    return event.recommendation == "Needs review"


def _day(events: Sequence[Event], now: float, ago: int) -> Day:
    """A day of UTC, 0: today."""
    start = now // DAY * DAY - ago * DAY
    found = [event for event in events if start <= event.at < start + DAY]
    review = sum(_review(event) for event in found)
    return Day(start, len(found) - review, review)


def _week(events: Sequence[Event], now: float, ago: int) -> Week:
    """Seven days, 0: the last ones."""
    start = now - (ago + 1) * WEEK
    found = [
        event for event in events if start <= event.at < start + WEEK and event.agreed is not None
    ]
    return Week(start, sum(bool(event.agreed) for event in found), len(found))


def _drift(now: Sequence[Event], before: Sequence[Event]) -> tuple[Drift, ...]:
    if not now or not before:
        return ()
    enough = min(len(now), len(before)) >= FEWEST_NOTES

    def steady(fine: bool) -> bool | None:
        return fine if enough else None

    new, old = _probabilities(now), _probabilities(before)
    found = [
        Drift(
            "Surgery recommended",
            _share(now, "Surgery"),
            _share(before, "Surgery"),
            steady(shift(old, new) <= MOST_SHIFT),
        )
    ]
    lengths = [[e.characters for e in part if e.characters] for part in (now, before)]
    if all(lengths):
        new_length, old_length = (statistics.median(part) for part in lengths)
        ratio = max(new_length, old_length) / min(new_length, old_length)
        found.append(
            Drift(
                "Length, half of the notes up to",
                f"{new_length:,.0f} characters",
                f"{old_length:,.0f}",
                steady(ratio <= MOST_LONGER),
            )
        )
    kinds = [Counter(event.document_type for event in part) for part in (now, before)]
    moved = sum(
        abs(kinds[0][kind] / len(now) - kinds[1][kind] / len(before))
        for kind in kinds[0].keys() | kinds[1].keys()
    )
    referrals = [kinds[0]["referral"] / len(now), kinds[1]["referral"] / len(before)]
    found.append(
        Drift(
            "Written before a decision",
            percent(referrals[0]),
            percent(referrals[1]),
            # Half of the sum of differences: the share of notes that is of another kind.
            steady(moved / 2 <= MOST_OTHER_KINDS),
        )
    )
    return tuple(found)


def _probabilities(events: Sequence[Event]) -> list[float]:
    return [event.probability for event in events if event.probability is not None]


def _share(events: Sequence[Event], recommendation: str) -> str:
    return percent(sum(e.recommendation == recommendation for e in events) / len(events))


def percent(share: float) -> str:
    """A share of things that were counted.

    >>> percent(1.0), percent(0.125)
    ('100 %', '12 %')
    """
    return f"{share:.0%}".replace("%", " %")
