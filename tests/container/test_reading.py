"""What a reader makes of numbers, dates, names, headings and line breaks."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mlops.container.lexicon import Lexicon
from mlops.container.reading import Reader, Reading
from mlops.container.text import split
from mlops.container.vocabulary import UNITS_MM, Vocabulary
from mlops.container.wordlists import WORDS
from tests.container.test_text import bounds

LEXICON = Lexicon.from_files()
LINES = """
Stage 4 grade 2 nodule gallstone 3 mm birads 5 power visual acuity hernia groin walked pain
denies fever no vomiting history presenting complaint plan smith letter
"""
READER = Reader(
    Vocabulary(
        [*split(LINES).words, *LEXICON.words(), *UNITS_MM, *frozenset().union(*WORDS.values())]
    ),
    LEXICON,
)


def named(text: str) -> list[str]:
    """Each word as the model knows it."""
    numbers = READER.read(text).numbers.tolist()
    # The last one stands for the end.
    return [READER.vocabulary.names[number] for number in numbers[:-1]]


def set_aside(text: str) -> list[str]:
    """The words that say nothing of the patient's need."""
    reading = READER.read(text)
    words = split(text).words
    return [words[place] for place in sorted(reading.aside)]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("hernia 37 years", ["hernia", "#", "years"]),
        ("pain for 3 weeks", ["pain", "for", "#", "weeks"]),
        # The digit after a word that grades is the grade.
        ("stage 4", ["stage", "#4"]),
        ("BIRADS 5", ["birads", "#5"]),
        ("stage 12", ["stage", "#"]),
        # Lengths, in words that mean something.
        ("nodule 4 mm", ["nodule", "#tiny", "mm"]),
        ("nodule 4mm", ["nodule", "#tiny"]),
        ("nodule 8 mm", ["nodule", "#small", "mm"]),
        ("nodule 1.2 cm", ["nodule", "#", "#medium", "cm"]),
        ("nodule 3 cm", ["nodule", "#large", "cm"]),
        ("nodule 5 cm", ["nodule", "#big", "cm"]),
        ("nodule 5.6 cm", ["nodule", "#", "#huge", "cm"]),
        # The lower half of a Snellen fraction.
        ("acuity 6/60", ["acuity", "#", "#acuity_poor"]),
        ("acuity 6/9", ["acuity", "#", "#acuity_good"]),
        ("acuity 20/200", ["acuity", "#", "#acuity_poor"]),
        ("acuity 20/25", ["acuity", "#", "#acuity_good"]),
        ("pain 6/10", ["pain", "#", "#"]),
        # Dates are numbers like any other.
        ("pain on 12 March", ["pain", "on", "#", "#"]),
        ("on Tuesday the 3rd", ["on", "#", "the", "#"]),
        ("qwertyish", [""]),
    ],
)
def test_numbers_mean_what_they_say(text: str, names: list[str]) -> None:
    assert named(text) == names


@pytest.mark.parametrize("number", ["9" * 400, "0", "1e5", "٣", "²"])
def test_an_odd_number_is_read(number: str) -> None:
    assert len(READER.read(f"nodule {number} mm and {number}/{number}")) >= 3


@pytest.mark.parametrize(
    ("text", "aside"),
    [
        ("Dear Dr Smith, groin hernia", ["smith"]),
        ("Mrs A B Jones has pain", ["a"]),
        ("Mr J Doe", ["j"]),
        ("Dr, pain", []),
        ("History of presenting complaint: pain", ["history", "of", "presenting", "complaint"]),
        ("PLAN: walked", ["plan"]),
        ("Hernia pain: groin", []),
        ("groin pain", []),
    ],
)
def test_names_and_headings_are_set_aside(text: str, aside: list[str]) -> None:
    assert set_aside(text)[: len(aside)] == aside
    assert bool(set_aside(text)) == bool(aside)


def clauses(reading: Reading) -> list[int]:
    return reading.clauses.numbers[:-1].tolist()


def test_a_line_break_inside_a_sentence_ends_no_clause() -> None:
    wrapped = "He denies fever and\nvomiting. Pain"
    assert READER.read(wrapped).bits[split(wrapped).words.index("vomiting")] & 1
    listed = "He denies fever\nVomiting since"
    assert not READER.read(listed).bits[split(listed).words.index("vomiting")] & 1


def test_a_decimal_point_ends_no_clause_and_a_full_stop_does() -> None:
    assert len(set(clauses(READER.read("a nodule of 1.5 cm")))) == 1
    assert len(set(clauses(READER.read("a hernia.groin pain")))) == 2


@given(st.text(st.characters(), max_size=200))
@example("Name")
@example("Seen by Dr")
@example("Dr J R")
def test_any_string_is_read(text: str) -> None:
    reading = READER.read(text)
    count = len(split(text))
    assert len(reading) == len(reading.bits) == count + 1
    assert all(0 <= first <= last < count for _, first, last in reading.matches[0])
    assert all(0 <= place < count for place in reading.aside)


@given(st.lists(st.text(st.characters(), max_size=60) | st.sampled_from(LINES.split("\n"))))
def test_notes_read_together_are_read_alone(texts: list[str]) -> None:
    reading = READER.read("pain", *texts)
    for note, text in enumerate(["pain", *texts]):
        alone = READER.read(text)
        start, stop = reading.ranges[note]
        assert reading.numbers[start:stop].tolist() == alone.numbers.tolist()
        assert reading.bits[start:stop].tolist() == alone.bits.tolist()
        assert {p - start for p in reading.aside if start <= p < stop} == alone.aside
        assert [
            (category, first - start, last - start)
            for category, first, last in reading.matches[note]
        ] == alone.matches[0]
        words = split(text)
        for place, wanted in enumerate(bounds(words)):
            assert reading.span(note, start + place, start + place) == wanted


def test_an_unknown_word_is_told_as_it_is_split() -> None:
    text = "Zooflop’s Grommeldn't, #qqq_Zzz/xxx1 \nDr Qwertz pain"
    words = split(text).words
    unknown = READER.read(text).unknown
    assert [word for _, word in unknown] == ["zooflop", "grommeldnt", "ǂqqq", "zzz", "xxx1"]
    assert all(words[place] == word for place, word in unknown)
