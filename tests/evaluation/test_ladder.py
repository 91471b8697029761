"""Each rung shows the text it says it shows, the same every time."""

from statistics import median

import pytest

from mlops.data import Record, load_corpus
from mlops.evaluation.ladder import (
    MASKED,
    MATCHED,
    REFERRALS,
    RUNGS,
    SOURCES,
    crop,
    mask_headings,
    other_rungs,
)

LONG = " ".join(f"Sentence {number} has six words here." for number in range(80))


def note(text: str, source: str = "mtsamples-decision", identity: str = "a") -> Record:
    return Record(identity, text, "Surgery", identity, source)


def test_headings_go_and_the_rest_stays() -> None:
    text = "PREOPERATIVE DIAGNOSIS: , Hernia.,ANESTHESIA: , Local.,INDICATIONS: , Pain, daily."
    assert mask_headings(note(text)).split("\n") == ["Hernia.", "Local.", "Pain, daily."]
    assert mask_headings(note("No heading: none at all.")) == "No heading: none at all."


def test_crops_are_runs_of_sentences_as_long_as_referrals() -> None:
    crops = [crop(note(LONG, identity=str(number))) for number in range(300)]
    for text in crops:
        assert text in LONG
        assert text.startswith("Sentence")
        assert text.endswith("here.")
    referrals = median(len(record.text.split()) for record in load_corpus())
    assert median(len(text.split()) for text in crops) == pytest.approx(referrals, abs=7)
    # Not always from the beginning.
    assert len({text.split()[1] for text in crops}) > 40


def test_a_short_text_stays_whole() -> None:
    short = "Knee pain since spring. No locking."
    assert crop(note(short)) == short


def test_views_are_the_same_every_time_and_keep_identity() -> None:
    records = [note(LONG, identity=str(number)) for number in range(5)]
    assert MATCHED.view(records) == MATCHED.view(records[::-1])[::-1]
    assert [r.group for r in MATCHED.view(records)] == [r.group for r in records]


def test_a_rung_takes_its_source_only() -> None:
    records = [note("Text of a letter.", source) for source in (*SOURCES, "clinic")]
    for rung in RUNGS:
        assert {record.source for record in rung.view(records)} == {rung.source}
    assert REFERRALS.view([note("x", "clinic")]) == []


def test_nothing_left_is_no_record() -> None:
    assert MASKED.view([note("INDICATIONS: ", "mtsamples-filed")]) == []


def test_what_people_bring_is_a_rung_of_its_own() -> None:
    records = [note("a", "corpus"), note("b", "clinic"), note("c", "")]
    assert [rung.name for rung in other_rungs(records)] == ["labelled notes", "clinic"]
    assert other_rungs([note("a", "corpus")]) == ()
