"""The decision-time view: what stood before anyone decided, and nothing after it."""

import pytest

from mlops.data.sections import MIN_WORDS, decision_time, sections
from tests.data.conftest import OPERATION, VISIT


def test_of_an_operation_note_the_indication_is_left() -> None:
    view = decision_time(OPERATION, "Surgery")
    assert "Three attacks of biliary colic" in view
    assert "Symptomatic gallstones" in view
    for told in ("consent", "prepped", "removed", "PROCEDURE", "INDICATIONS"):
        assert told not in view


def test_of_a_visit_the_complaint_is_left_and_not_the_plan() -> None:
    view = decision_time(VISIT, "Consultation")
    assert "Aches on stairs" in view
    assert "Knee pain" in view
    assert "Physiotherapy" not in view


@pytest.mark.parametrize(
    ("heading", "label", "kept"),
    [
        ("INDICATIONS", "Surgery", True),
        ("INDICATION FOR SURGERY", "Surgery", True),
        ("BRIEF HISTORY", "Surgery", True),
        ("HISTORY AND PHYSICAL", "Surgery", False),
        ("PREOPERATIVE DIAGNOSIS", "Surgery", True),
        ("PRE-OPERATIVE DIAGNOSES", "Surgery", True),
        ("POSTOPERATIVE DIAGNOSIS", "Surgery", False),
        ("FINDINGS", "Surgery", False),
        ("REASON FOR CONSULTATION", "Consultation", True),
        ("HISTORY OF PRESENT ILLNESS", "Consultation", True),
        ("HISTORY OF THE PRESENT ILLNESS", "Consultation", True),
        ("PAST MEDICAL HISTORY", "Consultation", False),
        ("IMPRESSION", "Consultation", True),
        ("IMPRESSION AND PLAN", "Consultation", False),
        ("ASSESSMENT/PLAN", "Consultation", False),
        ("RECOMMENDATIONS", "Consultation", False),
    ],
)
def test_which_sections_are_before_the_decision(heading: str, label: str, kept: bool) -> None:
    body = "He limps on the left after long walks"
    text = f"{heading}: , {body}.,ALLERGIES: , None."
    assert decision_time(text, label) == (f"{body}." if kept else "")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "given_away",
    [
        "Informed consent was obtained.",
        "She was taken to the operating room.",
        "General anesthesia was planned.",
        "Risks, benefits were explained to him.",
        "The leg was then prepped.",
        "Postoperatively he did well.",
    ],
)
def test_sentences_of_the_operating_room_go(given_away: str) -> None:
    text = f"INDICATIONS: , A tender mass in the groin since March. {given_away} It is hard."
    assert decision_time(text, "Surgery") == "A tender mass in the groin since March. It is hard."


def test_numbers_of_lists_are_the_files_and_go() -> None:
    text = "PREOPERATIVE DIAGNOSES: ,1.  Left hip arthritis.,2.  Chronic pain of the hip."
    assert decision_time(text, "Surgery") == "Left hip arthritis. Chronic pain of the hip."


def test_too_little_is_nothing() -> None:
    few = " ".join(["word"] * (MIN_WORDS - 1))
    assert decision_time(f"INDICATIONS: , {few}.", "Surgery") == ""
    assert decision_time("", "Surgery") == ""
    assert decision_time("no headings at all, just a line of text", "Consultation") == ""


def test_sections_lose_nothing_but_headings() -> None:
    found = sections(VISIT)
    assert [name for name, _ in found] == [
        "",
        "CHIEF COMPLAINT",
        "HISTORY OF PRESENT ILLNESS",
        "PLAN",
    ]
    assert dict(found)["CHIEF COMPLAINT"] == "Knee pain."
    joined = " ".join(f"{name}: , {body}" for name, body in found if name)
    assert "".join(joined.split()) == "".join(VISIT.replace(".,", ". ").split())
