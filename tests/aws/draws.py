"""What a tuning job tries: values drawn from its ranges, as their scaling has it."""

import itertools
import math
import random
from collections.abc import Iterator, Mapping
from typing import Any

from tests.aws.errors import invalid

Ranges = Mapping[str, list[Mapping[str, Any]]]


def check_ranges(config: Mapping[str, Any], given: Ranges, static: Mapping[str, str]) -> None:
    """What AWS refuses although the model of the service allows it.

    Args:
        config: The `HyperParameterTuningJobConfig`.
        given: Its `ParameterRanges`, or those of the definition.
        static: The hyperparameters that are not tuned.

    Raises:
        AwsError: if the ranges and the limits do not go together.
    """
    limits, ranges = config["ResourceLimits"], _tuned(given)
    if config["Strategy"] == "Grid":
        if "MaxNumberOfTrainingJobs" in limits or set(ranges) - {"CategoricalParameterRanges"}:
            raise invalid("A grid has categorical ranges only, and as many jobs as they make.")
    elif limits.get("MaxNumberOfTrainingJobs", 1) < limits["MaxParallelTrainingJobs"]:
        raise invalid("MaxParallelTrainingJobs is more than MaxNumberOfTrainingJobs.")
    for kind in ("IntegerParameterRanges", "ContinuousParameterRanges"):
        for item in ranges.get(kind, []):
            low, high = float(item["MinValue"]), float(item["MaxValue"])
            if low > high or item["Name"] in static:
                raise invalid(f"The range of {item['Name']} is empty, or its value is given.")
            scaling = item.get("ScalingType", "Auto")
            if scaling == "Logarithmic" and low <= 0:
                raise invalid(f"The range of {item['Name']} can't be logarithmic: it has 0.")
            if scaling == "ReverseLogarithmic" and not 0 <= low <= high < 1:
                raise invalid(f"The range of {item['Name']} must be within 0 and 1.")


def all_draws(config: Mapping[str, Any], given: Ranges, name: str) -> Iterator[dict[str, str]]:
    """The hyperparameters of one trial after the other; the same for the same job and seed."""
    ranges = _tuned(given)
    if config["Strategy"] == "Grid":
        items = ranges["CategoricalParameterRanges"]
        names = [item["Name"] for item in items]
        for chosen in itertools.product(*(item["Values"] for item in items)):
            yield dict(zip(names, chosen, strict=True))
        return
    source = random.Random(f"{name} {config.get('RandomSeed', 0)}")
    for _ in range(config["ResourceLimits"].get("MaxNumberOfTrainingJobs", 1)):
        values = {}
        for kind, items in ranges.items():
            for item in items:
                values[item["Name"]] = draw(source, kind, item)
        yield values


def draw(source: random.Random, kind: str, item: Mapping[str, Any]) -> str:
    """A value of a range, as its scaling has it."""
    if kind == "CategoricalParameterRanges":
        return str(source.choice(item["Values"]))
    low, high = float(item["MinValue"]), float(item["MaxValue"])
    scaling, place = item.get("ScalingType", "Auto"), source.random()
    if scaling == "Logarithmic":
        value = low * math.exp(place * math.log(high / low))
    elif scaling == "ReverseLogarithmic":
        value = 1 - (1 - low) * math.exp(place * math.log((1 - high) / (1 - low)))
    else:
        value = low + place * (high - low)
    if kind == "IntegerParameterRanges":
        return str(max(int(low), min(int(high), math.floor(value + 0.5))))
    return repr(value)


def _tuned(given: Ranges) -> dict[str, list[Mapping[str, Any]]]:
    """The ranges by kind; kinds without any are left out."""
    return {kind: items for kind, items in given.items() if items and kind != "AutoParameters"}
