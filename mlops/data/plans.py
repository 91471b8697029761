"""Plan-labelled notes: clinic notes whose own plan says operation or not, with the plan cut out.

Each was read and labelled by hand; `plan_labels.jsonl` names the note by its row in the Kaggle file
and by a hash, and says which characters give the decision away. It holds no text of any note.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlops.data.records import LABELS, Label, Record
from mlops.errors import DataError

FILE = Path(__file__).with_name("plan_labels.jsonl")
SOURCE = "mtsamples-plan"
# The file writes ".," for a line break.
_STRAY = re.compile(r"(?<=[.:;?!])\s*,")


@dataclass(frozen=True)
class PlanLabel:
    """What was read in one note.

    Attributes:
        row: The Kaggle file's own row number (its first, unnamed column).
        sha256: First 12 hex digits, of the transcription as it stands in the file.
        label: Surgery: a firm operative plan. Consultation: a clear other one.
        cuts: Start and end of what gives the decision away, in characters, ascending.
        reason: The clinical ground, in the labeller's words.
    """

    row: int
    sha256: str
    label: Label
    cuts: tuple[tuple[int, int], ...]
    reason: str


def load_plan_labels(path: Path = FILE) -> list[PlanLabel]:
    """Every label, in the order of rows.

    Raises:
        DataError: naming the line that is not a label.
    """
    labels = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            data = json.loads(line)
            cuts = tuple((int(start), int(end)) for start, end in data.pop("cuts"))
            label = PlanLabel(cuts=cuts, **data)
            if label.label not in LABELS:
                raise ValueError
        except (ValueError, TypeError, KeyError):
            raise DataError(
                f"Line {number} of {path.name} is not a plan label. Nothing was changed. "
                "Install the package again, or correct the line."
            ) from None
        labels.append(label)
    return labels


def plan_records(texts: Iterable[str], labels: Sequence[PlanLabel] | None = None) -> list[Record]:
    """The plan-labelled notes among these transcriptions, each with its plan cut out.

    Args:
        texts: Transcriptions as they stand in the Kaggle file, blanks at the ends included.
        labels: None: those that come with the package.
    """
    wanted = {label.sha256: label for label in labels or load_plan_labels()}
    found: dict[int, Record] = {}
    for text in texts:
        label = wanted.get(fingerprint(text))
        if label is not None and label.row not in found:
            identity = f"mtsamples-plan-{label.row}"
            found[label.row] = Record(
                identity, without(text, label.cuts), label.label, identity, SOURCE
            )
    return [found[row] for row in sorted(found)]


def fingerprint(text: str) -> str:
    """How a label names a transcription."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def without(text: str, cuts: Iterable[tuple[int, int]]) -> str:
    """A text without some of its characters, and without the stray commas that the file has.

    >>> without("Knee pain.,Plan: replace it. Hypertension, mild.", [(11, 28)])
    'Knee pain. Hypertension, mild.'
    """
    kept, end = [], 0
    for start, stop in cuts:
        kept.append(text[end:start])
        end = stop
    kept.append(text[end:])
    return " ".join(_STRAY.sub(" ", " ".join(kept)).split()).strip(" ,")
