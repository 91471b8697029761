"""Notes as the model sees them: what kind each is, its margin, and what moved it.

By the compiled kernel where there is one, else by arrays; what is seen is the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from mlops.container.document import Counts
from mlops.container.evidence import Phrase, phrases, word_weights
from mlops.container.features import Found, find_features
from mlops.container.reading import Reading
from mlops.container.scores import Floats

if TYPE_CHECKING:
    from mlops.container.model import Model


class Seen(Protocol):
    """A note as the model sees it."""

    @property
    def counts(self) -> Counts:
        """What its kind depends on."""

    @property
    def margin(self) -> float:
        """In log-odds, not calibrated."""

    @property
    def register(self) -> float:
        """How much it reads like a referral, 0 to 1."""

    def phrases(self, slope: float) -> list[Phrase]:
        """What moved the probability, at most eight phrases, strongest first.

        Args:
            slope: Of the calibration, for such a note.
        """


def see(texts: Sequence[str], model: "Model") -> Sequence[Seen]:
    """Look at some notes."""
    if model.kernel:
        return [model.kernel.see(text) for text in texts]
    return see_by_arrays(texts, model)


def see_by_arrays(texts: Sequence[str], model: "Model") -> Sequence[Seen]:
    """Look at some notes without the kernel."""
    reading = model.reader.read(*texts)
    judged = judge(reading, model)
    margins, registers = judged.margins.tolist(), judged.registers.tolist()
    return [
        _Seen(counts, margins[note], registers[note], judged, note, model)
        for note, counts in enumerate(model.documents.count(reading))
    ]


@dataclass(frozen=True)
class _Seen:
    counts: Counts
    margin: float
    register: float
    judged: "Judged"
    note: int
    model: "Model"

    def phrases(self, slope: float) -> list[Phrase]:
        weights = self.judged.weights(self.note, self.model) * slope
        return phrases(self.judged.reading, self.note, weights)


@dataclass(frozen=True)
class Judged:
    """Notes as the trees have seen them.

    Attributes:
        reading: The notes.
        found: Their features.
        margins: In log-odds, not calibrated, shape (B,).
        contributions: What the trees make of each feature, shape (B, features).
        without: Those that tell of a failed treatment, without what they say of it.
        raised: Positions of notes whose margin is higher so, with their positions there.
    """

    reading: Reading
    found: Found
    margins: Floats
    contributions: Floats
    without: "Judged | None" = None
    raised: Mapping[int, int] = field(default_factory=dict)

    @property
    def registers(self) -> Floats:
        """How much each note reads like a referral, as it stands, shape (B,)."""
        return self.found.gated.referral

    def weights(self, note: int, model: "Model") -> Floats:
        """Log-odds on every word of a note."""
        if self.without and note in self.raised:
            return self.without.weights(self.raised[note], model)
        return word_weights(self.reading, self.found, self.contributions, note, model)


def judge(reading: Reading, model: "Model") -> Judged:
    """The margins of notes; a treatment that failed is never held against an operation."""
    judged = _judge(reading, model)
    failed = [note for note, clauses in enumerate(reading.failures) if clauses]
    if not failed:
        return judged
    without = _judge(reading.without_failures(failed), model)
    margins = np.maximum(judged.margins[failed], without.margins)
    raised = {
        note: place for place, note in enumerate(failed) if margins[place] > judged.margins[note]
    }
    judged.margins[failed] = margins
    return replace(judged, raised=raised, without=without)


def _judge(reading: Reading, model: "Model") -> Judged:
    found = find_features(reading, model.scores, model.plan, model.is_content)
    margins, contributions = model.trees.contributions(found.values)
    return Judged(reading, found, found.gated.start + margins, contributions)
