"""From answers to an evaluation: figures, curves, subgroups and errors of each rung, as data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlops.data.records import Record
from mlops.evaluation.curves import curves
from mlops.evaluation.metrics import Interval, Ints, difference, measure, to_json
from mlops.evaluation.scoring import Scores
from mlops.evaluation.subgroups import by_subgroup

MODEL = "model"


@dataclass(frozen=True)
class Judged:
    """The records of a rung, and what models say of them that never saw their clusters.

    Attributes:
        rung: Its name.
        sentence: What it shows.
        scores: By model; ours is `MODEL`, the others are baselines.
    """

    rung: str
    sentence: str
    records: tuple[Record, ...]
    scores: Mapping[str, Scores]

    @property
    def labels(self) -> Ints:
        """1 for Surgery, 0 for Consultation."""
        return np.array([record.label == "Surgery" for record in self.records], dtype=np.int64)

    @property
    def groups(self) -> list[str]:
        """The cluster of each record."""
        return [record.group for record in self.records]

    def worth_reporting(self) -> bool:
        """Whether both labels are there."""
        return 0 < int(self.labels.sum()) < len(self.records)


def describe(judged: Judged, *, with_text: bool = False) -> dict[str, Any]:
    """A rung as plain data.

    Args:
        judged: Its records and answers; both labels must be there.
        with_text: Put the text of wrongly judged records beside their id.
    """
    labels, groups = judged.labels, judged.groups
    ours = judged.scores[MODEL]
    columns = {
        name: to_json(measure(labels, s.probabilities, groups, decided=s.decided))
        for name, s in judged.scores.items()
    }
    ahead = {name: _ahead(judged, name).to_json() for name in judged.scores if name != MODEL}
    return {
        "name": judged.rung,
        "sentence": judged.sentence,
        "records": len(judged.records),
        "clusters": len(set(groups)),
        "surgery_share": round(float(labels.mean()), 4),
        "columns": columns,
        "auc_ahead_of": ahead,
        "curves": {
            name: curves(labels, s.probabilities, s.decided) for name, s in judged.scores.items()
        },
        "subgroups": by_subgroup(judged.records, labels, ours),
        "wrong": _wrong(judged, with_text=with_text),
    }


def _ahead(judged: Judged, baseline: str) -> Interval:
    ours, theirs = judged.scores[MODEL], judged.scores[baseline]
    return difference(judged.labels, ours.probabilities, theirs.probabilities, judged.groups)


def _wrong(judged: Judged, *, with_text: bool) -> list[dict[str, Any]]:
    """Decided and wrong, the surest first: those are the errors worth reading."""
    ours, labels = judged.scores[MODEL], judged.labels
    answered = np.ones(len(labels), dtype=bool) if ours.decided is None else ours.decided
    rows = np.flatnonzero(answered & ((ours.probabilities >= 0.5) != (labels == 1)))
    surest = sorted(rows.tolist(), key=lambda row: -abs(ours.probabilities[row] - 0.5))
    return [
        {
            "id": judged.records[row].id,
            "label": judged.records[row].label,
            "probability": round(float(ours.probabilities[row]), 4),
            **({"text": judged.records[row].text} if with_text else {}),
        }
        for row in surest
    ]
