"""The corpus written for this project: referrals in matched pairs, shipped with the code."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from mlops.data.records import LABELS, Label
from mlops.errors import DataError

FOLDER = Path(__file__).parent / "corpus"
Style = Literal["letter", "dictation", "shorthand", "ehr", "clinic"]
STYLES: tuple[Style, ...] = ("letter", "dictation", "shorthand", "ehr", "clinic")


@dataclass(frozen=True)
class CorpusRecord:
    """One text of the corpus.

    Attributes:
        pair: The same complaint once with and once without a surgical indication. A few clinic
            notes stand alone: what fills a clinic has no surgical twin.
        style: `clinic` is a longer note of a visit, its plan left out.
        reason: Why the label is what it is, in one clinical line.
    """

    id: str
    pair: str
    specialty: str
    style: Style
    label: Label
    text: str = field(repr=False)
    reason: str


def load_corpus(folder: Path = FOLDER) -> list[CorpusRecord]:
    """Every text of the corpus, in the order of files and lines.

    Raises:
        DataError: naming the file and line that is not a corpus record.
    """
    records = []
    for path in sorted(folder.glob("*.jsonl")):
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
            if not line.strip():
                continue
            try:
                record = CorpusRecord(**json.loads(line))
                if record.label not in LABELS or record.style not in STYLES:
                    raise ValueError
            except (ValueError, TypeError):
                raise DataError(
                    f"Line {number} of the corpus file {path.name} is not a corpus record. "
                    "Nothing was changed. Install the package again, or correct the line."
                ) from None
            records.append(record)
    if not records:
        raise DataError(
            "The corpus that comes with the package is missing. Nothing was changed. "
            "Install the package again."
        )
    return records
