"""The ranges of a search as SageMaker spells them."""

from collections.abc import Mapping
from typing import Any

from mlops.container.train import HYPERPARAMETERS
from mlops.errors import BackendError


def parameter_ranges(
    strategy: str, ranges: Mapping[str, tuple[float, float]], max_jobs: int
) -> dict[str, Any]:
    """The `ParameterRanges` of a tuning job.

    Args:
        strategy: A grid has no ranges in SageMaker, only lists of values: it gets some of each.
        ranges: Per hyperparameter its lowest and highest value.
        max_jobs: A grid has no more points than this.

    Raises:
        BackendError: if a grid of so few points has only one value in some direction.
    """
    if strategy == "Grid":
        points = _points_per_range(len(ranges), max_jobs)
        return {
            "CategoricalParameterRanges": [
                {"Name": name, "Values": _values(name, *ends, points)}
                for name, ends in ranges.items()
            ]
        }
    whole: list[dict[str, str]] = []
    decimal: list[dict[str, str]] = []
    for name, (low, high) in ranges.items():
        is_whole = HYPERPARAMETERS[name][0] is int
        (whole if is_whole else decimal).append(
            {
                "Name": name,
                "MinValue": _text(low, whole=is_whole),
                "MaxValue": _text(high, whole=is_whole),
                "ScalingType": "Auto",
            }
        )
    return {"IntegerParameterRanges": whole, "ContinuousParameterRanges": decimal}


def _points_per_range(ranges: int, max_jobs: int) -> int:
    points = 1
    while (points + 1) ** ranges <= max_jobs:
        points += 1
    if points < 2:
        raise BackendError(
            f"A grid over {ranges} hyperparameters has at least {2**ranges} points. Nothing was "
            f"started. Raise --max-jobs to that, or search fewer with --range."
        )
    return points


def _values(name: str, low: float, high: float, points: int) -> list[str]:
    """Evenly spaced values, the ends among them."""
    whole = HYPERPARAMETERS[name][0] is int
    steps = [low + (high - low) * step / (points - 1) for step in range(points)]
    return list(dict.fromkeys(_text(round(step) if whole else step, whole=whole) for step in steps))


def _text(value: float, *, whole: bool) -> str:
    return str(int(value)) if whole else f"{value:.6g}"
