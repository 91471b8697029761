"""Gradient boosting that can be cut off and gone on with, on one machine or several.

Trees are grown in runs of `RUN` rounds. Each run starts from the bytes of the model so far, with a
random seed of its own, also when nothing was cut off: so a model does not depend on whether, or
where, its training was interrupted.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xgboost
from numpy.typing import NDArray

from mlops.container import checkpoints
from mlops.container.collective import agree, share

RUN = 50
_SEEDS = 2**31 - 1


def boost(
    parameters: Mapping[str, Any],
    values: NDArray[np.float32],
    labels: NDArray[Any],
    weights: NDArray[Any],
    rounds: int,
    start: NDArray[Any] | None = None,
) -> xgboost.Booster:
    """Grow trees.

    Where several machines are `collective.together`, each takes every n-th row and all get the
    same model. Within `checkpoints.kept_in`, what an earlier run of the same work had finished is
    gone on with.

    Args:
        parameters: XGBoost's, `seed` among them.
        values: Features, shape (rows, features); the same on every machine.
        labels: Shape (rows,).
        weights: Shape (rows,).
        rounds: How many trees.
        start: Where boosting starts from (XGBoost's base margin), shape (rows,); None: the base
            score for every row.
    """
    threads = int(parameters.get("nthread", 1))
    number, machines = share()
    given = [array for array in (values, labels, weights, start) if array is not None]
    key = _key(parameters, given, rounds, machines)
    done, model = agree(*checkpoints.latest(key))
    mine = slice(number, None, machines)
    data = xgboost.DMatrix(
        values[mine],
        labels[mine],
        weight=weights[mine],
        base_margin=None if start is None else start[mine],
        nthread=threads,
    )
    while done < rounds:
        step = min(RUN, rounds - done)
        seed = (int(parameters.get("seed", 0)) * 1_000_003 + done) % _SEEDS
        booster = xgboost.train(
            {**parameters, "seed": seed},
            data,
            step,
            xgb_model=bytearray(model) if model else None,
        )
        model = bytes(booster.save_raw("ubj"))
        done += step
        if number == 0:
            checkpoints.keep(key, done, model)
    grown = xgboost.Booster(params={"nthread": threads})
    grown.load_model(bytearray(model))
    return grown


def _key(
    parameters: Mapping[str, Any], arrays: Sequence[NDArray[Any]], rounds: int, machines: int
) -> str:
    """A hash of everything that decides the model."""
    digest = hashlib.sha256()
    asked = {"parameters": dict(parameters), "rounds": rounds, "machines": machines, "run": RUN}
    digest.update(json.dumps(asked, sort_keys=True, default=str).encode())
    for array in arrays:
        digest.update(repr((array.shape, array.dtype.str)).encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]
