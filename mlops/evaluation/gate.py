"""The gate: may a challenger serve instead of the champion?

Both are put to the held-out part of a dataset, rung by rung, and the difference is bootstrapped
over clusters on the same draws. A challenger passes that is not worse than the champion anywhere
beyond the interval, errs no more than promised when it decides, beats plain logistic regression,
behaves, keeps notes private and answers in time.

1. `compare` the artifacts.
2. Show `pictures` and `report_html`, or `Comparison.to_json`.
3. Deploy if `Comparison.passed` and a person agrees.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mlops.backends.package import read_metadata
from mlops.container.model import Model
from mlops.data.records import Record, read_records
from mlops.errors import DataError
from mlops.evaluation.baselines import logistic, predict
from mlops.evaluation.behaviour import load_behaviours, run_behaviours
from mlops.evaluation.checks import (
    beats_baseline,
    behaves,
    keeps_its_promise,
    keeps_notes_private,
    not_worse,
    quick_enough,
    time_models,
)
from mlops.evaluation.comparison import Check, Comparison, RungComparison
from mlops.evaluation.comparison_report import pictures, report_html
from mlops.evaluation.curves import curves
from mlops.evaluation.held_out import Answers, as_if_unseen, read_held_out
from mlops.evaluation.ladder import RUNGS, Rung, other_rungs
from mlops.evaluation.metrics import Interval, Ints, difference, measure
from mlops.evaluation.scoring import Scores, load_artifact, score

__all__ = [
    "Check",
    "Comparison",
    "Interval",
    "RungComparison",
    "compare",
    "pictures",
    "report_html",
]

# Fewer records of a label than this say nothing about an AUC.
MIN_OF_A_LABEL = 5
Say = Callable[[str], None]


@dataclass(frozen=True)
class _Contender:
    """A model with what its artifact says of notes it was trained on."""

    model: Model
    held_out: Answers

    @classmethod
    def load(cls, artifact: Path) -> "_Contender":
        return cls(load_artifact(artifact), read_held_out(artifact))

    def score(self, texts: Sequence[str]) -> Scores:
        return as_if_unseen(score(self.model, texts), texts, self.held_out)


def compare(
    champion: Path, challenger: Path, dataset: Path, *, say: Say = lambda _: None
) -> Comparison:
    """Put champion and challenger side by side.

    Args:
        champion: `model.tar.gz` of the version that serves.
        challenger: That of the version that wants to.
        dataset: A dataset folder; its `test.jsonl` is what both are judged on. Where an artifact
            says that it was trained on a note of it, its out-of-fold answer counts.
        say: Called with a line per step.

    Raises:
        DataError: if the dataset has no test part that both could be judged on.
        BackendError, ModelError: if an artifact can't be read.
    """
    test, learn = read_records(dataset / "test.jsonl"), read_records(dataset / "train.jsonl")
    old, new = _Contender.load(champion), _Contender.load(challenger)
    views = _views(test)
    if not views:
        raise DataError(
            f"{dataset} holds too few held-out notes to compare models on: at least "
            f"{MIN_OF_A_LABEL} of each label of one source are needed. Nothing was changed. Build "
            "a larger dataset with: triage dataset build"
        )
    rungs = []
    for rung, records in views:
        say(f"comparing on {rung.name} ({len(records)} notes)")
        rungs.append(_on_rung(rung, records, old, new))
    about = {"champion": _about(champion), "challenger": _about(challenger)}
    result = Comparison(old.model.version, new.model.version, tuple(rungs), (), about)
    say("running the behaviour tests")
    behaviours = load_behaviours()
    conduct = [run_behaviours(contender.model, behaviours) for contender in (old, new)]
    say("comparing with the baseline, timing and looking into the artifact")
    main = next((rung, records) for rung, records in views if rung.name == result.main.name)
    speed = time_models([old.model, new.model], [record.text for record in main[1]])
    checks = (
        not_worse(rungs),
        _beats_baseline(*main, learn, new),
        keeps_its_promise(result.main),
        behaves(conduct[1], conduct[0]),
        keeps_notes_private(challenger, [*learn, *test]),
        quick_enough(speed[1], speed[0]),
    )
    names = ("champion", "challenger")
    return Comparison(
        result.champion,
        result.challenger,
        result.rungs,
        checks,
        about,
        {name: [c.to_json() for c in done] for name, done in zip(names, conduct, strict=True)},
    )


def _views(test: Sequence[Record]) -> list[tuple[Rung, list[Record]]]:
    views = [(rung, rung.view(test)) for rung in (*RUNGS, *other_rungs(test))]
    return [
        (rung, records)
        for rung, records in views
        if min(np.bincount(_labels(records), minlength=2)) >= MIN_OF_A_LABEL
    ]


def _on_rung(
    rung: Rung, records: Sequence[Record], champion: _Contender, challenger: _Contender
) -> RungComparison:
    labels, groups = _labels(records), [record.group for record in records]
    texts = [record.text for record in records]
    old, new = champion.score(texts), challenger.score(texts)
    return RungComparison(
        name=rung.name,
        records=len(records),
        champion=measure(labels, old.probabilities, groups, decided=old.decided),
        challenger=measure(labels, new.probabilities, groups, decided=new.decided),
        difference=difference(labels, new.probabilities, old.probabilities, groups),
        curves={
            "champion": curves(labels, old.probabilities, old.decided),
            "challenger": curves(labels, new.probabilities, new.decided),
        },
    )


def _beats_baseline(
    rung: Rung, records: Sequence[Record], learn: Sequence[Record], challenger: _Contender
) -> Check:
    labels, groups = _labels(records), [record.group for record in records]
    ours = challenger.score([record.text for record in records]).probabilities
    plain = predict(logistic, learn, records)
    auc = [measure(labels, p, groups, names=["auc"], rounds=1)["auc"].value for p in (ours, plain)]
    return beats_baseline(rung.name, auc[0], auc[1], difference(labels, ours, plain, groups))


def _about(artifact: Path) -> dict[str, object]:
    metadata = read_metadata(artifact)
    return {
        "data_sha256": metadata.get("data_sha256", ""),
        "records": metadata.get("records", {}),
        "code_version": metadata.get("code_version", ""),
        "artifact_bytes": artifact.stat().st_size,
    }


def _labels(records: Sequence[Record]) -> Ints:
    return np.array([record.label == "Surgery" for record in records], dtype=np.int64)
