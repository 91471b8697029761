"""Notes in, recommendations out: type, probability, abstention, evidence, warnings."""

from collections.abc import Iterable, Sequence
from math import fsum, log
from typing import Any

from mlops.container.assertions import NAMES
from mlops.container.document import TOO_SHORT, tell
from mlops.container.evidence import Phrase
from mlops.container.judging import see
from mlops.container.model import Model

# More than any note; what lies beyond is not read, and the reader is told.
MAX_CHARACTERS = 200_000
_TOO_LONG = f"This note is very long: only its first {MAX_CHARACTERS:,} characters were read."
# Notes are read together as long as they fit into a processor's cache.
_BATCH_NOTES, _BATCH_CHARACTERS = 32, 100_000


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
    low, high = model.abstain
    results = []
    for (identity, text), seen in zip(notes, see(texts, model), strict=True):
        kind, remark = tell(seen.counts)
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
        probability = round(model.calibration.probability(seen.margin, seen.register), 4)
        result["probability"] = probability
        if not low < probability < high:
            surgery = probability >= 0.5
            result["recommendation"] = "Surgery" if surgery else "Consultation"
            result["confidence"] = probability if surgery else round(1 - probability, 4)
        if evidence:
            result["evidence"] = spans(text, seen.phrases(model.calibration.slope(seen.register)))
            # What is shown and the rest add up to the log-odds of the shown probability.
            on_words = fsum(item["weight"] for item in result["evidence"])
            result["remainder"] = round(log(probability / (1 - probability)) - on_words, 4)
    return results


def spans(text: str, phrases: Sequence[Phrase]) -> list[dict[str, Any]]:
    """Spans of a note; a denied finding keeps its denial in sight."""
    shown = []
    for weight, start, end, bit in phrases:
        evidence = {
            "start": start,
            "end": end,
            "text": text[start:end],
            "weight": round(weight, 4),
        }
        if bit:
            evidence["assertion"] = NAMES[bit]
        shown.append(evidence)
    return shown
