"""Scoring a whole table of notes: row by row, in order, with little memory, and resumable.

The output is written beside its final place (`scored.csv.partial`) and takes its name when it is
complete. A large table is scored on every processor. A run that was interrupted or killed leaves
that file and a small record of how far it got (`scored.csv.partial.json`); the same command goes on
from there.
"""

import csv
import gzip
import hashlib
import json
import os
import re
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TextIO

from mlops.classifier import Classifier
from mlops.errors import DataError
from mlops.workers import Answer, classify_all, processors

COLUMNS = (
    "recommendation",
    "probability",
    "confidence",
    "document_type",
    "model_version",
    "warnings",
)
BATCH_ROWS = 64
_CHECKPOINT_SECONDS = 0.2
# The csv module refuses cells over 128 kB unless told; a note may have 200,000 characters.
MAX_CELL_CHARACTERS = 20_000_000
# A smaller table is scored before other processes have started.
MIN_PARALLEL_BYTES = 8_000_000

Progress = Callable[[int, float], None]


@dataclass(frozen=True)
class Scored:
    """What came of a table.

    Attributes:
        rows: Rows written, in the order of the input.
        refused: Rows whose note couldn't be classified; their `warnings` cell says why.
        resumed_at: Rows that an earlier, interrupted run had already done.
    """

    rows: int
    refused: int
    resumed_at: int


@dataclass(frozen=True)
class _Checkpoint:
    """How far an interrupted run got, and what must be the same to go on from there."""

    source_sha256: str
    column: str
    model_version: str
    rows: int = 0
    refused: int = 0
    bytes: int = 0


def score_csv(
    source: Path, column: str, output: Path, classifier: Classifier, progress: Progress
) -> Scored:
    """Classify the notes in one column of a CSV file.

    Args:
        source: CSV with a header (comma, semicolon or tab; plain or .gz; UTF-8 or Windows-1252).
        column: The column that holds the notes.
        output: Where the input's columns plus `COLUMNS` go.
        classifier: Who answers.
        progress: Called with the rows done and the share of the file that has been read, 0 to 1.

    Raises:
        DataError: the file is not such a table.
        BackendError: the endpoint can't be asked; what was done is kept for the next run.
    """
    csv.field_size_limit(MAX_CELL_CHARACTERS)
    partial = output.with_name(output.name + ".partial")
    record = output.with_name(output.name + ".partial.json")
    start = _Checkpoint(_sha256(source), column, classifier.model_version)
    done = _resume(record, partial, start)
    encoding = _encoding(source)
    size = source.stat().st_size
    try:
        with _open_text(source, encoding) as lines:
            rows = OpenTable(lines, column)
            with partial.open("r+" if done.rows else "w", encoding="utf-8", newline="") as out:
                out.truncate(done.bytes)
                out.seek(done.bytes)
                write = RowWriter(out, rows.delimiter)
                if not done.bytes:
                    write([*rows.kept_header(), *COLUMNS])
                waiting: deque[list[list[str]]] = deque()
                batches = _batches(islice(rows.kept(), done.rows, None), waiting)
                processes = processors() if size >= MIN_PARALLEL_BYTES else 1
                now, due = done, time.monotonic() + _CHECKPOINT_SECONDS
                try:
                    for answers in classify_all(batches, classifier, processes):
                        for kept, answer in zip(waiting.popleft(), answers, strict=True):
                            write(kept + cells(answer))
                        now = replace(
                            now,
                            rows=now.rows + len(answers),
                            refused=now.refused + sum(isinstance(a, str) for a in answers),
                            bytes=out.tell(),
                        )
                        if time.monotonic() >= due:
                            _write_atomically(record, json.dumps(asdict(now)))
                            due = time.monotonic() + _CHECKPOINT_SECONDS
                        progress(now.rows, min(1.0, _bytes_read(lines) / max(size, 1)))
                finally:
                    # What ends this in order loses nothing, what kills it a moment's work.
                    _write_atomically(record, json.dumps(asdict(now)))
                os.fsync(out.fileno())
    except UnicodeDecodeError as error:
        raise DataError(
            f"{source.name} is not a text file in UTF-8 or Windows-1252 (byte {error.start:,}). "
            "Nothing was written. Export it as CSV in UTF-8."
        ) from None
    except csv.Error as error:
        raise DataError(
            f"{source.name} can't be read as CSV: {error}. What was scored is kept in "
            f"{partial.name}. Export the file again; a quotation mark may be unbalanced."
        ) from None
    partial.replace(output)
    record.unlink(missing_ok=True)
    return Scored(now.rows, now.refused, done.rows)


class RowWriter:
    """Writes rows of text as `csv.writer` does, which looks at every character of a note alone.

    Args:
        out: Where to.
        delimiter: Between two cells.
    """

    def __init__(self, out: TextIO, delimiter: str) -> None:
        self._out = out
        self._delimiter = delimiter
        self._special = re.compile(f'[\r\n"{re.escape(delimiter)}]')

    def __call__(self, row: list[str]) -> None:
        """Write a row."""
        self._out.write(self._delimiter.join(map(self._cell, row)) + "\r\n")

    def _cell(self, text: str) -> str:
        if not self._special.search(text):
            return text
        return '"' + text.replace('"', '""') + '"'


class OpenTable:
    """The rows of a table with a column of notes, in the order of the file.

    Args:
        lines: The open file.
        column: The column that holds the notes.

    Raises:
        DataError: if there is no such column.
    """

    def __init__(self, lines: TextIO, column: str) -> None:
        header, self._rows = _read_table(lines, column)
        self._header = header
        self._position = header.index(column)
        # An earlier scoring's columns are replaced.
        self._keep = [i for i, name in enumerate(header) if name not in COLUMNS]
        self.delimiter = self._rows.delimiter

    def texts(self) -> Iterator[str]:
        """The text of each row."""
        for _, text in self.kept():
            yield text

    def kept_header(self) -> list[str]:
        """The names of the columns that a scored table keeps."""
        return [self._header[i] for i in self._keep]

    def kept(self) -> Iterator[tuple[list[str], str]]:
        """The cells of each row that a scored table keeps, and its text."""
        for row in self._rows:
            yield [row[i] for i in self._keep], row[self._position]


@contextmanager
def open_table(source: Path, column: str) -> Iterator[OpenTable]:
    """Open a CSV file (comma, semicolon or tab; plain or .gz; UTF-8 or Windows-1252).

    Raises:
        DataError: the file is not such a table.
    """
    csv.field_size_limit(MAX_CELL_CHARACTERS)
    with _open_text(source, _encoding(source)) as lines:
        try:
            yield OpenTable(lines, column)
        except csv.Error as error:
            raise DataError(
                f"{source.name} can't be read as CSV: {error}. Nothing was written. "
                "Export the file again; a quotation mark may be unbalanced."
            ) from None


class _Rows:
    """The rows of a table, each as long as its header."""

    def __init__(self, reader: Iterator[list[str]], width: int, delimiter: str) -> None:
        self._reader = reader
        self._width = width
        self.delimiter = delimiter

    def __iter__(self) -> Iterator[list[str]]:
        for row in self._reader:
            if not row:
                continue
            # A last cell that was not quoted comes in pieces: they belong together.
            last = self.delimiter.join(row[self._width - 1 :])
            first = row[: self._width - 1]
            yield [*first, *[""] * (self._width - 1 - len(first)), last]


def _read_table(lines: TextIO, column: str) -> tuple[list[str], _Rows]:
    """The header and the rows, with whichever delimiter makes `column` a column."""
    first = lines.readline()
    if not first.strip():
        raise DataError("The file is empty. Nothing was written. Give a CSV file with a header.")
    header: list[str] = []
    for delimiter in (",", ";", "\t"):
        header = next(csv.reader([first], delimiter=delimiter))
        if column in header:
            reader = csv.reader(lines, delimiter=delimiter)
            return header, _Rows(reader, len(header), delimiter)
    names = ", ".join(name for name in next(csv.reader([first])) if name) or "none"
    raise DataError(
        f"There is no column {column!r}. Nothing was written. The columns are: {names[:300]}. "
        "Name one with --column."
    )


def _batches(
    rows: Iterator[tuple[list[str], str]], waiting: deque[list[list[str]]]
) -> Iterator[list[str]]:
    """The texts of `BATCH_ROWS` rows at a time; their other cells wait for the answers."""
    while batch := list(islice(rows, BATCH_ROWS)):
        waiting.append([kept for kept, _ in batch])
        yield [text for _, text in batch]


def cells(answer: Answer) -> list[str]:
    """The cells of `COLUMNS` for an answer, or for the sentence that says why there is none."""
    if isinstance(answer, str):
        return ["", "", "", "", "", answer]
    return [
        answer.recommendation,
        "" if answer.probability is None else f"{answer.probability:.4f}",
        "" if answer.confidence is None else f"{answer.confidence:.4f}",
        answer.document_type,
        answer.model_version,
        " ".join(answer.warnings),
    ]


def _resume(record: Path, partial: Path, start: _Checkpoint) -> _Checkpoint:
    """The checkpoint to go on from: the recorded one if it is of the same work, else the start."""
    try:
        found = _Checkpoint(**json.loads(record.read_text()))
        size = partial.stat().st_size
    except (OSError, ValueError, TypeError):
        return start
    same = (found.source_sha256, found.column, found.model_version) == (
        start.source_sha256,
        start.column,
        start.model_version,
    )
    return found if same and size >= found.bytes else start


def _open_text(source: Path, encoding: str) -> TextIO:
    if _is_gzip(source):
        return gzip.open(source, "rt", encoding=encoding, newline="")
    return source.open(encoding=encoding, newline="")


def _is_gzip(source: Path) -> bool:
    with source.open("rb") as raw:
        return raw.read(2) == b"\x1f\x8b"


def _bytes_read(lines: TextIO) -> int:
    """How far into the file on disk the reader is (of a .gz: into the compressed bytes)."""
    buffer = lines.buffer
    inner = getattr(buffer, "fileobj", None)
    return int((inner or buffer).tell())


def _encoding(source: Path) -> str:
    """UTF-8 if the whole file is; else Windows-1252, as older spreadsheets export it."""
    try:
        with _open_text(source, "utf-8-sig") as lines:
            while lines.read(1 << 20):
                pass
    except UnicodeDecodeError:
        return "cp1252"
    except (OSError, EOFError) as error:
        raise DataError(
            f"{source.name} can't be read: {error}. Nothing was written. Copy or export it again."
        ) from None
    return "utf-8-sig"


def _sha256(source: Path) -> str:
    with source.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_atomically(path: Path, text: str) -> None:
    temporary = path.with_name(path.name + ".new")
    temporary.write_text(text)
    temporary.replace(path)
