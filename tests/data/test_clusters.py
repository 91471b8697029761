"""Near-duplicates are found and nothing else is."""

import re
from random import Random

import pytest

from mlops.data.clusters import cluster
from tests.data.conftest import OPERATION, VISIT

WORDS = re.findall(
    r"\w+",
    """gallbladder knee pain stone fever months stairs night swelling hernia biopsy mild left right
    severe daily walking sleep cough tender exam normal history family diet work lifting child""",
)


def note(seed: int, words: int = 120) -> str:
    """A text like no other: words drawn by a seed."""
    random = Random(seed)
    return " ".join(random.choice(WORDS) for _ in range(words))


def together(texts: list[str]) -> bool:
    return len(set(cluster(texts, [str(number) for number in range(len(texts))]))) == 1


def test_different_notes_stay_apart() -> None:
    texts = [note(seed) for seed in range(60)]
    keys = [f"n{number}" for number in range(60)]
    assert cluster(texts, keys) == keys


@pytest.mark.parametrize(
    "twin",
    [
        note(1).upper(),
        note(1).replace(" ", "\n"),
        ", ".join(note(1).split()),
        note(1) + " and one more sentence was added at the end of it.",
        "A sentence that stands before all of it. " + note(1),
        note(1).replace("stone", "calculus", 2),
    ],
    ids=["case", "line breaks", "punctuation", "longer", "preceded", "two words"],
)
def test_a_twin_is_found(twin: str) -> None:
    assert together([note(1), twin])
    assert not together([note(2), twin])


def test_a_short_text_inside_a_long_one_is_its_twin() -> None:
    words = note(3, 400).split()
    assert together([" ".join(words), " ".join(words[150:200])])
    assert not together([" ".join(words), note(4, 50)])


def test_half_of_a_note_rewritten_is_another_note() -> None:
    words = note(5).split()
    assert not together([" ".join(words), " ".join([*words[:50], *note(6, 70).split()])])


def test_clusters_are_transitive_and_named_by_the_smallest_key() -> None:
    words = note(7, 300).split()
    texts = [" ".join(words[start : start + 150]) for start in (0, 40, 80)]
    # The first and the third share less than half: the second holds them together.
    assert not together([texts[0], texts[2]])
    assert cluster(texts, ["c", "b", "a"]) == ["a", "a", "a"]


def test_what_has_one_key_stays_together_whatever_it_says() -> None:
    assert cluster([OPERATION, VISIT, note(8)], ["pair", "pair", "z"]) == ["pair", "pair", "z"]


def test_keys_and_texts_join_to_one_cluster() -> None:
    texts = [note(9), note(10), note(9) + " again"]
    assert cluster(texts, ["pair", "pair", "other"]) == ["other", "other", "other"]


def test_the_same_texts_give_the_same_clusters_in_any_order() -> None:
    texts = [note(seed // 2) + (" with more" if seed % 2 else "") for seed in range(30)]
    keys = [f"k{seed:02}" for seed in range(30)]
    first = dict(zip(keys, cluster(texts, keys), strict=True))
    order = list(range(30))
    Random(0).shuffle(order)
    again = cluster([texts[i] for i in order], [keys[i] for i in order])
    assert dict(zip([keys[i] for i in order], again, strict=True)) == first
    assert len(set(first.values())) == 15


@pytest.mark.parametrize("text", ["", "knee", "...", "one two three four five"])
def test_texts_too_short_for_a_shingle(text: str) -> None:
    assert together([text, text.upper()])
    assert not together([text, note(11)])
