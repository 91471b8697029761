"""The Kaggle file `mtsamples.csv` ("Medical Transcriptions"), plain or gzipped, to notes."""

import csv
import gzip
import hashlib
import io
import zlib
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from mlops.data.plans import plan_records
from mlops.data.records import Label, Record
from mlops.errors import DataError

# The two specialties that the task is made of, as the file spells them (without the blank before).
SPECIALTIES: dict[str, Label] = {
    "Surgery": "Surgery",
    "Consult - History and Phy.": "Consultation",
}
COLUMNS = ("medical_specialty", "transcription")
_MAX_FIELD = 10_000_000


@dataclass(frozen=True)
class KaggleNotes:
    """What a Kaggle file holds for us.

    Attributes:
        records: Distinct notes as filed; `group` is still the note's own id.
        planned: Clinic notes of any specialty, labelled by their own plan, which is cut out.
        sha256: Of the file as it is.
        rows: Rows of the file, all specialties.
        dropped: Why rows were left out, and how many.
    """

    records: list[Record] = field(repr=False)
    planned: list[Record] = field(repr=False)
    sha256: str
    rows: int
    dropped: dict[str, int]


def read_kaggle(path: Path) -> list[Record]:
    """The distinct Surgery and Consultation notes of the Kaggle file, as filed.

    Raises:
        DataError: with what is wrong with the file.
    """
    return read_kaggle_notes(path).records


def read_kaggle_notes(path: Path) -> KaggleNotes:
    """`read_kaggle`, with the file's hash and what was dropped and why.

    Empty notes, texts filed as both classes, and repeats of a text within a class are dropped.
    """
    content = _content(path)
    rows = _rows(path, _text(path, content))
    labels: dict[str, set[Label]] = defaultdict(set)
    kept: list[tuple[int, Label, str, str]] = []
    dropped = {"other specialties": 0, "empty": 0, "filed as both classes": 0, "repeated": 0}
    total = 0
    for number, row in enumerate(rows):
        total += 1
        label = SPECIALTIES.get(row["medical_specialty"].strip())
        if label is None:
            dropped["other specialties"] += 1
            continue
        text = row["transcription"].strip()
        if not text:
            dropped["empty"] += 1
            continue
        key = " ".join(text.lower().split())
        labels[key].add(label)
        kept.append((number, label, key, text))
    seen: set[str] = set()
    records: list[Record] = []
    for number, label, key, text in kept:
        if len(labels[key]) > 1:
            dropped["filed as both classes"] += 1
        elif key in seen:
            dropped["repeated"] += 1
        else:
            seen.add(key)
            identity = f"mtsamples-{number}"
            records.append(Record(identity, text, label, identity, "mtsamples-filed"))
    missing = [
        name for name, label in SPECIALTIES.items() if label not in {r.label for r in records}
    ]
    if missing:
        raise DataError(
            f"{path} has no usable note of the specialty {' or '.join(missing)}. Nothing was "
            "built. Give the whole mtsamples.csv of Kaggle's Medical Transcriptions."
        )
    planned = plan_records(row["transcription"] for row in rows)
    return KaggleNotes(records, planned, hashlib.sha256(content).hexdigest(), total, dropped)


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise DataError(
            f"There is no file {path}. Nothing was built. Download mtsamples.csv from Kaggle "
            "(Medical Transcriptions) and give its path."
        ) from None
    except OSError as error:
        raise DataError(
            f"{path} can't be read ({type(error).__name__}). Nothing was built. "
            "Give the path of a file that you may read."
        ) from None
    if not content.strip():
        raise DataError(
            f"{path} is empty. Nothing was built. Download mtsamples.csv from Kaggle again."
        )
    return content


def _text(path: Path, content: bytes) -> str:
    if content.startswith(b"\x1f\x8b"):
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error):
            raise DataError(
                f"{path} is a damaged gzip file. Nothing was built. Download it again."
            ) from None
    if b"\x00" in content[:4096] and not content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(
            f"{path} is not a CSV: it holds binary data. Nothing was built. "
            "Give mtsamples.csv itself, plain or as .gz (unpack a .zip first)."
        )
    if not content.strip():
        raise DataError(
            f"{path} is empty. Nothing was built. Download mtsamples.csv from Kaggle again."
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(
            f"{path} is not in UTF-8. Nothing was built. "
            "Save it as UTF-8 (in a spreadsheet: CSV UTF-8), or use the file as Kaggle serves it."
        ) from None


def _rows(path: Path, text: str) -> list[dict[str, str]]:
    csv.field_size_limit(_MAX_FIELD)
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True, restval="")
        names = [name.strip() for name in (reader.fieldnames or [])]
        missing = [name for name in COLUMNS if name not in names]
        if not missing:
            reader.fieldnames = names
            return [{name: row[name] for name in COLUMNS} for row in reader]
    except csv.Error:
        missing = None
    if missing is None or len(names) < 2:
        raise DataError(
            f"{path} is not a CSV. Nothing was built. "
            "Give mtsamples.csv of Kaggle's Medical Transcriptions."
        )
    raise DataError(
        f"{path} lacks the column{'s' if len(missing) > 1 else ''} {' and '.join(missing)}. "
        "Nothing was built. Give mtsamples.csv of Kaggle's Medical Transcriptions, "
        "with its header line."
    )
