"""Records made of others: crops of long texts, and copies with background mixed in."""

import re
import tomllib
from collections import Counter

from mlops.container.augmentation import (
    COPIES,
    FILE,
    MOST,
    read_background,
    with_background,
    with_crops,
)
from mlops.container.table import BACKGROUND, CROP, DECISION, FILED, Row
from mlops.container.wordlists import WORDS

REFERRAL = "Irreducible hernia since last night. Vomiting twice. Abdomen distended."


def test_crops_are_of_decision_time_texts_and_their_cluster() -> None:
    long = " ".join(f"Sentence number {n} of it." for n in range(12))
    rows = [Row(long, 1, "a", DECISION, 1.0), Row(long, 0, "b", FILED, 1.0),
            Row("One. Two.", 0, "c", DECISION, 1.0)]  # fmt: skip
    made = with_crops(rows, seed=0)
    assert made[:3] == rows
    crops = made[3:]
    assert len(crops) == 2
    assert {(crop.group, crop.label, crop.source) for crop in crops} == {("a", 1, CROP)}
    for crop in crops:
        assert crop.text in long
        assert 2 <= crop.text.count(".") <= 6
    assert with_crops(rows, seed=0) == made
    assert with_crops(rows, seed=1) != made


def test_copies_keep_the_text_the_label_and_the_cluster() -> None:
    rows = [Row(REFERRAL, 1, "a", "corpus", 1.0), Row(REFERRAL, 1, "b", DECISION, 1.0)]
    made = with_background(rows, seed=0)
    assert made[:2] == rows
    copies = made[2:]
    # Of the referral only.
    assert len(copies) == COPIES
    for copy in copies:
        assert (copy.label, copy.group, copy.source) == (1, "a", BACKGROUND)
        # Every sentence of it, in its order.
        places = [copy.text.index(sentence) for sentence in REFERRAL.split(". ")]
        assert places == sorted(places)
        assert copy.text != REFERRAL
    assert len({copy.text for copy in copies}) == COPIES


def test_copies_depend_on_the_text_and_the_seed_alone() -> None:
    row, other = Row(REFERRAL, 1, "a", "corpus", 1.0), Row("Mild ache.", 0, "b", "corpus", 1.0)
    alone = with_background([row], 0)[1:]
    assert with_background([other, row], 0)[-COPIES:] == alone
    assert with_background([row], 1)[1:] != alone


def test_background_does_not_know_the_label() -> None:
    texts = [f"Complaint number {number}." for number in range(60)]
    by_label = [
        [copy.text for copy in with_background([Row(t, label, t, "corpus", 1.0) for t in texts], 0)]
        for label in (0, 1)
    ]
    assert by_label[0] == by_label[1]


def test_a_text_in_small_letters_stays_so() -> None:
    small = REFERRAL.lower()
    for copy in with_background([Row(small, 1, "a", "corpus", 1.0)], 0)[1:]:
        assert copy.text == copy.text.lower()
        assert len(copy.text.split(". ")) <= MOST + 4


def test_every_slot_has_its_list_and_every_list_its_slot() -> None:
    kinds, lists = read_background()
    slots = Counter(
        slot for lines in kinds for line in lines for slot in re.findall(r"{(\w+)}", line)
    )
    assert set(slots) == set(lists)
    for name, words in tomllib.loads(FILE.read_text(encoding="utf-8"))["lists"].items():
        values = " ".join(words.split()).split(", ")
        assert len(values) == len(set(values)), name
        assert all(values), name
        assert lists[name][: len(values)] == values
    assert WORDS["drugs"] | WORDS["long_term"] <= set(lists["drug"])
    lines = [line for kind in kinds for line in kind]
    assert [line for line, count in Counter(lines).items() if count > 1] == []
    assert all(line == line.strip() and not line.endswith(".") for line in lines)
