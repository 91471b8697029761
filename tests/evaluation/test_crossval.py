"""Cross-validation: nobody judges a note whose cluster it learnt from, and everything is judged."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from mlops.container.train import parse_arguments
from mlops.data import Record, load_corpus
from mlops.data.build import Manifest
from mlops.evaluation.ablation import ABLATIONS, NOTHING, Ablation, ablate, without_source
from mlops.evaluation.baselines import BASELINES, HEADINGS, LENGTH, LOGISTIC, predict
from mlops.evaluation.crossval import (
    FOLDS,
    LOGISTIC_ALL,
    Fold,
    gather_answers,
    known_rungs,
    split_folds,
)
from mlops.evaluation.crossval import _unseen_specialties as unseen_specialties
from mlops.evaluation.describe import MODEL, Judged, describe
from mlops.evaluation.ladder import REFERRALS, UNSEEN_SPECIALTY
from mlops.evaluation.run import cross_validated

OPTIONS = {**parse_arguments(["--num_round", "10"]), "seed": 3}


def mixed() -> list[Record]:
    """Records of every source, in which one cluster may have several views."""
    corpus = load_corpus()[:120]
    made = [Record(c.id, c.text, c.label, c.pair, "corpus", specialty=c.specialty) for c in corpus]
    for number, c in enumerate(corpus[:60]):
        group = f"note-{number // 2}"
        for source in ("mtsamples-filed", "mtsamples-decision", "mtsamples-plan"):
            made.append(
                Record(f"{source}-{number}", f"HISTORY: , {c.text}", c.label, group, source)
            )
    return made


def test_no_fold_learns_from_what_it_judges() -> None:
    records = mixed()
    judged: Counter[tuple[str, str]] = Counter()
    for fold in split_folds(records, OPTIONS, known_rungs(records, {})):
        learnt = {record.group for record in fold.learn}
        for rung, members in fold.judge:
            assert not learnt & {record.group for record in members}
            judged.update((rung.name, record.id) for record in members)
    # Every record of every rung is judged once.
    expected = {
        (rung.name, record.id) for rung in known_rungs(records, {}) for record in rung.view(records)
    }
    assert set(judged) == expected
    assert set(judged.values()) == {1}
    assert {name for name, _ in expected} == {
        "as filed",
        "headings masked",
        "decision-time",
        "length-matched",
        "referral texts",
        "plan-labelled notes",
    }


def test_a_source_that_is_not_there_is_no_rung() -> None:
    corpus = [record for record in mixed() if record.source == "corpus"]
    assert [rung.name for rung in known_rungs(corpus, {})] == ["referral texts"]


def test_folds_are_the_same_for_ablations() -> None:
    records = mixed()
    whole = list(split_folds(records, OPTIONS, [REFERRALS]))
    some = list(split_folds(records, {**OPTIONS, "eta": 0.5}, [REFERRALS], baselines=False))
    assert [fold.judge for fold in whole] == [fold.judge for fold in some]
    assert len(whole) == FOLDS
    other = split_folds(records, {**OPTIONS, "seed": 4}, [REFERRALS])
    assert [fold.judge for fold in whole] != [fold.judge for fold in other]


def test_an_unseen_specialty_is_unseen() -> None:
    records = mixed()
    seen: set[str] = set()
    for fold in unseen_specialties(records, OPTIONS):
        ((rung, members),) = fold.judge
        assert rung.name == UNSEEN_SPECIALTY
        (specialty,) = {record.specialty for record in members}
        assert specialty not in {record.specialty for record in fold.learn}
        # Other sources stay: they have no specialty to leave out.
        assert any(record.source == "mtsamples-filed" for record in fold.learn)
        seen.add(specialty)
    assert seen == {record.specialty for record in records if record.source == "corpus"}


# One small cross-validation, for real


@pytest.fixture(scope="module")
def few(records: list[Record]) -> list[Record]:
    """Texts of two specialties, half of them once more as if they were decision-time text."""
    chosen = sorted({record.specialty for record in records})[:2]
    corpus = [record for record in records if record.specialty in chosen]
    again = [
        replace(record, id=f"{record.id}-d", source="mtsamples-decision", specialty="")
        for record in corpus
        if int(record.group[-2:]) % 2
    ]
    return [*corpus, *again]


@pytest.fixture(scope="module")
def evaluated(few: list[Record]) -> tuple[dict[str, Any], list[Judged]]:
    manifest = Manifest("0", 3, "abc", 9, {"empty": 2}, 60, 30, {}, {})
    return cross_validated(few, manifest, OPTIONS, ablation=False)


@pytest.fixture(scope="module")
def judged(evaluated: tuple[dict[str, Any], list[Judged]]) -> list[Judged]:
    return evaluated[1]


def test_every_model_answers_for_every_record(judged: list[Judged], few: list[Record]) -> None:
    assert [one.rung for one in judged] == [
        "decision-time",
        "length-matched",
        "referral texts",
        UNSEEN_SPECIALTY,
    ]
    corpus = sorted(record.id for record in few if record.source == "corpus")
    for one in judged[2:]:
        assert sorted(record.id for record in one.records) == corpus
        assert set(one.scores) == {MODEL, LOGISTIC, HEADINGS, LENGTH, LOGISTIC_ALL}
        for scores in one.scores.values():
            assert scores.probabilities.shape == (len(corpus),)
            assert ((scores.probabilities >= 0) & (scores.probabilities <= 1)).all()
        decided = one.scores[MODEL].decided
        assert decided is not None
        assert decided.shape == (len(corpus),)


def test_an_evaluation_is_plain_data_without_text(judged: list[Judged], few: list[Record]) -> None:
    plain = str([describe(one) for one in judged])
    assert not any(record.text[:50] in plain for record in few)
    (referrals,) = [one for one in judged if one.rung == "referral texts"]
    shown = describe(referrals, with_text=True)["wrong"]
    assert shown
    texts = {record.id: record.text for record in referrals.records}
    for error in shown:
        assert error["text"] == texts[error["id"]]
        assert (error["probability"] >= 0.5) != (error["label"] == "Surgery")
    sure = [abs(error["probability"] - 0.5) for error in shown]
    assert all(first >= second for first, second in pairwise(sure))


def test_ablation_leaves_out_and_judges_the_same(
    judged: list[Judged], few: list[Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    learnt: list[Fold] = []
    monkeypatch.setattr(
        "mlops.evaluation.ablation.gather_answers",
        lambda folds, *_: learnt.extend(folds) or judged,
    )
    found = ablate(
        few,
        OPTIONS,
        judged,
        {
            "decision-time text": without_source("mtsamples-decision"),
            "notes as filed": ABLATIONS["notes as filed"],
            "depth": Ablation(hyperparameters={"max_depth": 1}),
        },
    )
    # What is not in the data can't be left out.
    assert [entry["name"] for entry in found] == [NOTHING, "decision-time text", "depth"]
    without, shallow = learnt[:FOLDS], learnt[FOLDS:]
    for fold in without:
        assert {record.source for record in fold.learn} == {"corpus"}
        assert "mtsamples-decision" in {r.source for _, part in fold.judge for r in part}
        assert fold.hyperparameters == OPTIONS
    for fold in shallow:
        assert fold.hyperparameters["max_depth"] == 1
        assert {record.source for record in fold.learn} == {"corpus", "mtsamples-decision"}
    for entry in found:
        assert set(entry["rungs"]) == {"decision-time", "length-matched", "referral texts"}
    assert "difference" not in found[0]["rungs"]["referral texts"]
    assert found[1]["rungs"]["referral texts"]["difference"]["value"] == 0


def test_answers_stay_with_their_records_in_any_number_of_processes(
    judged: list[Judged], few: list[Record]
) -> None:
    (referrals,) = [one for one in judged if one.rung == "referral texts"]
    before = dict(zip(ids(referrals), referrals.scores[MODEL].probabilities, strict=True))
    folds = list(split_folds(few, OPTIONS, [REFERRALS], baselines=False))[1:3]
    (again,) = gather_answers(folds, lambda _: None, 2)
    after = dict(zip(ids(again), again.scores[MODEL].probabilities, strict=True))
    assert len(after) > 10
    assert after == {identity: before[identity] for identity in after}


def ids(judged: Judged) -> list[str]:
    return [record.id for record in judged.records]


def test_the_whole_evaluation_says_where_it_comes_from(
    evaluated: tuple[dict[str, Any], list[Judged]], few: list[Record]
) -> None:
    evaluation, answers = evaluated
    assert evaluation["mode"] == "cross-validation"
    assert sum(evaluation["records"].values()) == len(few)
    assert evaluation["dropped"] == {"empty": 2}
    assert [rung["name"] for rung in evaluation["rungs"]] == [one.rung for one in answers]
    assert "ablation" not in evaluation


# Baselines


def notes(texts: Sequence[str], labels: Sequence[bool]) -> list[Record]:
    return [
        Record(str(n), text, "Surgery" if label else "Consultation", str(n), "corpus")
        for n, (text, label) in enumerate(zip(texts, labels, strict=True))
    ]


@pytest.mark.parametrize(
    ("name", "text_of"),
    [
        (LOGISTIC, lambda label, n: f"the knee is {'locked' if label else 'sore'} on day {n}"),
        (HEADINGS, lambda label, n: f"{'ANESTHESIA' if label else 'CHIEF COMPLAINT'}: , x{n}."),
        (LENGTH, lambda label, n: "word " * (10 + n % 7 + 40 * label)),
    ],
)
def test_each_baseline_learns_its_own_thing(name: str, text_of: Callable[[bool, int], str]) -> None:
    labels = [n % 2 == 0 for n in range(60)]
    learn = notes([text_of(label, n) for n, label in enumerate(labels)], labels)
    found = predict(BASELINES[name], learn, learn[:20])
    assert ((found >= 0.5) == np.array(labels[:20])).all()
    # And nothing else: where all texts are alike in it, it says the share.
    blind = notes(["The same words for all of them." for _ in labels], labels)
    assert predict(BASELINES[name], blind, blind[:4]) == pytest.approx([0.5] * 4, abs=0.01)


def test_too_little_to_learn_from_is_the_share() -> None:
    three = notes(["a b", "c d", "e f"], [True, True, False])
    assert predict(BASELINES[LOGISTIC], three, three).tolist() == pytest.approx([2 / 3] * 3)
    assert predict(BASELINES[LOGISTIC], [], three).tolist() == [0.5] * 3
    assert predict(BASELINES[LOGISTIC], three, []).shape == (0,)
