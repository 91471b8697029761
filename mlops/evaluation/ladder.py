"""The ladder: the same task from its easiest reading to the one that people bring.

A note written after an operation gives itself away, so a figure on notes as filed says little. Each
rung takes something away: headings, everything after the decision, length, the familiar source, and
at last the specialty.
"""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from random import Random

from mlops.data.pairs import load_corpus
from mlops.data.records import Record
from mlops.data.sections import sections

_SENTENCE = re.compile(r"(?<=[.!?;])\s+")
# Another seed cuts other crops.
VIEW_SEED = 0
Change = Callable[[Record], str]


@dataclass(frozen=True)
class Rung:
    """One way to put the task.

    Attributes:
        source: Which records it takes.
        sentence: What it shows, for a reader of the report.
        change: What is done to a record's text first.
    """

    name: str
    source: str
    sentence: str
    change: Change

    def view(self, records: Sequence[Record]) -> list[Record]:
        """The records of this rung, as it shows them; those with nothing left are dropped."""
        chosen = [record for record in records if record.source == self.source]
        viewed = [replace(record, text=self.change(record)) for record in chosen]
        return [record for record in viewed if record.text.strip()]


def mask_headings(record: Record) -> str:
    """The note without its headings."""
    return "\n".join(body for _, body in sections(record.text) if body)


def crop(record: Record) -> str:
    """A run of whole sentences about as long as a referral; a shorter text stays as it is.

    Length and place are drawn by a hash of the record, so that it is cut alike wherever it is
    judged; the length is one of the corpus.
    """
    sentences = _SENTENCE.split(record.text.strip())
    digest = hashlib.sha256(f"{VIEW_SEED}:{record.id}".encode()).digest()
    random = Random(int.from_bytes(digest[:8]))  # noqa: S311 - not for secrets
    wanted = random.choice(_referral_lengths())
    start = random.randrange(len(sentences))
    # Backwards too, where the end is near: every text gets its chance to be long enough.
    while start and sum(len(s.split()) for s in sentences[start:]) < wanted:
        start -= 1
    kept: list[str] = []
    words = 0
    for sentence in sentences[start:]:
        size = len(sentence.split())
        if kept and words + size / 2 > wanted:
            break
        kept.append(sentence)
        words += size
    return " ".join(kept)


@lru_cache(maxsize=1)
def _referral_lengths() -> tuple[int, ...]:
    return tuple(len(record.text.split()) for record in load_corpus())


def _whole(record: Record) -> str:
    return record.text


FILED = Rung(
    "as filed",
    "mtsamples-filed",
    "Whole notes, as their source files them. Nearly trivial: most operation notes say that they "
    "are one.",
    _whole,
)
MASKED = Rung(
    "headings masked",
    "mtsamples-filed",
    "The same notes without their headings. The narrative of an operation still gives it away.",
    mask_headings,
)
DECISION = Rung(
    "decision-time",
    "mtsamples-decision",
    "Only what stood before the decision: indication, history, complaint, assessment.",
    _whole,
)
MATCHED = Rung(
    "length-matched",
    "mtsamples-decision",
    "Decision-time text cut to the length of a referral, so that length tells nothing.",
    crop,
)
REFERRALS = Rung(
    "referral texts",
    "corpus",
    "Short referrals in matched pairs: the same complaint with and without an indication to "
    "operate. A pair is held out together.",
    _whole,
)
PLANNED = Rung(
    "plan-labelled notes",
    "mtsamples-plan",
    "Clinic notes labelled by their own plan, with the plan and every give-away removed. The "
    "hardest and most honest test here.",
    _whole,
)
RUNGS = (FILED, MASKED, DECISION, MATCHED, REFERRALS, PLANNED)
WORKSHOP = Rung(
    "workshop's notes",
    "mtsamples-filed",
    "The notes as filed for which the table of the original workshop has features, so that its own "
    "model can stand beside.",
    _whole,
)
SOURCES = frozenset(rung.source for rung in RUNGS)
UNSEEN_SPECIALTY = "leave-one-specialty-out"
UNSEEN_SENTENCE = (
    "The referral texts once more, each judged by a model that saw no referral text of its "
    "specialty."
)


def other_rungs(records: Sequence[Record]) -> tuple[Rung, ...]:
    """A rung for each source that the ladder does not know: what people bring."""
    names = sorted({record.source for record in records} - SOURCES)
    return tuple(
        Rung(
            name or "labelled notes", name, "Notes from outside the project's own sources.", _whole
        )
        for name in names
    )
