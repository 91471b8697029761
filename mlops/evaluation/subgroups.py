"""Subgroups by what a note itself says: age band, sex, length; and specialty where it is known."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from mlops.data.records import Record
from mlops.evaluation.metrics import Ints, measure, to_json
from mlops.evaluation.scoring import Scores

UNKNOWN = "not stated"
# Fewer records than this are not reported by themselves.
MIN_RECORDS = 20
METRICS = ("auc", "accuracy", "sensitivity", "specificity", "ece")
AGE_BANDS = ((18, "under 18"), (40, "18 to 39"), (65, "40 to 64"), (200, "65 and over"))
LENGTHS = ((40, "under 40 words"), (80, "40 to 79"), (200, "80 to 199"), (10**9, "200 and over"))

# 61-year-old, 61 yo, 61 y/o, 61 years of age, aged 61, 61M, F 61; a duration is none of these.
_YEARS = re.compile(
    r"\b(\d{1,3})\s*-?\s*(?:years?|yrs?|y)\.?\s*-?\s*(?:old|of\s+age)\b"
    r"|\b(\d{1,3})\s*-?\s*(?:yo|y/o|y\.o\.?)(?!\w)"
    r"|\baged?\s+(\d{1,3})\b"
    r"|\b(\d{1,3})\s?[MF]\b"
    r"|\b[MF]\s?(\d{1,3})\b"
)
_YOUNG = re.compile(
    r"\b\d{1,3}\s*-?\s*(?:days?|d|weeks?|wks?|months?|mo|mths?)\s*-?\s*(?:old|boy|girl)\b"
    r"|\b(?:newborn|neonate|infant|baby|toddler)\b",
    re.IGNORECASE,
)
_MALE = re.compile(
    r"\b(?:he|his|him|himself|male|man|boy|gentleman|mr|son|husband|father)\b|\b\d{1,3}\s?M\b"
    r"|\bM\s?\d{1,3}\b",
    re.IGNORECASE,
)
_FEMALE = re.compile(
    r"\b(?:she|her|hers|herself|female|woman|girl|lady|mrs|ms|miss|daughter|wife|mother|pregnant"
    r"|gravida)\b|\b\d{1,3}\s?F\b|\bF\s?\d{1,3}\b",
    re.IGNORECASE,
)


def age_band(text: str) -> str:
    """The age band of the first age that a note states.

    >>> age_band("61-year-old teacher"), age_band("33F, pain"), age_band("two years of pain")
    ('40 to 64', '18 to 39', 'not stated')
    """
    found, young = _YEARS.search(text), _YOUNG.search(text)
    if young and (found is None or young.start() < found.start()):
        return AGE_BANDS[0][1]
    if found is None:
        return UNKNOWN
    age = int(next(group for group in found.groups() if group is not None))
    return next((name for below, name in AGE_BANDS if age < below), UNKNOWN)


def sex(text: str) -> str:
    """The sex that more of a note's words speak of.

    >>> sex("He denies pain."), sex("72F"), sex("Knee pain.")
    ('male', 'female', 'not stated')
    """
    male, female = len(_MALE.findall(text)), len(_FEMALE.findall(text))
    if male == female:
        return UNKNOWN
    return "male" if male > female else "female"


def length(text: str) -> str:
    """The band of a note's number of words."""
    words = len(text.split())
    return next(name for below, name in LENGTHS if words < below)


KINDS: dict[str, Callable[[Record], str]] = {
    "age": lambda record: age_band(record.text),
    "sex": lambda record: sex(record.text),
    "length": lambda record: length(record.text),
    "specialty": lambda record: record.specialty or UNKNOWN,
}


def by_subgroup(records: Sequence[Record], labels: Ints, scores: Scores) -> dict[str, Any]:
    """Figures of each subgroup with their intervals, as plain data.

    A kind in which all records are alike is left out, and a group of fewer than 20 records.

    Returns:
        Kind to group to `records`, `surgery_share` and the metrics.
    """
    found: dict[str, Any] = {}
    for kind, name_of in KINDS.items():
        names = np.array([name_of(record) for record in records])
        groups = {name: np.flatnonzero(names == name) for name in _ordered(kind, names.tolist())}
        if len(groups) < 2:
            continue
        found[kind] = {
            name: _figures(records, labels, scores, rows)
            for name, rows in groups.items()
            if len(rows) >= MIN_RECORDS
        }
    return {kind: groups for kind, groups in found.items() if groups}


def _ordered(kind: str, names: Sequence[str]) -> list[str]:
    bands: Mapping[str, Sequence[tuple[int, str]]] = {"age": AGE_BANDS, "length": LENGTHS}
    order = {name: place for place, (_, name) in enumerate(bands.get(kind, ()))}
    return sorted(set(names), key=lambda name: (name == UNKNOWN, order.get(name, 0), name))


def _figures(records: Sequence[Record], labels: Ints, scores: Scores, rows: Ints) -> dict[str, Any]:
    part = scores.take(rows)
    figures = measure(
        labels[rows],
        part.probabilities,
        [records[row].group for row in rows],
        decided=part.decided,
        names=METRICS,
    )
    share = round(float(labels[rows].mean()), 4)
    return {"records": len(rows), "surgery_share": share, **to_json(figures)}
