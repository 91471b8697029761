"""The Kaggle file as it comes: what is taken, what is dropped, and what is wrong with a file."""

import gzip
import hashlib
import zipfile
from pathlib import Path

import pytest

from mlops.data import read_kaggle
from mlops.data.kaggle import COLUMNS, read_kaggle_notes
from mlops.errors import DataError
from tests.data.conftest import OPERATION, VISIT, WriteCsv, row

SURGERY, CONSULT = " Surgery", " Consult - History and Phy."


def test_the_two_specialties_become_labels(small: Path) -> None:
    records = read_kaggle(small)
    assert [record.label for record in records] == ["Surgery", "Consultation"]
    assert [record.id for record in records] == ["mtsamples-0", "mtsamples-1"]
    assert {record.source for record in records} == {"mtsamples-filed"}
    assert records[0].text == OPERATION


def test_what_is_dropped_is_counted(kaggle: WriteCsv) -> None:
    both = "Filed twice. Under either heading."
    notes = read_kaggle_notes(
        kaggle(
            [
                row(SURGERY, OPERATION),
                row(SURGERY, "  " + OPERATION.upper() + "\n"),  # the same but for case and blanks
                row(SURGERY, ""),
                row(CONSULT, "   "),
                row(" Radiology", "An image."),
                row(SURGERY, both),
                row(CONSULT, both),
                row(CONSULT, VISIT),
            ]
        )
    )
    assert notes.rows == 8
    assert notes.dropped == {
        "other specialties": 1,
        "empty": 2,
        "filed as both classes": 2,
        "repeated": 1,
    }
    assert [record.text for record in notes.records] == [OPERATION, VISIT]


def test_a_gzipped_file_is_the_same_but_for_its_hash(small: Path, tmp_path: Path) -> None:
    packed = tmp_path / "m.csv.gz"
    packed.write_bytes(gzip.compress(small.read_bytes()))
    assert read_kaggle(packed) == read_kaggle(small)
    assert read_kaggle_notes(packed).sha256 == hashlib.sha256(packed.read_bytes()).hexdigest()


def test_a_byte_order_mark_and_blanks_in_the_header_do_not_matter(
    small: Path, tmp_path: Path
) -> None:
    spaced = tmp_path / "spaced.csv"
    content = small.read_bytes().replace(b"medical_specialty", b" medical_specialty ", 1)
    spaced.write_bytes(b"\xef\xbb\xbf" + content)
    assert read_kaggle(spaced) == read_kaggle(small)


def test_line_breaks_inside_a_note_stay(kaggle: WriteCsv) -> None:
    text = 'First line.\nSecond, with "quotes" and a comma.'
    path = kaggle([row(SURGERY, text), row(CONSULT, VISIT)])
    assert read_kaggle(path)[0].text == text


@pytest.mark.parametrize("missing", COLUMNS)
def test_a_missing_column_is_named(kaggle: WriteCsv, missing: str) -> None:
    header = [name if name != missing else "other" for name in ("", *COLUMNS)]
    with pytest.raises(DataError, match=f"lacks the column {missing}") as raised:
        read_kaggle(kaggle([("0", SURGERY, OPERATION)], header))
    assert "Nothing was built" in str(raised.value)


def test_both_columns_missing(kaggle: WriteCsv) -> None:
    with pytest.raises(DataError, match="lacks the columns medical_specialty and transcription"):
        read_kaggle(kaggle([(1, 2)], ("a", "b")))


@pytest.mark.parametrize("specialty", [SURGERY, CONSULT])
def test_a_class_without_a_note_is_named(kaggle: WriteCsv, specialty: str) -> None:
    path = kaggle([row(specialty, OPERATION)])
    other = (CONSULT if specialty == SURGERY else SURGERY).strip()
    with pytest.raises(DataError, match=f"no usable note of the specialty {other}"):
        read_kaggle(path)


def test_a_header_alone_has_neither_class(kaggle: WriteCsv) -> None:
    with pytest.raises(DataError, match="Surgery or Consult"):
        read_kaggle(kaggle([]))


def utf16(content: bytes) -> bytes:
    return content.decode().encode("utf-16")


def latin1(content: bytes) -> bytes:
    return content.replace(b"Knee", "Knie-Ödem".encode("latin-1"))


def damaged_gzip(content: bytes) -> bytes:
    return gzip.compress(content)[:-20]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda _: b"", "is empty"),
        (lambda _: b" \n\n", "is empty"),
        (lambda _: gzip.compress(b""), "is empty"),
        (utf16, "not in UTF-8"),
        (latin1, "not in UTF-8"),
        (damaged_gzip, "damaged gzip"),
        (lambda content: b"\x00\x01" + content, "binary data"),
        (lambda _: b"just a sentence without commas\nand one more", "not a CSV"),
        (lambda content: content + b'1,2,3,"never closed', "not a CSV"),
    ],
)
def test_a_wrong_file_has_its_sentence(small: Path, spoil: object, words: str) -> None:
    assert callable(spoil)
    small.write_bytes(spoil(small.read_bytes()))
    with pytest.raises(DataError, match=words) as raised:
        read_kaggle(small)
    sentence = str(raised.value)
    assert "Nothing was built" in sentence
    # No word of a note in what may go to a log.
    assert "biliary" not in sentence
    assert "Aches on stairs" not in sentence


def test_a_zip_is_told_from_a_gzip(small: Path, tmp_path: Path) -> None:
    path = tmp_path / "archive.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(small, "mtsamples.csv")
    with pytest.raises(DataError, match=r"unpack a \.zip first"):
        read_kaggle(path)


def test_no_file_and_no_rights(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There is no file"):
        read_kaggle(tmp_path / "nowhere.csv")
    with pytest.raises(DataError, match="can't be read"):
        read_kaggle(tmp_path)
