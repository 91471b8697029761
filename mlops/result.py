"""What a model says about a note: the recommendation, as data that any part can pass on."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Decision = Literal["Surgery", "Consultation", "Needs review"]
DocumentType = Literal["referral", "operative report", "other"]


def percent(share: float) -> str:
    """A probability for a person to read: certainty is never claimed.

    >>> percent(0.872), percent(0.9991)
    ('87 %', 'over 99 %')
    """
    return "over 99 %" if share > 0.99 else f"{share:.0%}".replace("%", " %")


@dataclass(frozen=True)
class Evidence:
    """One span of the note that moved the probability.

    `note[start:end] == text`, counted in code points. `weight` is in log-odds: above zero speaks
    for Surgery, below for Consultation. `assertion` is empty for what is present in the patient
    now; otherwise it says what the finding is, such as `negated`. `text` is note text: it stays out
    of `repr` and so out of logs.
    """

    start: int
    end: int
    text: str = field(repr=False)
    weight: float
    assertion: str = ""


@dataclass(frozen=True)
class Recommendation:
    """The model's answer to one note.

    Attributes:
        id: The caller's name for the note.
        recommendation: `Needs review` is the model abstaining.
        probability: Calibrated P(Surgery), 0 to 1; None where the model has nothing to go on.
        confidence: Probability of the recommended class, 0.5 to 1; None for `Needs review`.
        evidence: Strongest first.
        remainder: Log-odds that stand in none of the evidence: with its weights it adds up to those
            of the probability.
        warnings: Sentences for the reader; they hold no note text.
    """

    id: str
    recommendation: Decision
    probability: float | None
    confidence: float | None
    document_type: DocumentType
    evidence: tuple[Evidence, ...]
    model_version: str
    warnings: tuple[str, ...] = ()
    remainder: float | None = None

    def with_warnings(self, sentences: tuple[str, ...]) -> "Recommendation":
        """The same with more warnings after its own."""
        return replace(self, warnings=self.warnings + sentences)

    def to_json(self) -> dict[str, Any]:
        """As one object of an endpoint's `predictions`, and one line of `classify --json`."""
        return {
            "id": self.id,
            "recommendation": self.recommendation,
            "probability": self.probability,
            "confidence": self.confidence,
            "document_type": self.document_type,
            "evidence": [
                {"start": e.start, "end": e.end, "text": e.text, "weight": e.weight}
                | ({"assertion": e.assertion} if e.assertion else {})
                for e in self.evidence
            ],
            "remainder": self.remainder,
            "model_version": self.model_version,
            "warnings": list(self.warnings),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Recommendation":
        """The inverse of `to_json`.

        Raises:
            KeyError: if a field is missing.
        """
        return cls(
            id=str(data["id"]),
            recommendation=data["recommendation"],
            probability=data["probability"],
            confidence=data["confidence"],
            document_type=data["document_type"],
            evidence=tuple(
                Evidence(e["start"], e["end"], e["text"], e["weight"], e.get("assertion", ""))
                for e in data["evidence"]
            ),
            model_version=data["model_version"],
            warnings=tuple(data["warnings"]),
            remainder=data.get("remainder"),
        )
