"""Evidence: what moved the probability, gathered into phrases that a person can read."""

from dataclasses import dataclass
from typing import Any

from mlops.container.text import Tokens

MAX_EVIDENCE = 8
_MIN_WEIGHT = 0.02


@dataclass(frozen=True, slots=True)
class Part:
    """A weight in log-odds on the tokens `first` to `last`, both included."""

    first: int
    last: int
    weight: float


def phrases(text: str, tokens: Tokens, parts: list[Part]) -> list[dict[str, Any]]:
    """At most eight spans, strongest first; neighbouring words of one direction are one phrase."""
    weights = [0.0] * len(tokens)
    for part in parts:
        share = part.weight / (part.last - part.first + 1)
        for index in range(part.first, part.last + 1):
            weights[index] += share
    spans: list[tuple[float, int, int]] = []
    current: tuple[float, int, int] | None = None
    for index, weight in enumerate(weights):
        joins = (
            current is not None
            and index == current[2] + 1
            and weight * current[0] > 0
            and tokens.clauses[index] == tokens.clauses[current[2]]
        )
        if current is not None and joins:
            current = (current[0] + weight, current[1], index)
            continue
        if current is not None:
            spans.append(current)
        current = (weight, index, index) if weight else None
    if current is not None:
        spans.append(current)
    spans = [span for span in spans if abs(span[0]) >= _MIN_WEIGHT]
    spans.sort(key=lambda span: (-abs(span[0]), span[1]))
    return [
        {
            "start": tokens.starts[first],
            "end": tokens.ends[last],
            "text": text[tokens.starts[first] : tokens.ends[last]],
            "weight": round(weight, 4),
        }
        for weight, first, last in spans[:MAX_EVIDENCE]
    ]
