"""One note in, one recommendation out: type, probability, abstention, evidence, warnings."""

from dataclasses import dataclass
from math import fsum, log
from typing import Any

from mlops.container.document import TOO_SHORT
from mlops.container.evidence import phrases, word_weights
from mlops.container.features import Found, find_features
from mlops.container.model import Model
from mlops.container.reading import Reading
from mlops.container.scores import Floats

# More than any note; what lies beyond is not read, and the reader is told.
MAX_CHARACTERS = 200_000


@dataclass(frozen=True)
class Judged:
    """A note as the trees have seen it.

    Attributes:
        found: Its features.
        margin: In log-odds, not calibrated.
        contributions: What the trees make of each feature, shape (features,).
    """

    found: Found
    margin: float
    contributions: Floats


def judge(reading: Reading, model: Model) -> Judged:
    """The margin of a note; a treatment that failed is never held against an operation."""
    judged = _judge(reading, model)
    if reading.failures.any():
        without = _judge(reading.without_failures(), model)
        if without.margin > judged.margin:
            return without
    return judged


def _judge(reading: Reading, model: Model) -> Judged:
    found = find_features(reading, model.scores, model.plan, model.is_content)
    margin, contributions = model.trees.contributions(found.values)
    return Judged(found, float(found.gated.start) + margin, contributions)


def answer(identity: str, text: str, model: Model, *, evidence: bool = True) -> dict[str, Any]:
    """Classify one note. Any string gets an answer (fields: `mlops.result.Recommendation`).

    Args:
        identity: The caller's name for the note.
        text: The note.
        model: Who answers.
        evidence: Whether to say which words led there.
    """
    warnings = []
    if len(text) > MAX_CHARACTERS:
        text = text[:MAX_CHARACTERS]
        warnings.append(
            f"This note is very long: only its first {MAX_CHARACTERS:,} characters were read."
        )
    reading = model.reader.read(text)
    kind, remark = model.documents.tell(reading)
    result: dict[str, Any] = {
        "id": identity,
        "recommendation": "Needs review",
        "probability": None,
        "confidence": None,
        "document_type": kind,
        "evidence": [],
        "remainder": None,
        "model_version": model.version,
        "warnings": warnings,
    }
    if remark:
        warnings.append(remark)
    if kind == "other" or remark == TOO_SHORT:
        return result
    judged = judge(reading, model)
    probability = round(model.calibration.probability(judged.margin), 4)
    result["probability"] = probability
    low, high = model.abstain
    if not low < probability < high:
        surgery = probability >= 0.5
        result["recommendation"] = "Surgery" if surgery else "Consultation"
        result["confidence"] = probability if surgery else round(1 - probability, 4)
    if evidence:
        weights = word_weights(judged.found, judged.contributions, model)
        shown = phrases(text, reading, weights * model.calibration.slope)
        result["evidence"] = shown
        # What is shown and the rest add up to the log-odds of the shown probability.
        told = fsum(item["weight"] for item in shown)
        result["remainder"] = round(log(probability / (1 - probability)) - told, 4)
    return result
