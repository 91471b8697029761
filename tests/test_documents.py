"""From files to text: what is read, and the sentence for everything that can't be."""

import contextlib
import io

import docx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops.documents import MAX_FILE_BYTES, MAX_NOTE_CHARACTERS, check_note, read_document
from mlops.errors import NoteError
from tests import documents
from tests.documents import NOTE

CANARY = "Zyxwvut-Canary-4711"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("note.txt", NOTE.encode()),
        ("note.txt", b"\xef\xbb\xbf" + NOTE.encode()),
        ("note.txt", NOTE.encode("utf-16")),
        ("note", NOTE.encode()),
        ("note.pdf", documents.pdf(NOTE)),
        ("renamed.txt", documents.pdf(NOTE)),
        ("note.pdf", documents.encrypted_pdf(NOTE, password="")),
        ("note.pdf", documents.encrypted_pdf(NOTE, password="", algorithm="RC4-128")),
        ("note.docx", documents.word(NOTE)),
        ("note.docx", documents.word("Referral", table=[["Complaint", NOTE]])),
    ],
)
def test_reads(name: str, data: bytes) -> None:
    read = " ".join(read_document(name, data).text.split())
    assert NOTE in read


def test_every_page_is_read_in_order() -> None:
    text = read_document("note.pdf", documents.pdf("First page.", "", "Third page.")).text
    assert text.index("First page.") < text.index("Third page.")


def test_a_merged_cell_is_read_once() -> None:
    document = docx.Document()
    table = document.add_table(1, 3)
    table.cell(0, 0).merge(table.cell(0, 2)).text = NOTE
    buffer = io.BytesIO()
    document.save(buffer)
    assert read_document("note.docx", buffer.getvalue()).text.count("umbilical hernia") == 1


def test_windows_1252_is_read_with_a_warning() -> None:
    document = read_document(
        "note.txt", "Temp 38.6°, patient’s pain 7/10, naïve to opioids".encode("cp1252")
    )
    assert "38.6°" in document.text
    assert "Windows-1252" in document.warnings[0]


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("note.txt", b"", "empty"),
        ("note.txt", b" \n\t ", "empty"),
        ("note.txt", b"... --- ...", "empty"),
        ("note.pdf", documents.pdf("", ""), "no text in it"),
        ("note.docx", documents.word(""), "no text in it"),
        ("note.txt", documents.junk(), "not"),
        ("note.txt", b"\x00\x01\x02 binary", "not text"),
        ("note.txt", b"caf\xe9\xe8\xff\xfe\xfa\x81\x8d" * 9, "not valid UTF-8"),
        ("note.pdf", documents.encrypted_pdf(CANARY, password="secret"), "password"),
        ("note.pdf", b"%PDF-1.7\nthis is not one", "damaged"),
        ("note.pdf", documents.pdf(CANARY)[:-400], "damaged"),
        ("note.pdf", CANARY.encode(), "not a PDF"),
        ("note.docx", CANARY.encode(), "not a Word document"),
        ("note.docx", b"PK\x03\x04" + documents.junk(), "not a Word document"),
        ("note.docx", documents.zip_bomb(101), "not a Word document"),
        ("note.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 64, "old Office file"),
        ("note.rtf", b"{\\rtf1 " + CANARY.encode() + b"}", ".rtf"),
        ("note.txt", b"<!DOCTYPE html><html>" + CANARY.encode(), "web page"),
        ("scan.png", b"\x89PNG\r\n\x1a\n" + documents.junk(64), "picture"),
        ("long.txt", (CANARY + " word").encode() * 250_000, "characters"),
        ("huge.pdf", b"%PDF-" + b"0" * MAX_FILE_BYTES, "MB"),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else value,
)
def test_refuses_with_a_sentence(name: str, data: bytes, words: str) -> None:
    with pytest.raises(NoteError) as caught:
        read_document(name, data)
    sentence = str(caught.value)
    assert words in sentence
    assert "Nothing was classified" in sentence
    assert CANARY not in sentence
    # No cause may travel along: a parser's own error quotes what it read.
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_truncated_pdf_is_read_or_refused() -> None:
    whole = documents.pdf(NOTE)
    for cut in range(0, len(whole), max(1, len(whole) // 40)):
        try:
            read_document("note.pdf", whole[:cut])
        except NoteError:
            continue


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=400), st.sampled_from(["", "%PDF-1.4\n", "PK\x03\x04", "\ufeff", "{\\rtf"])
)
def test_any_bytes_are_read_or_refused(data: bytes, prefix: str) -> None:
    with contextlib.suppress(NoteError):
        read_document("note.txt", prefix.encode() + data)


def test_check_note_limits() -> None:
    assert check_note("a" * MAX_NOTE_CHARACTERS)
    with pytest.raises(NoteError, match="200,000"):
        check_note("a" * (MAX_NOTE_CHARACTERS + 1))
    with pytest.raises(NoteError, match="empty"):
        check_note(" \u200b\n")
