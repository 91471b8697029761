"""A split cuts no cluster, keeps every kind in its share, and is the same everywhere."""

from collections import Counter

import pytest

from mlops.data import Record
from mlops.data.split import PARTS, split


def records(count: int = 400) -> list[Record]:
    """Pairs of the corpus, and notes in two views each."""
    made = []
    for number in range(count // 4):
        pair = f"pair-{number}"
        made.append(Record(f"{pair}s", "text", "Surgery", pair, "corpus"))
        made.append(Record(f"{pair}c", "text", "Consultation", pair, "corpus"))
        note = f"note-{number}"
        label = "Surgery" if number % 3 else "Consultation"
        made.append(Record(note, "text", label, note, "mtsamples-filed"))  # type: ignore[arg-type]
        made.append(Record(f"{note}-d", "text", label, note, "mtsamples-decision"))  # type: ignore[arg-type]
    return made


def part_of(parts: dict[str, list[Record]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for part, members in parts.items():
        for record in members:
            found.setdefault(record.group, set()).add(part)
    return found


@pytest.mark.parametrize("seed", [0, 1, 17])
def test_no_cluster_is_cut(seed: int) -> None:
    parts = split(records(), seed)
    assert all(len(names) == 1 for names in part_of(parts).values())


def test_every_record_is_in_one_part() -> None:
    parts = split(records(), 0)
    assert set(parts) == set(PARTS)
    assert sorted(r.id for members in parts.values() for r in members) == sorted(
        r.id for r in records()
    )


def test_each_kind_has_its_share() -> None:
    parts = split(records(), 0)
    kinds = {part: Counter((r.source, r.label) for r in members) for part, members in parts.items()}
    for kind, total in Counter((r.source, r.label) for r in records()).items():
        assert kinds["train"][kind] == pytest.approx(0.8 * total, abs=2)
        assert kinds["validation"][kind] == pytest.approx(0.1 * total, abs=2)
        assert kinds["test"][kind] == pytest.approx(0.1 * total, abs=2)


def test_the_seed_decides_and_nothing_else() -> None:
    assert split(records(), 3) == split(records(), 3)
    assert part_of(split(records(), 3)) != part_of(split(records(), 4))
    backwards = split(records()[::-1], 3)
    assert part_of(backwards) == part_of(split(records(), 3))


def test_other_kinds_of_record_move_nothing() -> None:
    corpus = [record for record in records() if record.source == "corpus"]
    alone = part_of(split(corpus, 0))
    among = part_of(split(records(), 0))
    assert alone == {group: among[group] for group in alone}
