"""Records: notes with their label and provenance, kept as JSON Lines."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

from mlops.errors import DataError

Label = Literal["Surgery", "Consultation"]
LABELS: tuple[Label, Label] = ("Surgery", "Consultation")


@dataclass(frozen=True)
class Record:
    """One labelled note. The text stays out of `repr` and so out of logs.

    Attributes:
        group: Its near-duplicate cluster: a split never cuts one.
        source: Where it comes from: `mtsamples-filed`, `mtsamples-decision`, `corpus`, …
        weight: How much it counts in training.
        specialty: Of the person it is for, where that is known.
    """

    id: str
    text: str = field(repr=False)
    label: Label
    group: str
    source: str
    weight: float = 1.0
    specialty: str = ""


def write_records(path: Path, records: Iterable[Record]) -> None:
    """Write records as JSON Lines; a weight of 1 and an unknown specialty are left out."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for record in records:
            data: dict[str, Any] = {
                "id": record.id,
                "text": record.text,
                "label": record.label,
                "group": record.group,
                "source": record.source,
            }
            if record.weight != 1.0:
                data["weight"] = record.weight
            if record.specialty:
                data["specialty"] = record.specialty
            file.write(json.dumps(data) + "\n")


def read_records(path: Path) -> list[Record]:
    """Read JSON Lines with at least `id`, `text` and `label`; a missing group is the id.

    Raises:
        DataError: naming the file and line, never its content.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"{path} can't be read ({type(error).__name__}). Nothing was changed. Check the path."
        ) from None
    records = []
    for number, line in enumerate(content.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            records.append(_record(json.loads(line)))
        except (ValueError, KeyError, TypeError):
            # The cause holds the line, and so note text.
            raise DataError(
                f"Line {number} of {path} is not a record. Nothing was changed. Each line must be "
                'a JSON object with "id", "text" and "label" (Surgery or Consultation).'
            ) from None
    if not records:
        raise DataError(
            f"{path} holds no records. Nothing was changed. Build a dataset with: "
            "triage dataset build --output FOLDER"
        )
    return records


def _record(data: dict[str, Any]) -> Record:
    if data["label"] not in LABELS or not isinstance(data["text"], str):
        raise ValueError
    identity = str(data["id"])
    return Record(
        id=identity,
        text=data["text"],
        label=cast(Label, data["label"]),
        group=str(data.get("group", identity)),
        source=str(data.get("source", "")),
        weight=float(data.get("weight", 1.0)),
        specialty=str(data.get("specialty", "")),
    )
