"""Evidence: what moved the probability, carried back to the words and gathered into phrases.

Where boosting starts from is a sum over words and cues. What the trees contribute to a linear score
is shared among the words by what each adds to that score; to a count of cues, among the cues. What
stands nowhere in the note (its register, what it does not say) is left in the remainder.
"""

from typing import Any

import numpy as np

from mlops.container.assertions import NAMES, NEGATED, OTHER
from mlops.container.features import Found
from mlops.container.model import Model
from mlops.container.reading import Reading
from mlops.container.scores import Floats
from mlops.container.text import CLAUSE

MAX_EVIDENCE = 8
_MIN_WEIGHT = 0.03
# A word below this is left in the remainder, and bridged inside a phrase.
_MIN_WORD = 0.01
_MAX_PHRASE = 12
_MAX_GAP = 2
# A score near its average says little; what the trees make of it is not blown up beyond this.
_MAX_GAIN = 3.0


def word_weights(found: Found, contributions: Floats, model: Model) -> Floats:
    """Log-odds on every word, shape (n,), before calibration.

    Args:
        found: The features of the note.
        contributions: What each feature adds, shape (features,).
        model: Whose features they are.
    """
    kinds, gated = len(model.plan.scores), found.gated
    distance = found.values[:kinds] - model.means
    gains = np.clip(
        np.divide(contributions[:kinds], distance, out=np.zeros(kinds), where=distance != 0),
        0.0,
        _MAX_GAIN,
    )
    # What a text is like is no finding: the register stays in the remainder.
    gains[[name == "register" for name in model.plan.scores]] = 0.0
    weights = found.shares @ (gated.weights + gains * gated.gates)
    by_word = weights.tolist()
    for feature, places in found.cues.items():
        # The balance of cues, the first feature after the scores, has a part of the start as well.
        start = float(gated.balance) if feature == kinds else 0.0
        total = sum(abs(amount) for _, amount in places)
        each = float(contributions[feature]) / total if total else 0.0
        for match, amount in places:
            added = (start * amount + each * abs(amount)) / (match.last - match.first + 1)
            for place in range(match.first, match.last + 1):
                by_word[place] += added
    return np.array(by_word)


def phrases(text: str, reading: Reading, weights: Floats) -> list[dict[str, Any]]:
    """At most eight spans of the note, strongest first.

    Neighbouring words of one direction become one phrase; a word without weight between them may
    be bridged. A denied finding keeps its denial in sight.

    Args:
        text: The note.
        reading: The same, read.
        weights: Log-odds on its words.
    """
    runs = [run for run in _runs(reading, weights) if abs(run[0]) >= _MIN_WEIGHT]
    runs.sort(key=lambda run: (-abs(run[0]), run[1]))
    del runs[MAX_EVIDENCE:]
    spans = reading.words.spans([(first, last) for _, first, last in runs])
    shown = []
    for weight, first, last in runs:
        start, end = spans[first, last]
        evidence = {
            "start": start,
            "end": end,
            "text": text[start:end],
            "weight": round(weight, 4),
        }
        if assertion := _assertion(reading, first, last):
            evidence["assertion"] = assertion
        shown.append(evidence)
    return shown


def _assertion(reading: Reading, first: int, last: int) -> str:
    """What most of a phrase is, other than present: denied, or somebody else's."""
    bits = reading.bits[first : last + 1].tolist()
    if not any(bits):
        return ""
    for bit in (NEGATED, OTHER):
        if 2 * sum(1 for own in bits if own & bit) > len(bits):
            return NAMES[bit]
    return ""


def _runs(reading: Reading, weights: Floats) -> list[tuple[float, int, int]]:
    places = np.flatnonzero(np.abs(weights) >= _MIN_WORD)
    clauses = (reading.kinds == CLAUSE).cumsum().take(places).tolist()
    runs: list[tuple[float, int, int]] = []
    # The run that is being gathered; no word is before the first.
    total, first, last, within = 0.0, 0, 0, -1
    for place, weight, clause in zip(
        places.tolist(), weights.take(places).tolist(), clauses, strict=True
    ):
        if (
            weight * total > 0
            and place - last <= _MAX_GAP
            and place - first < _MAX_PHRASE
            and clause == within
        ):
            total += weight
        else:
            if within >= 0:
                runs.append((total, first, last))
            total, first, within = weight, place, clause
        last = place
    if within >= 0:
        runs.append((total, first, last))
    return runs
