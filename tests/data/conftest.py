"""A file of Kaggle's shape, made of notes written here: MTSamples itself never enters a test."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

COLUMNS = ("", "description", "medical_specialty", "sample_name", "transcription", "keywords")
OPERATION = (
    "PREOPERATIVE DIAGNOSIS: , Symptomatic gallstones.,INDICATIONS: , Three attacks of biliary "
    "colic since spring, stones on ultrasound. She gave informed consent.,DESCRIPTION OF "
    "PROCEDURE: , The patient was prepped and draped. The gallbladder was removed."
)
VISIT = (
    "CHIEF COMPLAINT: , Knee pain.,HISTORY OF PRESENT ILLNESS: , Aches on stairs for a month, no "
    "locking, nothing tried so far.,PLAN: , Physiotherapy and review in six weeks."
)
Row = Sequence[object]
WriteCsv = Callable[..., Path]


def row(specialty: str, text: str, number: int = 0) -> Row:
    """A line of the Kaggle file."""
    return (number, "a description", specialty, "a name", text, "a keyword")


@pytest.fixture
def kaggle(tmp_path: Path) -> WriteCsv:
    """Writes rows to a file with the Kaggle file's header, or another."""

    def write(rows: Sequence[Row], header: Sequence[str] = COLUMNS, name: str = "m.csv") -> Path:
        path = tmp_path / name
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([header, *rows])
        return path

    return write


@pytest.fixture
def small(kaggle: WriteCsv) -> Path:
    """A whole file with one note of each class."""
    return kaggle([row(" Surgery", OPERATION, 0), row(" Consult - History and Phy.", VISIT, 1)])
