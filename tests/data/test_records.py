"""Records as JSON Lines: what is written is read, and a wrong line is named but never quoted."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops.data import Record, read_records, write_records
from mlops.errors import DataError

SECRET = "Zebulon Quartermaine"


def test_what_is_written_is_read(tmp_path: Path) -> None:
    records = [
        Record("a", 'Two lines\nand "quotes" — ñ 膝', "Surgery", "g", "corpus", 2.5, "ENT"),
        Record("b", "\u2028 and \x85 are no line ends", "Consultation", "b", ""),
    ]
    write_records(tmp_path / "r.jsonl", records)
    assert read_records(tmp_path / "r.jsonl") == records
    # A format that other tools read: one line each, whatever the text holds.
    assert (tmp_path / "r.jsonl").read_bytes().count(b"\n") == 2


@given(text=st.text())
def test_any_text_comes_back(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "any-text.jsonl"
    record = Record("a", text, "Surgery", "a", "corpus")
    write_records(path, [record])
    assert read_records(path) == [record]


def test_what_people_bring_needs_three_fields(tmp_path: Path) -> None:
    path = tmp_path / "letters.jsonl"
    path.write_text('\n{"id": 7, "text": "Knee pain.", "label": "Consultation"}\n\n')
    assert read_records(path) == [Record("7", "Knee pain.", "Consultation", "7", "")]


@pytest.mark.parametrize(
    "line",
    [
        f'{{"id": "a", "text": "{SECRET}", "label": "Maybe"}}',
        f'{{"id": "a", "label": "Surgery", "note": "{SECRET}"}}',
        f'{{"id": "a", "text": ["{SECRET}"], "label": "Surgery"}}',
        f'{{"text": "{SECRET}", "label": "Surgery"}}',
        f'{{"id": "a", "text": "{SECRET}", "label": "Surgery", "weight": "heavy"}}',
        f'["{SECRET}"]',
        f'{{"text": "{SECRET}',
    ],
)
def test_a_wrong_line_is_named_and_not_quoted(tmp_path: Path, line: str) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text('{"id": "1", "text": "x", "label": "Surgery"}\n' + line + "\n")
    with pytest.raises(DataError, match=r"Line 2 of .*r\.jsonl is not a record") as raised:
        read_records(path)
    assert SECRET not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


def test_nothing_to_read(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("\n\n")
    with pytest.raises(DataError, match="holds no records"):
        read_records(tmp_path / "empty.jsonl")
    with pytest.raises(DataError, match="can't be read"):
        read_records(tmp_path / "nowhere.jsonl")


def test_text_stays_out_of_repr() -> None:
    assert SECRET not in repr(Record("a", SECRET, "Surgery", "a", "corpus"))
