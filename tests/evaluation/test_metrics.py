"""Metrics are scikit-learn's, and their intervals are over clusters."""

import json
from math import isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from mlops.evaluation.metrics import (
    METRICS,
    Floats,
    Interval,
    Ints,
    difference,
    draws,
    measure,
    to_json,
)

REFERENCE = {
    "auc": lambda y, p, w: sklearn_metrics.roc_auc_score(y, p, sample_weight=w),
    "pr_auc": lambda y, p, w: sklearn_metrics.average_precision_score(y, p, sample_weight=w),
    "accuracy": lambda y, p, w: sklearn_metrics.accuracy_score(y, p >= 0.5, sample_weight=w),
    "sensitivity": lambda y, p, w: sklearn_metrics.recall_score(
        y, p >= 0.5, sample_weight=w, zero_division=0
    ),
    "specificity": lambda y, p, w: sklearn_metrics.recall_score(
        y, p >= 0.5, pos_label=0, sample_weight=w, zero_division=0
    ),
    "brier": lambda y, p, w: sklearn_metrics.brier_score_loss(y, p, sample_weight=w),
}
# Coarse, so that there are ties.
SCORES = st.integers(0, 20).map(lambda value: value / 20)
ROWS = st.lists(st.tuples(st.integers(0, 1), SCORES, st.integers(0, 4)), min_size=2, max_size=60)


def sample(count: int = 300, seed: int = 0, noise: float = 0.25) -> tuple[Ints, Floats]:
    """Labels and probabilities that know something of them."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, count)
    return labels, np.clip(0.3 + 0.4 * labels + noise * random.normal(size=count), 0, 1)


@given(rows=ROWS)
@pytest.mark.parametrize("name", sorted(REFERENCE))
def test_each_is_scikit_learns(name: str, rows: list[tuple[int, float, int]]) -> None:
    y, p, w = (np.array(column) for column in zip(*rows, strict=True))
    if len(set(y[w > 0].tolist())) < 2:
        return
    ours = METRICS[name](w[None, :].astype(np.float64), y, p)[0]
    assert ours == pytest.approx(REFERENCE[name](y, p, w), abs=1e-9)


def test_ece_is_the_gap_of_its_bins() -> None:
    y, p = np.array([1, 1, 0, 0]), np.array([0.95, 0.95, 0.15, 0.15])
    assert METRICS["ece"](np.ones((1, 4)), y, p)[0] == pytest.approx((0.05 + 0.15) / 2)
    sure = np.array([1.0, 1.0, 0.0, 0.0])
    assert METRICS["ece"](np.ones((1, 4)), y, sure)[0] == 0


def test_one_label_leaves_an_auc_open() -> None:
    found = measure([1, 1, 1], [0.2, 0.9, 0.4], ["a", "b", "c"])
    assert isnan(found["auc"].value)
    assert found["accuracy"].value == pytest.approx(1 / 3)
    assert to_json(found)["auc"] == {"value": None, "low": None, "high": None}
    with pytest.raises(ValueError, match="no record"):
        measure([], [], [])


def test_a_draw_takes_clusters_whole() -> None:
    groups = ["a", "a", "b", "c", "c", "c"]
    drawn = np.concatenate(list(draws(groups, 500, seed=1)))
    assert drawn.shape == (500, 6)
    for cluster in ([0, 1], [2], [3, 4, 5]):
        assert (drawn[:, cluster] == drawn[:, cluster[:1]]).all()
    # Three clusters are drawn each time, each once on average.
    assert (drawn[:, [0, 2, 3]].sum(axis=1) == 3).all()
    assert drawn[:, [0, 2, 3]].mean(axis=0) == pytest.approx([1, 1, 1], abs=0.15)


def test_copies_of_a_record_do_not_narrow_its_interval() -> None:
    labels, probabilities = sample(80)
    apart = [str(number) for number in range(80)]
    once = measure(labels, probabilities, apart)["auc"]
    copied = measure(np.repeat(labels, 5), np.repeat(probabilities, 5), np.repeat(apart, 5))["auc"]
    pretended = measure(
        np.repeat(labels, 5), np.repeat(probabilities, 5), [str(i) for i in range(400)]
    )["auc"]
    width = once.high - once.low
    assert copied.value == pytest.approx(once.value)
    assert copied.high - copied.low == pytest.approx(width, rel=0.25)
    assert pretended.high - pretended.low < 0.6 * width


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    # AUC of two unit normals one and a half apart is 0.8556.
    hits = 0
    for seed in range(100):
        random = np.random.default_rng(seed)
        labels = np.repeat([0, 1], 60)
        scores = 1 / (1 + np.exp(-(random.normal(size=120) + 1.5 * labels - 0.75)))
        found = measure(labels, scores, [str(i) for i in range(120)], names=["auc"], rounds=300)
        hits += found["auc"].low <= 0.8556 <= found["auc"].high
    assert 88 <= hits <= 100


def test_decisions_are_measured_apart() -> None:
    labels, probabilities = np.array([1, 1, 0, 0]), np.array([0.9, 0.45, 0.8, 0.1])
    decided = np.array([True, False, True, True])
    groups = ["a", "b", "c", "d"]
    found = measure(labels, probabilities, groups, decided=decided)
    assert found["coverage"].value == 0.75
    assert found["error_decided"].value == pytest.approx(1 / 3)
    none = measure(labels, probabilities, groups, decided=np.zeros(4, dtype=bool))
    assert none["coverage"].value == 0
    assert isnan(none["error_decided"].value)


def test_a_difference_is_paired() -> None:
    labels, good = sample(200, seed=1)
    groups = [str(number // 2) for number in range(200)]
    same = difference(labels, good, good, groups)
    assert (same.value, same.low, same.high) == (0, 0, 0)
    worse = sample(200, seed=1, noise=1.5)[1]
    by = difference(labels, worse, good, groups)
    assert by.high < 0
    ours, theirs = (measure(labels, p, groups, names=["auc"])["auc"] for p in (worse, good))
    assert by.value == pytest.approx(ours.value - theirs.value)
    # A hair's breadth everywhere is a difference of order nowhere.
    shifted = difference(labels, good * 0.999, good, groups)
    assert (shifted.low, shifted.high) == (0, 0)


def test_the_same_seed_gives_the_same_interval() -> None:
    labels, probabilities = sample()
    groups = [str(number) for number in range(300)]
    assert measure(labels, probabilities, groups) == measure(labels, probabilities, groups)
    assert measure(labels, probabilities, groups, seed=1) != measure(labels, probabilities, groups)


def test_an_interval_survives_json() -> None:
    for interval in (Interval(0.912345, 0.85, 0.95), Interval(np.nan, np.nan, np.nan)):
        plain = json.loads(json.dumps(interval.to_json()))
        assert Interval.from_json(plain).to_json() == interval.to_json()
    assert str(Interval(0.9, 0.85, 0.95)) == "0.9000 (0.8500 to 0.9500)"
