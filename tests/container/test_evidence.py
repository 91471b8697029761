"""Evidence: spans of the note whose weights add up to what is shown."""

from itertools import pairwise
from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops.container.answer import answer, spans
from mlops.container.evidence import MAX_EVIDENCE, phrases
from mlops.container.model import Model
from mlops.container.reading import Reader
from mlops.container.table import Row
from mlops.container.text import split

REPEATED = "Denies fever; worsening, irreducible hernia, mild pain. " * 30


def check(text: str, said: dict) -> None:
    """Everything that must hold of evidence."""
    shown = said["evidence"]
    assert len(shown) <= MAX_EVIDENCE
    for item in shown:
        assert text[item["start"] : item["end"]] == item["text"]
        assert item["text"].strip()
        assert item["weight"]
    strengths = [abs(item["weight"]) for item in shown]
    assert strengths == sorted(strengths, reverse=True)
    spans = sorted((item["start"], item["end"]) for item in shown)
    assert all(a[1] <= b[0] for a, b in pairwise(spans))
    if said["probability"] is None:
        assert shown == []
        assert said["remainder"] is None
        return
    odds = log(said["probability"] / (1 - said["probability"]))
    told = sum(item["weight"] for item in shown)
    assert abs(told + said["remainder"] - odds) < 1e-3


def test_weights_and_remainder_make_the_log_odds(model: Model, rows: list[Row]) -> None:
    both = set()
    for text in [REPEATED, *(row.text for row in rows)]:
        said = answer("0", text, model)
        check(text, said)
        both |= {item["weight"] > 0 for item in said["evidence"]}
    assert both == {True, False}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(
    ["Denies", "fever", "İrreducible", "hernia", "🦴", "#", "\ud800", "4 mm", ".", ",", "\n", "?",
     "worsening", "Dr Smith", "PLAN:", "no", "cancer", "mother", "mild", "ǅ", "\x00", "physio"]
), max_size=40))  # fmt: skip
def test_any_note_has_sound_evidence(model: Model, words: list[str]) -> None:
    text = " ".join(words)
    check(text, answer("0", text, model))


def test_without_evidence_the_answer_is_the_same(model: Model, rows: list[Row]) -> None:
    for row in rows[:20]:
        whole = answer("0", row.text, model)
        short = answer("0", row.text, model, evidence=False)
        assert short == {**whole, "evidence": [], "remainder": None}


def shown(reader: Reader, text: str, weights: dict[str, float]) -> list[dict]:
    """The phrases of a text whose words have these weights."""
    reading = reader.read(text)
    # The last weight is that of the end.
    given = np.array([*(weights.get(word, 0.0) for word in split(text).words), 0.0])
    return spans(text, phrases(reading, 0, given))


@pytest.mark.parametrize(
    ("text", "assertion"),
    [
        ("He has pain. No fever today", "negated"),
        ("Pain. Denies chills or fever", "negated"),
        ("His mother had fever", "not the patient's, or only feared"),
        ("Return if fever", "not the patient's, or only feared"),
        ("He has a fever", None),
        ("History of fever", None),
    ],
)
def test_a_denied_finding_says_so(reader: Reader, text: str, assertion: str | None) -> None:
    (item,) = shown(reader, text, {"fever": -0.5})
    assert item["text"] == "fever"
    assert item["weight"] == -0.5
    assert item.get("assertion") == assertion


@pytest.mark.parametrize(
    ("text", "weights", "found"),
    [
        # Neighbours of one direction are a phrase; a word between them is bridged.
        ("severe hip pain", {"severe": 0.3, "hip": 0.1, "pain": 0.2}, ["severe hip pain"]),
        ("severe left hip", {"severe": 0.3, "hip": 0.1}, ["severe left hip"]),
        ("severe a b hip", {"severe": 0.3, "hip": 0.1}, ["severe", "hip"]),
        # Of two directions, two.
        ("severe mild", {"severe": 0.3, "mild": -0.2}, ["severe", "mild"]),
        # Never beyond a clause.
        ("severe. hip", {"severe": 0.3, "hip": 0.1}, ["severe", "hip"]),
        # The strongest first, the faint not at all.
        ("mild, x x severe", {"mild": 0.1, "severe": 0.3}, ["severe", "mild"]),
        ("severe mild", {"severe": 0.3, "mild": 0.001}, ["severe"]),
        ("severe", {"severe": 0.02}, []),
    ],
)
def test_words_become_phrases(
    reader: Reader, text: str, weights: dict[str, float], found: list[str]
) -> None:
    assert [item["text"] for item in shown(reader, text, weights)] == found
