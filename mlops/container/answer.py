"""Notes in, recommendations out: type, probability, abstention, evidence, warnings."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import fsum, log
from typing import Any

import numpy as np

from mlops.container.document import TOO_SHORT
from mlops.container.evidence import phrases, word_weights
from mlops.container.features import Found, find_features
from mlops.container.model import Model
from mlops.container.reading import Reading
from mlops.container.scores import Floats

# More than any note; what lies beyond is not read, and the reader is told.
MAX_CHARACTERS = 200_000
_TOO_LONG = f"This note is very long: only its first {MAX_CHARACTERS:,} characters were read."
# Notes are read together as long as they fit into a processor's cache.
_BATCH_NOTES, _BATCH_CHARACTERS = 32, 100_000


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

    def weights(self, note: int, model: Model) -> Floats:
        """Log-odds on every word of a note."""
        if self.without and note in self.raised:
            return self.without.weights(self.raised[note], model)
        return word_weights(self.reading, self.found, self.contributions, note, model)


def judge(reading: Reading, model: Model) -> Judged:
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


def _judge(reading: Reading, model: Model) -> Judged:
    found = find_features(reading, model.scores, model.plan, model.is_content)
    margins, contributions = model.trees.contributions(found.values)
    return Judged(reading, found, found.gated.start + margins, contributions)


def answer(identity: str, text: str, model: Model, *, evidence: bool = True) -> dict[str, Any]:
    """Classify one note (see `answers`)."""
    return answers([(identity, text)], model, evidence=evidence)[0]


def answers(
    notes: Iterable[tuple[str, str]], model: Model, *, evidence: bool = True
) -> list[dict[str, Any]]:
    """Classify notes. Any string gets an answer (fields: `mlops.result.Recommendation`).

    Args:
        notes: The caller's name for each, and its text.
        model: Who answers.
        evidence: Whether to say which words led there.
    """
    found: list[dict[str, Any]] = []
    batch: list[tuple[str, str]] = []
    room = _BATCH_CHARACTERS
    for identity, text in notes:
        if batch and (room < len(text) or len(batch) == _BATCH_NOTES):
            found += _answers(batch, model, evidence=evidence)
            batch, room = [], _BATCH_CHARACTERS
        batch.append((identity, text))
        room -= len(text)
    return found + _answers(batch, model, evidence=evidence) if batch else found


def _answers(
    notes: Sequence[tuple[str, str]], model: Model, *, evidence: bool
) -> list[dict[str, Any]]:
    texts = [text[:MAX_CHARACTERS] for _, text in notes]
    reading = model.reader.read(*texts)
    told = model.documents.tell(reading)
    judged = judge(reading, model)
    margins, registers = judged.margins.tolist(), judged.registers.tolist()
    results = []
    for note, ((identity, text), (kind, remark)) in enumerate(zip(notes, told, strict=True)):
        result: dict[str, Any] = {
            "id": identity,
            "recommendation": "Needs review",
            "probability": None,
            "confidence": None,
            "document_type": kind,
            "evidence": [],
            "remainder": None,
            "model_version": model.version,
            "warnings": [],
        }
        results.append(result)
        if len(text) > MAX_CHARACTERS:
            result["warnings"].append(_TOO_LONG)
        if remark:
            result["warnings"].append(remark)
        if kind == "other" or remark == TOO_SHORT:
            continue
        register = registers[note]
        probability = round(model.calibration.probability(margins[note], register), 4)
        result["probability"] = probability
        low, high = model.abstain
        if not low < probability < high:
            surgery = probability >= 0.5
            result["recommendation"] = "Surgery" if surgery else "Consultation"
            result["confidence"] = probability if surgery else round(1 - probability, 4)
        if evidence:
            weights = judged.weights(note, model) * model.calibration.slope(register)
            shown = phrases(texts[note], reading, note, weights)
            result["evidence"] = shown
            # What is shown and the rest add up to the log-odds of the shown probability.
            on_words = fsum(item["weight"] for item in shown)
            result["remainder"] = round(log(probability / (1 - probability)) - on_words, 4)
    return results
