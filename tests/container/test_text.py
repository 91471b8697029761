"""Words and where they stand, for any string."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops.container.text import (
    CLAUSE,
    COLON,
    COMMA,
    FRACTURE,
    QUESTION,
    Words,
    gap_bits,
    split,
    tokens_of,
)

# What splitting changes on purpose, one character for another.
SUBSTITUTED = str.maketrans({"#": FRACTURE, "’": "'", "_": " "})
ANYTHING = st.text(st.characters(), max_size=60) | st.text(
    st.sampled_from("aB1_#İßǅΣ'’nt.;,:\n\r\t \x00\x1c\u2028\ud800🦴é\u0301-/"), max_size=60
)


def bounds(words: Words) -> list[tuple[int, int]]:
    """Where each word starts and ends in the text."""
    found = []
    end = 0
    for word, gap in zip(words.words, words.gaps, strict=False):
        start = end + len(gap)
        end = start + len(word)
        found.append((start, end))
    return found


def lowered(text: str) -> str:
    """Lower case where it is one character, as `split` has it."""
    one_for_one = "".join(low if len(low := c.lower()) == 1 else c for c in text)
    return one_for_one.translate(SUBSTITUTED).replace("n't", "nt ")


@given(ANYTHING)
def test_every_word_is_where_it_is_said_to_be(text: str) -> None:
    words = split(text)
    places = bounds(words)
    same = lowered(text)
    # A final sigma depends on what follows it, so lower case by letter may differ there.
    shown = [same[start:end].replace("ς", "σ") for start, end in places]
    assert shown == [word.replace("ς", "σ") for word in words.words]
    assert all(0 <= start < end <= len(text) for start, end in places)
    assert places == sorted(places)


@given(ANYTHING)
def test_words_and_gaps_make_the_text_again(text: str) -> None:
    words = split(text)
    assert len(words.gaps) == len(words) + 1
    pieces = [words.gaps[0]]
    for word, gap in zip(words.words, words.gaps[1:], strict=True):
        pieces += [word, gap]
    assert len("".join(pieces)) == len(text)
    assert not any(c.isalnum() for gap in words.gaps for c in gap)


@given(st.text("abcXYZ 0129.,;:\n", max_size=80))
def test_a_word_is_the_text_in_lower_case(text: str) -> None:
    words = split(text)
    for word, (start, end) in zip(words.words, bounds(words), strict=True):
        assert text[start:end].lower() == word


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Didn't settle", ["didnt", "settle"]),
        ("Didn’t settle", ["didnt", "settle"]),
        ("# NOF", [FRACTURE, "nof"]),
        ("#NOF", [f"{FRACTURE}nof"]),
        ("x_ray", ["x", "ray"]),
        ("İzmir’s", ["İzmir", "s"]),
        ("", []),
        (" \n\t.;", []),
        ("\ud800 pain \x00", ["pain"]),
    ],
)
def test_what_counts_as_a_word(text: str, words: list[str]) -> None:
    assert split(text).words == words


@given(ANYTHING)
def test_the_words_of_the_tokens_are_those_of_the_text(text: str) -> None:
    tokens = tokens_of(text)
    found = [word for token in tokens for word in split(token).words]
    assert [word.replace("ς", "σ") for word in found] == [
        word.replace("ς", "σ") for word in split(text).words
    ]
    # Each takes up its characters and the space after it, unless it ends in a line break.
    assert sum(len(t) + (not t.endswith("\n")) for t in tokens) == len(text) + (
        not tokens[-1].endswith("\n")
    )


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("Pain and\nfever", True),
        ("Pain and \t\r\n \tfever", True),
        ("# and #\nfever", False),
        ("Pain and #\nfever", True),
        ("Pain and\nFever", False),
        ("Pain and\n\nfever", False),
        ("Pain and.\nfever", False),
        ("Pain and\n- fever", False),
        # Nothing is written in capitals, so that a small letter says nothing.
        ("pain and\nfever", False),
        ("\nfever Pain", False),
    ],
)
def test_a_line_break_inside_a_sentence(text: str, joined: bool) -> None:
    assert any("\n" in token for token in tokens_of(text)) != joined
    assert sum(map(len, tokens_of(text))) <= len(text)


@pytest.mark.parametrize(
    ("gap", "bits"),
    [(" ", 0), ("/", 0), (", ", COMMA), (".", CLAUSE), ("\n", CLAUSE), (";,", CLAUSE | COMMA),
     ("\r\n", CLAUSE), (" :", CLAUSE | COLON), ("?", CLAUSE | QUESTION), ("\x00", 0)],
)  # fmt: skip
def test_what_stands_between_words(gap: str, bits: int) -> None:
    assert gap_bits(gap) == bits
