"""Phrases: gaps, stems, endings, clause limits, the longest one."""

import re

import numpy as np
import pytest

from mlops.container.clauses import Clauses
from mlops.container.lexicon import Lexicon, Matcher
from mlops.container.reading import Reader
from mlops.container.text import split
from mlops.container.vocabulary import Vocabulary, plain


def matched(phrases: str | dict[str, str], text: str) -> list[tuple[str, str]]:
    """The categories found in a text, with the words that each match covers."""
    given = {"found": phrases} if isinstance(phrases, str) else phrases
    lexicon = Lexicon.from_json({"cue": {n: {"phrases": p} for n, p in given.items()}})
    words = split(text).words
    vocabulary = Vocabulary([*map(plain, words), *lexicon.words()])
    reading = Reader(vocabulary, lexicon).read(text)
    return [
        (lexicon.categories[category].name, " ".join(words[first : last + 1]))
        for category, first, last in reading.matches[0]
    ]


@pytest.mark.parametrize(
    ("phrases", "text", "found"),
    [
        ("foot drop", "a left foot drop today", ["foot drop"]),
        ("foot drop", "foot and drop", []),
        # A gap takes up to three words.
        ("wants ~ removed", "wants it removed", ["wants it removed"]),
        ("wants ~ removed", "wants removed", ["wants removed"]),
        ("wants ~ removed", "wants the big lump removed", ["wants the big lump removed"]),
        ("wants ~ removed", "wants the very big lump removed", []),
        # No phrase runs on into the next clause.
        ("foot drop", "foot. Drop", []),
        ("wants ~ removed", "wants it. Removed", []),
        ("foot drop", "foot, drop", ["foot drop"]),
        # Stems and endings.
        ("perforat*", "perforated, perforation, perforce", ["perforated", "perforation"]),
        ("not reduc*", "does not reducing", ["not reducing"]),
        ("*ectomy", "a lobectomy and ectomyx", ["lobectomy"]),
        # Numbers, and numbers whose value counts.
        ("# episodes", "7 episodes, seven episodes, 12 episodes", ["7 episodes", "12 episodes"]),
        ("grade 4", "grade 4, grade 3", ["grade 4"]),
        ("size_tiny", "a 4mm nodule, a 4 cm nodule", ["4mm"]),
        ("acuity_poor", "sees 6/60", ["60"]),
        # The longest of a category at a place, and none inside another.
        ("severe, severe pain, severe pain at night", "severe pain at night",
         ["severe pain at night"]),
        ("rest pain, pain", "rest pain", ["rest pain"]),
        ("pain", "pain and pain", ["pain", "pain"]),
        ("can't, cannot walk", "can't run, cannot walk", ["cant", "cannot walk"]),
    ],
)  # fmt: skip
def test_a_phrase_is_found(phrases: str, text: str, found: list[str]) -> None:
    assert [words for _, words in matched(phrases, text)] == found


def test_categories_do_not_hide_each_other() -> None:
    found = matched({"worse": "severe pain", "hurts": "pain"}, "severe pain")
    assert sorted(found) == [("hurts", "pain"), ("worse", "severe pain")]


def test_a_phrase_with_a_word_that_is_not_known_matches_nothing() -> None:
    lexicon = Lexicon.from_json({"cue": {"found": {"phrases": "foot drop, hand"}}})
    vocabulary = Vocabulary(["foot", "hand"])
    assert Matcher(lexicon, vocabulary).starting() == vocabulary.numbers(["hand"])


def test_an_artifact_keeps_the_whole_lexicon() -> None:
    lexicon = Lexicon.from_files()
    again = Lexicon.from_json(lexicon.to_json())
    assert again.to_json() == lexicon.to_json()
    kept = [(c.name, c.kind, c.phrases, c.toward, c.means, c.before, c.reach)
            for c in lexicon.categories]  # fmt: skip
    assert kept == [(c.name, c.kind, c.phrases, c.toward, c.means, c.before, c.reach)
                    for c in again.categories]  # fmt: skip
    assert len({c.name for c in lexicon.categories}) == len(lexicon.categories)


def test_every_phrase_finds_itself() -> None:
    lexicon = Lexicon.from_files()
    for number, category in enumerate(lexicon.categories):
        alone = Lexicon([category])
        for phrase in category.phrases:
            if re.search(r"[*~?]|size_|acuity_", phrase):
                continue
            words = split(phrase.replace("#", "17")).words
            vocabulary = Vocabulary(map(plain, words))
            numbers = np.array(vocabulary.numbers(words))
            clauses = Clauses(np.zeros(len(words), np.int64))
            found = Matcher(alone, vocabulary).find(numbers, clauses)
            assert found[:1] == [(0, 0, len(words) - 1)], (number, phrase)


# Of how people write, not of medicine: these need no source.
OF_LANGUAGE = {
    "improving",
    "asks_advice",
    "medical_care",
    "unsuited",
    "past_surgery",
    "family_or_other_person",
    "wants_surgery",
    "procedure_name",
}


def test_a_rule_of_medicine_has_its_source() -> None:
    cues = [c for c in Lexicon.from_files().categories if c.kind == "cue"]
    assert {c.name for c in cues} >= OF_LANGUAGE
    ruled = [c for c in cues if c.name not in OF_LANGUAGE]
    # A body or authors, and a year.
    unsourced = [c.name for c in ruled if not re.search(r"[A-Z].*\b(19|20)\d\d\b", c.source)]
    assert unsourced == []
    assert all(c.toward for c in ruled)
