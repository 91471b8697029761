"""Reading a channel: the records a training job is given, as JSON Lines."""

import hashlib
import json
from pathlib import Path

from mlops.container.errors import TrainingError
from mlops.container.table import Row

LABELS = {"Consultation": 0, "Surgery": 1}


def read_rows(folder: Path) -> tuple[list[Row], str]:
    """Read every `*.jsonl` of a channel, and the SHA-256 of what was read.

    Raises:
        TrainingError: no records, or one that isn't a record (named by file and line).
    """
    rows: list[Row] = []
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.jsonl")):
        content = path.read_bytes()
        digest.update(content)
        for number, line in enumerate(content.split(b"\n"), 1):
            if line.strip():
                rows.append(_row(path.name, number, line))
    if len({row.label for row in rows}) < 2:
        raise TrainingError(
            "The training data needs records of both labels, Surgery and Consultation. "
            "Nothing was trained. Build a dataset with: triage dataset build"
        )
    return rows, digest.hexdigest()


def _row(name: str, number: int, line: bytes) -> Row:
    try:
        data = json.loads(line)
        text, weight = data["text"], float(data.get("weight", 1.0))
        if not isinstance(text, str) or not 0 <= weight < 1e6:
            raise ValueError
        return Row(
            text=text,
            label=LABELS[data["label"]],
            group=str(data["group"]),
            source=str(data.get("source", "")),
            weight=weight,
        )
    except (ValueError, KeyError, TypeError):
        # The cause would carry the line.
        raise TrainingError(
            f"Line {number} of {name} is not a record with text, label and group. "
            "Nothing was trained. Build the dataset again with: triage dataset build"
        ) from None
