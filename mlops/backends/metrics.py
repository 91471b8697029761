"""How metrics are read from a training log: the lines that `train.py` prints.

`validation-auc:0.97` in the log is the metric `validation:auc`. SageMaker is told the same pattern
as a `MetricDefinition`, so both backends read the same numbers.
"""

import math
import re

_NUMBER = r"(-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)"
_LINE = re.compile(r"(?<![\w-])(train|validation)-([a-z][a-z0-9_-]*):" + _NUMBER + r"(?![\w.])")


def parse_metrics(line: str) -> dict[str, float]:
    """Every metric in one line of a log, by name; numbers that are not finite are left out."""
    found = {f"{part}:{name}": float(number) for part, name, number in _LINE.findall(line)}
    return {name: value for name, value in found.items() if math.isfinite(value)}


def metric_definition(name: str) -> dict[str, str]:
    """The `MetricDefinition` for SageMaker of a metric such as `validation:auc`."""
    return {"Name": name, "Regex": name.replace(":", "-") + r":([0-9.]+)"}
