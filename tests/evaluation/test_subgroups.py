"""Age band and sex as a note states them."""

import numpy as np
import pytest

from mlops.data import Record
from mlops.evaluation.scoring import Scores
from mlops.evaluation.subgroups import MIN_RECORDS, age_band, by_subgroup, length, sex


@pytest.mark.parametrize(
    ("text", "band"),
    [
        ("A 61-year-old teacher with hip pain.", "40 to 64"),
        ("This is a 17 year old boy.", "under 18"),
        ("pt 72 yo f", "65 and over"),
        ("33F RUQ pain", "18 to 39"),
        ("M 80, fell", "65 and over"),
        ("aged 45, smoker", "40 to 64"),
        ("58 y/o gentleman", "40 to 64"),
        ("6 wk old boy with vomiting", "under 18"),
        ("8-month-old with a hernia, mother 34 years old", "under 18"),
        ("Newborn, sacral dimple.", "under 18"),
        ("Pain for 20 years. She is 52 years old.", "40 to 64"),
        ("Smoked for 40 years", "not stated"),
        ("Two operations 30 years ago", "not stated"),
        ("History of 25 years of diabetes", "not stated"),
        ("BP 140/80, Hb 91, no fever", "not stated"),
        ("", "not stated"),
    ],
)
def test_age_band(text: str, band: str) -> None:
    assert age_band(text) == band


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("He has pain. His wife drove him.", "male"),
        ("This lady asks whether she needs it.", "female"),
        ("44M", "male"),
        ("F 51, lump", "female"),
        ("Mrs Hall, 70", "female"),
        ("pregnant, 12 weeks", "female"),
        ("Right knee, bone on bone.", "not stated"),
        ("The heel hurts there.", "not stated"),
        ("Seen with her husband.", "not stated"),
    ],
)
def test_sex(text: str, expected: str) -> None:
    assert sex(text) == expected


def test_length() -> None:
    assert length("word " * 39) == "under 40 words"
    assert length("word " * 40) == "40 to 79"
    assert length("word " * 5000) == "200 and over"


def records(count: int = 80) -> list[Record]:
    return [
        Record(
            str(number),
            "72F hip pain" if number < count - 5 else "9 year old boy",
            "Surgery" if number % 2 else "Consultation",
            str(number),
            "corpus",
            specialty="ENT" if number % 3 else "Urology",
        )
        for number in range(count)
    ]


def test_small_groups_and_kinds_without_a_difference_are_left_out() -> None:
    notes = records()
    labels = np.array([int(r.label == "Surgery") for r in notes])
    scores = Scores(np.where(labels == 1, 0.9, 0.2), np.ones(len(notes), dtype=bool))
    found = by_subgroup(notes, labels, scores)
    assert set(found) == {"age", "sex", "specialty"}  # all are of one length
    assert set(found["age"]) == {"65 and over"}  # five boys are fewer than the least
    assert MIN_RECORDS > 5
    assert {name: group["records"] for name, group in found["specialty"].items()} == {
        "ENT": 53,
        "Urology": 27,
    }
    assert found["sex"]["female"]["auc"]["value"] == 1
    assert found["sex"]["female"]["error_decided"]["value"] == 0


def test_a_group_of_one_label_has_accuracy_and_no_auc() -> None:
    notes = [r for r in records(120) if r.specialty == "ENT" or r.label == "Surgery"]
    labels = np.array([int(r.label == "Surgery") for r in notes])
    found = by_subgroup(notes, labels, Scores(np.full(len(notes), 0.8)))
    urology = found["specialty"]["Urology"]
    assert urology["auc"]["value"] is None
    assert urology["accuracy"]["value"] == 1
