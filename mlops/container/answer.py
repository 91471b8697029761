"""One note in, one recommendation out: type, probability, abstention, evidence, warnings."""

from typing import Any

import numpy as np
import xgboost

from mlops.container.assertions import assertions
from mlops.container.document import document_type
from mlops.container.evidence import Part, phrases
from mlops.container.model import Model
from mlops.container.terms import find_terms
from mlops.container.text import tokenize

# More than any note; what lies beyond is not read, and the reader is told.
MAX_CHARACTERS = 200_000
MIN_WORDS = 4


def answer(identity: str, text: str, model: Model) -> dict[str, Any]:
    """Classify one note. Any string is answered."""
    warnings = []
    if len(text) > MAX_CHARACTERS:
        text = text[:MAX_CHARACTERS]
        warnings.append(
            f"This note is very long: only its first {MAX_CHARACTERS:,} characters were read."
        )
    tokens = tokenize(text)
    words = sum(word[0].isalpha() for word in tokens.words)
    kind, remark = document_type(tokens, model)
    if words < MIN_WORDS:
        kind, remark = "other", "This is too short to judge: it has fewer than 4 words."
    if remark:
        warnings.append(remark)
    result: dict[str, Any] = {
        "id": identity,
        "recommendation": "Needs review",
        "probability": None,
        "confidence": None,
        "document_type": kind,
        "evidence": [],
        "model_version": model.version,
        "warnings": warnings,
    }
    if kind == "other":
        return result
    terms = find_terms(tokens, assertions(tokens))
    names = [term for term, _, _ in terms]
    parts = [score.parts(names) for score in model.scores.values()]
    row = np.array([[value for value, _ in parts]], dtype=np.float32)
    contributions = model.booster.predict(xgboost.DMatrix(row, nthread=1), pred_contribs=True)[0]
    margin = float(contributions.sum())
    probability = round(model.calibration.probability(margin), 4)
    result["probability"] = probability
    low, high = model.abstain
    if not low < probability < high:
        surgery = probability >= 0.5
        result["recommendation"] = "Surgery" if surgery else "Consultation"
        result["confidence"] = probability if surgery else round(1 - probability, 4)
    spans: list[Part] = []
    for (_, shares), contribution in zip(parts, contributions[:-1].tolist(), strict=True):
        spans += _spread(terms, shares, contribution * model.calibration.slope)
    result["evidence"] = phrases(text, tokens, spans)
    return result


def _spread(
    terms: list[tuple[str, int, int]], shares: dict[str, float], contribution: float
) -> list[Part]:
    """A score's contribution, spread over its terms in proportion to their part of the score."""
    same = {term: share for term, share in shares.items() if share * contribution > 0}
    total = sum(same.values())
    if not total:
        return []
    times: dict[str, int] = {}
    for term, _, _ in terms:
        times[term] = times.get(term, 0) + 1
    return [
        Part(first, last, contribution * same[term] / total / times[term])
        for term, first, last in terms
        if term in same
    ]
