"""Curves: known points of small examples, and what must hold of any."""

import json

import numpy as np
import pytest

from mlops.evaluation.curves import MAX_POINTS, confusion, curves, net_benefit, risk_by_coverage
from mlops.evaluation.metrics import measure
from tests.evaluation.test_metrics import sample

LABELS = np.array([1, 1, 1, 0, 0, 0, 0, 0])
SCORES = np.array([0.9, 0.8, 0.3, 0.7, 0.2, 0.2, 0.1, 0.1])


def test_net_benefit_by_hand() -> None:
    found = net_benefit(LABELS, SCORES)
    model = dict(map(tuple, found["model"]))
    # At 0.5: two of eight rightly sent, one wrongly, at even odds.
    assert model[0.5] == pytest.approx(2 / 8 - 1 / 8)
    at_half = measure(LABELS, SCORES, list("abcdefgh"), names=["net_benefit"])["net_benefit"]
    assert at_half.value == pytest.approx(model[0.5])
    # At 0.2: three rightly sent and three wrongly, one of these being worth a quarter.
    assert model[0.2] == pytest.approx(3 / 8 - 0.25 * 3 / 8)
    everyone = dict(map(tuple, found["everyone"]))
    assert everyone[0.2] == pytest.approx(3 / 8 - 0.25 * 5 / 8)


def test_error_at_full_coverage_is_the_error() -> None:
    labels, scores = sample(500)
    risk = risk_by_coverage(labels, scores)
    assert risk[-1] == [1.0, pytest.approx(float(((scores >= 0.5) != labels).mean()))]
    # The surest half is wrong less often.
    half = next(error for coverage, error in risk if coverage >= 0.5)
    assert half < risk[-1][1]


def test_confusion_keeps_apart_what_is_left_to_people() -> None:
    everyone = confusion(LABELS, SCORES, None)
    assert everyone == {
        "Surgery": {"Surgery": 2, "Consultation": 1, "Needs review": 0},
        "Consultation": {"Surgery": 1, "Consultation": 4, "Needs review": 0},
    }
    some = confusion(LABELS, SCORES, np.abs(SCORES - 0.5) > 0.25)
    assert some == {
        "Surgery": {"Surgery": 2, "Consultation": 0, "Needs review": 1},
        "Consultation": {"Surgery": 0, "Consultation": 4, "Needs review": 1},
    }


def test_all_curves_are_small_plain_data() -> None:
    labels, scores = sample(3000)
    found = json.loads(json.dumps(curves(labels, scores)))
    for name in ("roc", "pr", "reliability", "risk"):
        assert 2 <= len(found[name]) <= MAX_POINTS
        assert all(0 <= value <= 1 for point in found[name] for value in point)
    assert found["roc"][0] == [0, 0]
    assert found["roc"][-1] == [1, 1]
    assert found["pr"][-1][0] == 1


def test_reliability_of_the_truth_is_the_diagonal() -> None:
    random = np.random.default_rng(0)
    scores = random.uniform(size=20_000)
    labels = (random.uniform(size=20_000) < scores).astype(np.int64)
    for predicted, observed in curves(labels, scores)["reliability"]:
        assert observed == pytest.approx(predicted, abs=0.03)
