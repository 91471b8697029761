"""One note in, one recommendation out: type, probability, abstention, evidence, warnings."""

from typing import Any

import xgboost

from mlops.container.document import document_type
from mlops.container.evidence import phrases
from mlops.container.features import Part, read_features
from mlops.container.model import Model
from mlops.container.terms import encode

# More than any note; what lies beyond is not read, and the reader is told.
MAX_CHARACTERS = 200_000


def answer(identity: str, text: str, model: Model) -> dict[str, Any]:
    """Classify one note. Any string gets an answer (fields: `mlops.result.Recommendation`)."""
    warnings = []
    if len(text) > MAX_CHARACTERS:
        text = text[:MAX_CHARACTERS]
        warnings.append(
            f"This note is very long: only its first {MAX_CHARACTERS:,} characters were read."
        )
    encoded = encode(text, model.lexicon)
    kind, remark = document_type(encoded, model.clinical)
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
    if remark:
        warnings.append(remark)
    if kind == "other" or encoded.tokens.spoken < model.min_words:
        return result
    values, parts = read_features(encoded, model.scores, model.lexicon)
    contributions = model.booster.predict(xgboost.DMatrix(values, nthread=1), pred_contribs=True)
    shares = contributions[0].tolist()
    probability = round(model.calibration.probability(sum(shares)), 4)
    result["probability"] = probability
    low, high = model.abstain
    if not low < probability < high:
        surgery = probability >= 0.5
        result["recommendation"] = "Surgery" if surgery else "Consultation"
        result["confidence"] = probability if surgery else round(1 - probability, 4)
    weighted: list[Part] = []
    for gain, value, share, own in zip(
        model.gains, values[0].tolist(), shares, parts, strict=False
    ):
        factor = gain.at(value, share) * model.calibration.slope
        weighted += [Part(part.span, part.weight * factor) for part in own]
    result["evidence"] = phrases(text, encoded.tokens, weighted)
    return result
