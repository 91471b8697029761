"""The guarantee of abstaining, on probabilities whose truth is known."""

import numpy as np
import pytest

from mlops.container.abstention import TARGETS, choose_thresholds
from mlops.container.inference import TARGET_VARIABLE, model_fn
from mlops.container.model import Model
from mlops.container.thresholds import Threshold, threshold_for

RUNS = 30


def draw(seed: int, count: int, *, hard: float = 0.6) -> tuple[np.ndarray, np.ndarray]:
    """Calibrated probabilities and the labels that they promise."""
    random = np.random.default_rng(seed)
    probabilities = random.beta(hard, hard, count)
    return probabilities, (random.random(count) < probabilities).astype(np.int64)


def error_among_decided(
    threshold: Threshold, probabilities: np.ndarray, labels: np.ndarray
) -> float:
    confidence = np.maximum(probabilities, 1 - probabilities)
    decided = confidence >= threshold.confidence
    return float(((probabilities >= 0.5) != labels)[decided].mean())


@pytest.mark.parametrize("target", [0.1, 0.2])
def test_new_records_are_decided_within_the_target(target: float) -> None:
    fresh = draw(999, 100_000)
    above = 0
    for seed in range(RUNS):
        probabilities, labels = draw(seed, 1200)
        (threshold,) = choose_thresholds(probabilities, labels, ["referral"] * 1200, [target])
        assert threshold.coverage > 0.05
        above += error_among_decided(threshold, *fresh) > target
    # It may fail for one set of records in ten: 8 or more of 30 has a chance below 1 %.
    assert above < 8


def test_probabilities_that_promise_too_much_are_not_believed() -> None:
    random = np.random.default_rng(5)
    probabilities = random.beta(0.3, 0.3, 3000)
    # Three quarters of what it says, and a quarter the other way.
    labels = (random.random(3000) < 0.25 + 0.5 * probabilities).astype(np.int64)
    (threshold,) = choose_thresholds(probabilities, labels, ["referral"] * 3000, [0.1])
    assert threshold.confidence == 0.99


def test_a_stricter_target_decides_less() -> None:
    probabilities, labels = draw(3, 6000)
    found = choose_thresholds(probabilities, labels, ["referral"] * 6000)
    assert [threshold.target for threshold in found] == sorted(TARGETS)
    confidences = [threshold.confidence for threshold in found]
    assert confidences == sorted(confidences, reverse=True)
    assert confidences[0] > confidences[-1]
    coverages = [threshold.coverage for threshold in found]
    assert coverages == sorted(coverages)
    for threshold in found[2:]:
        assert threshold.error <= threshold.target


def test_a_large_easy_kind_does_not_pay_for_a_small_hard_one() -> None:
    easy, easy_labels = draw(1, 6000, hard=0.15)
    random = np.random.default_rng(2)
    # A kind of text on which the model is too sure of itself.
    hard = random.choice([0.2, 0.8], 200)
    hard_labels = (random.random(200) < 0.5).astype(np.int64)
    both = np.concatenate([easy, hard]), np.concatenate([easy_labels, hard_labels])
    alone = ["referral"] * 6200
    apart = ["referral"] * 6000 + ["mtsamples-plan"] * 200
    (as_one,), (by_kind,) = (choose_thresholds(*both, kinds, [0.1]) for kinds in (alone, apart))
    assert as_one.confidence <= 0.8 < by_kind.confidence


THRESHOLDS = (
    Threshold(0.05, 0.9, 0.5, 0.04),
    Threshold(0.1, 0.8, 0.7, 0.09),
    Threshold(0.2, 0.6, 0.9, 0.18),
)


@pytest.mark.parametrize(
    ("target", "confidence"),
    [(0.01, 0.9), (0.05, 0.9), (0.07, 0.9), (0.1, 0.8), (0.19, 0.8), (0.2, 0.6), (0.5, 0.6)],
)
def test_never_more_permissive_than_asked(target: float, confidence: float) -> None:
    assert threshold_for(THRESHOLDS[::-1], target).confidence == confidence


@pytest.mark.parametrize(
    ("setting", "target"),
    [("0.02", 0.02), ("0.2", 0.2), ("", None), ("0", None), ("1", None), ("-1", None),
     ("ten percent", None), ("nan", None)],
)  # fmt: skip
def test_the_setting_of_the_target(
    model_dir: object, model: Model, monkeypatch: pytest.MonkeyPatch, setting: str,
    target: float | None,
) -> None:  # fmt: skip
    monkeypatch.setenv(TARGET_VARIABLE, setting)
    loaded = model_fn(str(model_dir))
    assert loaded.target == (model.target if target is None else target)
    assert loaded.threshold == threshold_for(model.thresholds, loaded.target)
    assert loaded.version == model.version
