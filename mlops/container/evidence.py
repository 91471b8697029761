"""Evidence: what moved the probability, gathered into phrases that a person can read."""

from collections.abc import Iterable
from typing import Any

from mlops.container.features import Part
from mlops.container.terms import STOP
from mlops.container.text import Tokens

MAX_EVIDENCE = 8
_MIN_WEIGHT = 0.03
_MAX_PHRASE = 12
_MAX_GAP = 2


def phrases(text: str, tokens: Tokens, parts: Iterable[Part]) -> list[dict[str, Any]]:
    """At most eight spans of the note, strongest first.

    Neighbouring words of one direction become one phrase; a function word or a comma between them
    may be bridged, and carries no weight of its own.

    Args:
        text: The note.
        tokens: Its tokens.
        parts: Log-odds on tokens.
    """
    weights = [0.0] * len(tokens)
    for part in parts:
        content = [i for i in range(part.span[0], part.span[1] + 1) if _is_content(tokens, i)]
        for index in content:
            weights[index] += part.weight / len(content)
    spans = [span for span in _runs(tokens, weights) if abs(span[0]) >= _MIN_WEIGHT]
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


def _is_content(tokens: Tokens, index: int) -> bool:
    word = tokens.words[index]
    return (word[0].isalnum() and word not in STOP) or word == "?"


def _runs(tokens: Tokens, weights: list[float]) -> list[tuple[float, int, int]]:
    runs: list[tuple[float, int, int]] = []
    for index, weight in enumerate(weights):
        if not weight:
            continue
        if runs:
            total, first, last = runs[-1]
            if (
                weight * total > 0
                and index - last <= _MAX_GAP
                and index - first < _MAX_PHRASE
                and tokens.clauses[index] == tokens.clauses[last]
                and not any(weights[last + 1 : index])
            ):
                runs[-1] = (total + weight, first, index)
                continue
        runs.append((weight, index, index))
    return runs
