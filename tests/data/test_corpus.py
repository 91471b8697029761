"""The corpus of short referrals: as large, as varied and as paired as it says it is."""

import re
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from mlops.data import load_corpus
from mlops.data.clusters import cluster
from mlops.data.pairs import STYLES
from mlops.errors import DataError

CORPUS = load_corpus()
NUMBER = re.compile(r"\d+(?:[.,/:]\d+)*")
WORD = re.compile(r"#|[a-z]+(?:'[a-z]+)?")
SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n")
# A word in fewer texts than this is what a sentence is about, not how it is built.
RARE = 0.01
FRAME_WORDS, FRAME_COMMON = 6, 3


def test_how_much_there_is() -> None:
    assert len(CORPUS) >= 800
    assert len({record.specialty for record in CORPUS}) >= 20


def test_ids_and_texts_are_used_once() -> None:
    for values in (
        [record.id for record in CORPUS],
        [" ".join(record.text.lower().split()) for record in CORPUS],
    ):
        assert [value for value, count in Counter(values).items() if count > 1] == []


def test_every_complaint_has_both_directions() -> None:
    pairs = defaultdict(list)
    for record in CORPUS:
        pairs[record.pair].append(record)
    for name, records in pairs.items():
        assert {record.label for record in records} == {"Surgery", "Consultation"}, name
        assert len({record.specialty for record in records}) == 1, name
        assert all(record.id.startswith(name) for record in records)


def test_every_text_has_its_reason_and_a_length_people_write() -> None:
    for record in CORPUS:
        assert record.reason.strip(), record.id
        assert 8 <= len(record.text.split()) <= 200, record.id


def test_styles_are_mixed_within_each_label() -> None:
    for label in ("Surgery", "Consultation"):
        styles = Counter(record.style for record in CORPUS if record.label == label)
        assert set(styles) == set(STYLES)
        assert min(styles.values()) >= 0.1 * sum(styles.values())


def test_length_and_style_do_not_give_the_label_away() -> None:
    words = {
        label: sorted(len(r.text.split()) for r in CORPUS if r.label == label)
        for label in ("Surgery", "Consultation")
    }
    medians = {label: values[len(values) // 2] for label, values in words.items()}
    assert medians["Surgery"] == pytest.approx(medians["Consultation"], rel=0.15)


def test_pairs_are_no_near_duplicates_of_other_pairs() -> None:
    groups = cluster([r.text for r in CORPUS], [r.pair for r in CORPUS])
    assert groups == [record.pair for record in CORPUS]


def frames(texts: list[str]) -> dict[tuple[str, ...], set[int]]:
    """How sentences are built: numbers are `#`, words that few texts use are `_`."""
    sentences = [
        [WORD.findall(NUMBER.sub("#", part.lower())) for part in SENTENCE.split(text)]
        for text in texts
    ]
    spread = Counter(word for parts in sentences for word in {w for p in parts for w in p})
    found: dict[tuple[str, ...], set[int]] = defaultdict(set)
    for number, parts in enumerate(sentences):
        for words in parts:
            frame = tuple(w if spread[w] >= RARE * len(texts) else "_" for w in words)
            common = [word for word in frame if word not in ("_", "#")]
            if len(frame) >= FRAME_WORDS and len(common) >= FRAME_COMMON:
                found[frame].add(number)
    return found


def test_no_sentence_frame_is_used_three_times() -> None:
    used = frames([record.text for record in CORPUS])
    often = {
        " ".join(frame): [CORPUS[number].id for number in sorted(numbers)]
        for frame, numbers in used.items()
        if len(numbers) >= 3
    }
    assert often == {}


def test_a_frame_used_three_times_would_be_found() -> None:
    filled = [
        f"This patient of {age} has had {what} for {long} months and is worried."
        for age, what, long in ((61, "gonarthrosis", 3), (38, "sciatica", 11), (7, "quinsy", 2))
    ]
    used = frames([record.text for record in CORPUS] + filled)
    assert any(len(numbers) >= 3 for numbers in used.values())


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        '{"id": "a", "pair": "a", "specialty": "s", "style": "letter", "label": "Perhaps", '
        '"text": "t", "reason": "r"}',
        '{"id": "a", "pair": "a", "specialty": "s", "style": "rhyme", "label": "Surgery", '
        '"text": "t", "reason": "r"}',
        '{"id": "a", "text": "t"}',
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "ent.jsonl").write_text("\n" + line + "\n")
    with pytest.raises(DataError, match=r"Line 2 of the corpus file ent\.jsonl"):
        load_corpus(tmp_path)


def test_a_missing_corpus_has_its_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is missing"):
        load_corpus(tmp_path)
