"""Real documents, made on the spot: what people send, good and bad."""

import io
import random
import zipfile

import docx
from fpdf import FPDF
from pypdf import PdfReader, PdfWriter

NOTE = (
    "49-year-old man, umbilical hernia, tender and irreducible since last night, "
    "overlying skin red, vomiting twice."
)


def pdf(*pages: str) -> bytes:
    """A PDF with one page for each text; an empty text gives an empty page."""
    document = FPDF()
    document.set_font("Helvetica", size=11)
    for text in pages:
        document.add_page()
        if text:
            document.multi_cell(0, 6, text)
    return bytes(document.output())


def encrypted_pdf(text: str, password: str, algorithm: str = "AES-256") -> bytes:
    """A PDF that opens with `password`; an empty one only forbids printing."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf(text))))
    writer.encrypt(user_password=password, owner_password="owner", algorithm=algorithm)
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def word(*paragraphs: str, table: list[list[str]] | None = None) -> bytes:
    """A .docx with paragraphs and, after them, a table."""
    document = docx.Document()
    for text in paragraphs:
        document.add_paragraph(text)
    if table:
        rows = document.add_table(len(table), len(table[0])).rows
        for row, texts in zip(rows, table, strict=True):
            for cell, text in zip(row.cells, texts, strict=True):
                cell.text = text
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def zip_bomb(megabytes: int) -> bytes:
    """A .docx of a few kilobytes that unpacks to `megabytes`."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", b"0" * megabytes * 1_000_000)
    return buffer.getvalue()


def junk(size: int = 4096, seed: int = 0) -> bytes:
    """Bytes of no format at all."""
    return random.Random(seed).randbytes(size)
