"""Words and where they stand, for any string."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops.container.text import CLAUSE, COMMA, FRACTURE, JOINED, POINT, gap_kind, split

# What splitting changes on purpose, one character for another.
SUBSTITUTED = str.maketrans({"#": FRACTURE, "’": "'", "_": " "})
ANYTHING = st.text(st.characters(), max_size=60) | st.text(
    st.sampled_from("aB1_#İßǅΣ'’nt.;,:\n\r\t \x00\x1c\u2028\ud800🦴é\u0301-/"), max_size=60
)


def lowered(text: str) -> str:
    """Lower case where it is one character, as `split` has it."""
    one_for_one = "".join(low if len(low := c.lower()) == 1 else c for c in text)
    return one_for_one.translate(SUBSTITUTED).replace("n't", "nt ")


@given(ANYTHING)
def test_every_word_is_where_it_is_said_to_be(text: str) -> None:
    words = split(text)
    starts, ends = words.bounds()
    same = lowered(text)
    # A final sigma depends on what follows it, so lower case by letter may differ there.
    shown = [same[start:end].replace("ς", "σ") for start, end in zip(starts, ends, strict=True)]
    assert shown == [word.replace("ς", "σ") for word in words.words]
    assert all(0 <= start < end <= len(text) for start, end in zip(starts, ends, strict=True))
    assert starts == sorted(starts)


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
    for word, start, end in zip(words.words, *words.bounds(), strict=True):
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


@pytest.mark.parametrize(
    ("gap", "kind"),
    [(" ", JOINED), ("/", JOINED), (", ", COMMA), (".", POINT), (". ", CLAUSE), ("\n", CLAUSE),
     (";,", CLAUSE), ("\r\n", CLAUSE), ("..", CLAUSE), ("\x00", JOINED)],
)  # fmt: skip
def test_what_stands_between_words(gap: str, kind: int) -> None:
    assert gap_kind(gap) == kind
