"""Our sums over trees against XGBoost's own, to the fourth decimal."""

import numpy as np
import pytest
import xgboost

from mlops.container.trees import MAX_DEPTH, Trees

FEATURES = 9


def booster_of(depth: int, seed: int, **options: object) -> xgboost.Booster:
    """A booster with trees of this depth, on features that it uses more than once in a path."""
    random = np.random.default_rng(seed)
    values = random.normal(size=(600, FEATURES)).astype(np.float32)
    values[:, 3:6] = np.round(values[:, 3:6])
    labels = (values[:, 0] * values[:, 1] + np.sin(3 * values[:, 2]) + values[:, 4] > 0.3) * 1
    parameters = {
        "max_depth": depth,
        "eta": 0.3,
        "objective": "binary:logistic",
        "subsample": 0.8,
        "seed": seed,
        "nthread": 1,
        **options,
    }
    return xgboost.train(parameters, xgboost.DMatrix(values, labels), 25)


@pytest.mark.parametrize("depth", range(1, 7))
@pytest.mark.parametrize("options", [{}, {"base_score": 0.3, "min_child_weight": 5}])
def test_contributions_are_xgboosts(depth: int, options: dict[str, object]) -> None:
    booster = booster_of(depth, seed=depth, **options)
    trees = Trees.of(bytes(booster.save_raw("ubj")))
    assert (trees.leaves is None) == (depth > MAX_DEPTH)
    random = np.random.default_rng(100 + depth)
    values = random.normal(size=(60, FEATURES)).astype(np.float32)
    values[:, 3:6] = np.round(values[:, 3:6])
    data = xgboost.DMatrix(values, nthread=1)
    theirs = booster.predict(data, pred_contribs=True)
    margins = booster.predict(data, output_margin=True)
    said, added = trees.contributions(values)
    assert np.abs(added - theirs[:, :-1]).max() < 1e-4
    assert np.abs(said - margins).max() < 1e-4


def test_a_value_on_a_threshold_goes_where_xgboost_sends_it() -> None:
    booster = booster_of(3, seed=11)
    cuts = booster.trees_to_dataframe().query("Feature != 'Leaf'")
    values = np.zeros((len(cuts), FEATURES), np.float32)
    for number, (feature, cut) in enumerate(zip(cuts["Feature"], cuts["Split"], strict=True)):
        values[number, int(feature[1:])] = cut
    margins = booster.predict(xgboost.DMatrix(values, nthread=1), output_margin=True)
    trees = Trees.of(bytes(booster.save_raw("ubj")))
    ours, _ = trees.contributions(values)
    assert len(ours) > 50
    assert np.abs(ours - margins).max() < 1e-4


def test_a_booster_that_never_splits_says_its_bias() -> None:
    booster = booster_of(2, seed=1, gamma=1e6)
    values = np.ones((1, FEATURES), np.float32)
    margins, added = Trees.of(bytes(booster.save_raw("ubj"))).contributions(values)
    wanted = booster.predict(xgboost.DMatrix(values), output_margin=True)
    assert abs(margins[0] - wanted[0]) < 1e-4
    assert not added.any()
