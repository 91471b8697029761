"""Grouped 5-fold cross-validation of the whole pipeline over the ladder, beside its baselines.

Everything is fitted inside the training folds: vocabulary, scores, trees, calibration, abstention.
A cluster of near-duplicates is on one side only, in all its views; so is a matched pair of the
corpus. The last rung leaves out one specialty of the corpus at a time instead.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from multiprocessing import get_context

import numpy as np

from mlops.container.fitting import fit
from mlops.container.table import Row, fold_of
from mlops.data.records import Record
from mlops.evaluation.baselines import BASELINES, LOGISTIC, logistic, predict
from mlops.evaluation.describe import MODEL, Judged
from mlops.evaluation.ladder import (
    REFERRALS,
    RUNGS,
    UNSEEN_SENTENCE,
    UNSEEN_SPECIALTY,
    WORKSHOP,
    Rung,
)
from mlops.evaluation.scoring import Scores, score
from mlops.evaluation.workshop import MODEL_NAME, Features, predict_workshop

FOLDS = 5
# The folds of the evaluation must not be those that fitting makes inside.
SEED_OFFSET = 7919
LOGISTIC_ALL = f"{LOGISTIC}, all records"
Say = Callable[[str], None]


@dataclass(frozen=True)
class Fold:
    """One fit and what it is judged on.

    Attributes:
        learn: Records to fit on.
        judge: For each rung the records of other clusters, already as the rung shows them.
        hyperparameters: By the names of `train.HYPERPARAMETERS`.
        features: The workshop's own features by record id.
        baselines: Whether the baselines are fitted too.
    """

    learn: tuple[Record, ...]
    judge: tuple[tuple[Rung, tuple[Record, ...]], ...]
    hyperparameters: Mapping[str, float]
    features: Features = field(default_factory=dict)
    baselines: bool = True


def cross_validate(
    records: Sequence[Record],
    hyperparameters: Mapping[str, float],
    say: Say = lambda _: None,
    *,
    features: Features | None = None,
    jobs: int = 1,
) -> list[Judged]:
    """Answers for every record of every rung by models that did not see its cluster.

    Args:
        records: All of them, of every source, with their clusters.
        hyperparameters: By the names of `train.HYPERPARAMETERS`.
        say: Called with a line per fit.
        features: The workshop's own features by record id; adds the notes that have them as a rung.
        jobs: Fits at a time, each in a process of its own.
    """
    known = features or {}
    folds = list(split_folds(records, hyperparameters, known_rungs(records, known), known))
    unseen = list(_unseen_specialties(records, hyperparameters))
    return gather_answers([*folds, *unseen], say, jobs)


def known_rungs(records: Sequence[Record], features: Features) -> list[Rung]:
    """The rungs that there are records for."""
    sources = {record.source for record in records}
    rungs = [rung for rung in RUNGS if rung.source in sources]
    return [*rungs, WORKSHOP] if features else rungs


def split_folds(
    records: Sequence[Record],
    hyperparameters: Mapping[str, float],
    rungs: Sequence[Rung],
    features: Features | None = None,
    *,
    baselines: bool = True,
) -> Iterator[Fold]:
    """Five folds by cluster, the same for the same seed whatever they are used for."""
    seed = int(hyperparameters["seed"])
    views = {rung: _view(rung, records, features or {}) for rung in rungs}
    for number in range(FOLDS):
        outside = {
            r.group for r in records if fold_of(r.group, seed + SEED_OFFSET, FOLDS) == number
        }
        yield Fold(
            tuple(record for record in records if record.group not in outside),
            tuple(
                (rung, tuple(record for record in view if record.group in outside))
                for rung, view in views.items()
            ),
            hyperparameters,
            features or {},
            baselines,
        )


def gather_answers(folds: Sequence[Fold], say: Say, jobs: int) -> list[Judged]:
    """Fit every fold and put the answers together, rung by rung."""
    found: dict[Rung, list[tuple[tuple[Record, ...], dict[str, Scores]]]] = defaultdict(list)
    for number, (fold, scored) in enumerate(zip(folds, _run(folds, jobs), strict=True), 1):
        say(f"fit {number} of {len(folds)}")
        for (rung, members), scores in zip(fold.judge, scored, strict=True):
            if members:
                found[rung].append((members, scores))
    return [
        Judged(
            rung.name,
            rung.sentence,
            tuple(record for members, _ in parts for record in members),
            {name: _joined([scores[name] for _, scores in parts]) for name in parts[0][1]},
        )
        for rung, parts in found.items()
    ]


def run_fold(fold: Fold) -> list[dict[str, Scores]]:
    """Fit on one side, answer for the other: for each rung, scores by model."""
    model = fit([as_row(record) for record in fold.learn], fold.hyperparameters).model
    members = [record for _, view in fold.judge for record in view]
    ours = score(model, [record.text for record in members])
    # One fit answers for every rung.
    plain = Scores(predict(logistic, fold.learn, members)) if fold.baselines else None
    found = []
    start = 0
    for rung, view in fold.judge:
        rows = np.arange(start, start + len(view))
        start += len(view)
        scores = {MODEL: ours.take(rows)}
        if plain is not None:
            scores |= _baselines(fold, rung, view)
            scores[LOGISTIC_ALL] = plain.take(rows)
        if rung == WORKSHOP:
            scores[MODEL_NAME] = Scores(predict_workshop(fold.features, fold.learn, view))
        found.append(scores)
    return found


def as_row(record: Record) -> Row:
    """A record as the container fits on it."""
    return Row(
        record.text, int(record.label == "Surgery"), record.group, record.source, record.weight
    )


def _baselines(fold: Fold, rung: Rung, view: Sequence[Record]) -> dict[str, Scores]:
    """Each gets its best case: it learns from the very view that it is judged on."""
    learn = rung.view(fold.learn)
    return {name: Scores(predict(make, learn, view)) for name, make in BASELINES.items()}


def _view(rung: Rung, records: Sequence[Record], features: Features) -> list[Record]:
    view = rung.view(records)
    return [record for record in view if record.id in features] if rung == WORKSHOP else view


def _unseen_specialties(
    records: Sequence[Record], hyperparameters: Mapping[str, float]
) -> Iterator[Fold]:
    rung = replace(REFERRALS, name=UNSEEN_SPECIALTY, sentence=UNSEEN_SENTENCE)
    corpus = rung.view(records)
    for specialty in sorted({record.specialty for record in corpus}):
        held = tuple(record for record in corpus if record.specialty == specialty)
        groups = {record.group for record in held}
        learn = tuple(record for record in records if record.group not in groups)
        yield Fold(learn, ((rung, held),), hyperparameters)


def _run(folds: Sequence[Fold], jobs: int) -> Iterator[list[dict[str, Scores]]]:
    if jobs == 1:
        yield from map(run_fold, folds)
        return
    # Forking a process that has XGBoost's threads in it can hang.
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield from pool.map(run_fold, folds)


def _joined(parts: Sequence[Scores]) -> Scores:
    decided = [part.decided for part in parts if part.decided is not None]
    return Scores(
        np.concatenate([part.probabilities for part in parts]),
        np.concatenate(decided) if len(decided) == len(parts) else None,
    )
