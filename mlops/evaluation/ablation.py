"""Ablation: the same folds with one kind of feature or of training data left out.

What is judged stays the same; only what is fitted changes. A line of `ABLATIONS` names what is left
out, by a filter on the training records or by other hyperparameters.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mlops.data.records import Record
from mlops.evaluation.crossval import Say, gather_answers, split_folds
from mlops.evaluation.describe import MODEL, Judged
from mlops.evaluation.ladder import DECISION, MATCHED, PLANNED, REFERRALS
from mlops.evaluation.metrics import difference, measure

RUNGS = (DECISION, MATCHED, REFERRALS, PLANNED)
NOTHING = "nothing"


@dataclass(frozen=True)
class Ablation:
    """What is left out.

    Attributes:
        keep: Which training records stay.
        hyperparameters: What is set otherwise, by the names of `train.HYPERPARAMETERS`.
    """

    keep: Callable[[Record], bool] = field(default=lambda _: True)
    hyperparameters: Mapping[str, float] = field(default_factory=dict)


def without_source(source: str) -> Ablation:
    """Everything but the records of one source."""
    return Ablation(keep=lambda record: record.source != source)


ABLATIONS: dict[str, Ablation] = {
    "notes as filed": without_source("mtsamples-filed"),
    "decision-time text": without_source("mtsamples-decision"),
    "referral texts": without_source("corpus"),
    "plan-labelled notes": without_source("mtsamples-plan"),
    "clinical cues": Ablation(hyperparameters={"cues": 0}),
    "pairs of words": Ablation(hyperparameters={"pairs": 0}),
    "pieces of words": Ablation(hyperparameters={"pieces": 0}),
    "meanings of words": Ablation(hyperparameters={"meanings": 0}),
    "copies with background": Ablation(hyperparameters={"background": 0}),
}


def ablate(
    records: Sequence[Record],
    hyperparameters: Mapping[str, float],
    full: Sequence[Judged],
    ablations: Mapping[str, Ablation] = ABLATIONS,
    say: Say = lambda _: None,
    *,
    jobs: int = 1,
) -> list[dict[str, Any]]:
    """AUC of each rung with each kind left out, and what that changes.

    Args:
        records: All records; those of a kind that is left out are judged all the same.
        hyperparameters: By the names of `train.HYPERPARAMETERS`.
        full: `cross_validate` of the same records, with nothing left out.
        ablations: Name to what is left out. One that changes nothing here is passed over.
        say: Called with a line per fit.
        jobs: Fits at a time.

    Returns:
        One entry each, the whole model first: `name`, and `rungs` to `auc` and `difference`.
    """
    rungs = [rung for rung in RUNGS if any(record.source == rung.source for record in records)]
    whole = {judged.rung: judged for judged in full if judged.worth_reporting()}
    entries = [_entry(NOTHING, whole, whole, [rung.name for rung in rungs])]
    for name, ablation in ablations.items():
        if not ablation.hyperparameters and all(map(ablation.keep, records)):
            continue
        say(f"without {name}")
        folds = [
            replace(
                fold,
                learn=tuple(filter(ablation.keep, fold.learn)),
                hyperparameters={**hyperparameters, **ablation.hyperparameters},
            )
            for fold in split_folds(records, hyperparameters, rungs, baselines=False)
        ]
        found = {judged.rung: judged for judged in gather_answers(folds, say, jobs)}
        entries.append(_entry(name, found, whole, [rung.name for rung in rungs]))
    return entries


def _entry(
    name: str, found: Mapping[str, Judged], whole: Mapping[str, Judged], rungs: Sequence[str]
) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for rung in rungs:
        if rung not in whole:
            continue
        judged, full = found[rung], whole[rung]
        ours, theirs = judged.scores[MODEL].probabilities, full.scores[MODEL].probabilities
        auc = measure(judged.labels, ours, judged.groups, names=["auc"])["auc"].to_json()
        figures[rung] = {"auc": auc}
        if name != NOTHING:
            by = difference(judged.labels, ours, theirs, judged.groups)
            figures[rung]["difference"] = by.to_json()
    return {"name": name, "rungs": figures}
