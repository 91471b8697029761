"""From the bytes of a file to the text of a note: plain text, PDF and Word (.docx).

What a file is called is a hint and its first bytes decide: people rename things, and a failed
download can put a web page under any name. Errors never hold the file's name or text; who calls
knows which file it was.
"""

import io
import unicodedata
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mlops.errors import NoteError

if TYPE_CHECKING:
    from docx.table import Table

MAX_FILE_BYTES = 20_000_000
MAX_NOTE_CHARACTERS = 200_000
MAX_PDF_PAGES = 300
# A .docx is a zip: a few kilobytes of it can unpack to gigabytes.
MAX_DOCX_UNPACKED_BYTES = 100_000_000

KEPT = "Nothing was classified or kept."


@dataclass(frozen=True)
class Document:
    """The text of a file, and what its reader should know about how it was read."""

    text: str = field(repr=False)
    warnings: tuple[str, ...] = ()


def read_document(filename: str, data: bytes) -> Document:
    """The text of a file.

    Args:
        filename: Its name, for the ending only.
        data: Its bytes, all of them.

    Raises:
        NoteError: with the sentence for the person who sent it.
    """
    if not data.strip():
        raise NoteError(f"The file is empty. {KEPT} Check it and send it again.")
    if len(data) > MAX_FILE_BYTES:
        raise NoteError(
            f"The file is {len(data) / 1e6:.1f} MB; at most {MAX_FILE_BYTES / 1e6:.0f} MB can be "
            f"read. {KEPT} Send the pages with the note only, or paste its text."
        )
    if b"%PDF-" in data[:1024]:
        document = _read_pdf(data)
    elif data.startswith(b"PK\x03\x04"):
        document = _read_docx(data)
    else:
        _refuse_other_formats(filename, data)
        document = _read_text(data)
    return Document(check_note(document.text), document.warnings)


def check_note(text: str) -> str:
    """The text itself, if it can be a note.

    Raises:
        NoteError: if there is nothing in it, or far more than any note has.
    """
    if not any(character.isalnum() for character in text):
        raise NoteError(f"The note is empty. {KEPT} Paste the text of the note.")
    if len(text) > MAX_NOTE_CHARACTERS:
        raise NoteError(
            f"The text has {len(text):,} characters; a note may have {MAX_NOTE_CHARACTERS:,}. "
            f"{KEPT} Send one note at a time; `triage classify --csv` reads whole tables."
        )
    return text


def _refuse_other_formats(filename: str, data: bytes) -> None:
    """Name the formats that people send and that can't be read, each with what to do."""
    name = filename.lower()
    start = data[:512].lstrip().lower()
    if name.endswith(".pdf"):
        raise NoteError(
            f"The file is called .pdf but is not a PDF. {KEPT} Export it again, or paste its text."
        )
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise NoteError(
            f"This is an old Office file (such as .doc). {KEPT} Save it as .docx or PDF and send "
            "it again."
        )
    if name.endswith((".docx", ".docm")):
        raise NoteError(
            f"The file is called .docx but is not a Word document. {KEPT} Save it again from "
            "Word, or paste its text."
        )
    if start.startswith(b"{\\rtf"):
        raise NoteError(
            f"Rich Text (.rtf) can't be read. {KEPT} Save it as .docx, PDF or plain text."
        )
    if start.startswith((b"<!doctype html", b"<html")):
        raise NoteError(
            f"The file holds a web page, not a note. {KEPT} Open the note itself and paste its "
            "text, or save it as a PDF."
        )
    pictures = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"II*\x00", b"MM\x00*", b"BM", b"RIFF")
    if data.startswith(pictures[:-2]) or (data.startswith(pictures[-2:]) and b"\x00" in data[:64]):
        raise NoteError(f"This is a picture, and pictures can't be read. {KEPT} Paste the text.")


def _read_text(data: bytes) -> Document:
    """Plain text in UTF-8 or UTF-16; else in Windows-1252 if it reads well, with a warning."""
    warnings: tuple[str, ...] = ()
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    text, position = _decode(data, encoding)
    if text is None:
        # Older record systems export Windows-1252; bytes outside ASCII are then rare.
        foreign = sum(byte > 0x7F for byte in data)
        text, _ = _decode(data, "cp1252") if foreign <= len(data) * 0.1 else (None, 0)
        warnings = ("The file is not UTF-8: it was read as Windows-1252, so check odd characters.",)
    if text is None:
        raise NoteError(
            f"The text is not valid UTF-8 (first at byte {position:,}). {KEPT} Save it as UTF-8 "
            "and send it again, or paste it."
        )
    if not _looks_like_text(text):
        raise NoteError(
            f"The file is not text: it looks like a program's own format. {KEPT} Send the note as "
            "plain text, PDF or .docx."
        )
    return Document(text, warnings)


def _decode(data: bytes, encoding: str) -> tuple[str | None, int]:
    """The text, or None and the first byte that doesn't fit.

    The decoder's own exception holds the whole text; it must not become the context of ours.
    """
    try:
        return data.decode(encoding), 0
    except UnicodeDecodeError as error:
        return None, error.start


def _looks_like_text(text: str) -> bool:
    """Whether hardly any character is a control character, a replacement or unassigned."""
    sample = text[:20_000]
    odd = sum(
        unicodedata.category(character) in ("Cc", "Cn", "Co", "Cs") or character == "\ufffd"
        for character in sample
        if character not in "\t\n\r\f\v"
    )
    return "\x00" not in sample and odd <= len(sample) * 0.02


def _read_pdf(data: bytes) -> Document:
    from pypdf import PdfReader
    from pypdf.errors import FileNotDecryptedError

    try:
        reader = PdfReader(io.BytesIO(data))
        # Many hospitals' PDFs are encrypted with an empty password, only to forbid printing.
        locked = reader.is_encrypted and not reader.decrypt("")
        pages = 0 if locked else len(reader.pages)
        parts = [reader.pages[i].extract_text() for i in range(min(pages, MAX_PDF_PAGES))]
    except FileNotDecryptedError:
        locked, parts, pages = True, [], 0
    except Exception:  # noqa: BLE001  a damaged PDF can raise anything, with its text in it
        raise NoteError(
            f"The PDF is damaged and can't be read. {KEPT} Export it again, or paste its text."
        ) from None
    if locked:
        raise NoteError(
            f"The PDF is protected by a password. {KEPT} Save a copy without the password, or "
            "paste its text."
        )
    text = "\n\n".join(part.strip() for part in parts).strip()
    if not text:
        raise NoteError(
            f"The PDF has no text in it: it is probably a scan. {KEPT} Pictures can't be read; "
            "paste the text, or send a PDF made from the record system."
        )
    if pages > MAX_PDF_PAGES:
        return Document(text, (f"Only the first {MAX_PDF_PAGES} of {pages:,} pages were read.",))
    return Document(text)


def _read_docx(data: bytes) -> Document:
    refusal = NoteError(
        f"The file is not a Word document that can be read. {KEPT} Save it again as .docx or "
        "PDF, or paste its text."
    )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if "word/document.xml" not in archive.namelist():
                raise refusal
            if sum(item.file_size for item in archive.infolist()) > MAX_DOCX_UNPACKED_BYTES:
                raise refusal
        import docx

        lines = list(_docx_lines(docx.Document(io.BytesIO(data))))
    except NoteError:
        raise
    except Exception:  # noqa: BLE001  a damaged file can raise anything, with its text in it
        raise refusal from None
    text = "\n".join(lines).strip()
    if not text:
        raise NoteError(f"The Word document has no text in it. {KEPT} Paste the text of the note.")
    return Document(text)


def _docx_lines(container: object) -> Iterator[str]:
    """Paragraphs and tables in the order they are read."""
    from docx.table import Table

    for block in container.iter_inner_content():  # type: ignore[attr-defined]
        if isinstance(block, Table):
            yield from _table_lines(block)
        else:
            yield block.text


def _table_lines(table: "Table") -> Iterator[str]:
    for row in table.rows:
        seen: list[object] = []
        cells = []
        for cell in row.cells:
            # A merged cell comes once for each column that it covers.
            if cell._tc not in seen:
                seen.append(cell._tc)
                cells.append(" ".join(_docx_lines(cell)).strip())
        yield "\t".join(cells)
