"""The metrics of endpoints, and the CloudWatch alarms on them that fire."""

import math
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from tests.aws.cloud import Cloud

NAMESPACE = "AWS/SageMaker"
_COMPARISONS = {
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}


class Watch:
    """Every value of every metric, and who is alarmed by them.

    An alarm looks at the values of its last periods as they come; the time until CloudWatch looks,
    a minute or more, is left out.
    """

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._lock = threading.Lock()
        self._values: dict[tuple[str, str, str], list[tuple[float, float]]] = defaultdict(list)

    def record(self, endpoint: str, variant: str, values: Mapping[str, float]) -> None:
        """Take in what one invocation measured, and set off the alarms that it concerns."""
        with self._lock:
            for name, value in values.items():
                self._values[endpoint, variant, name].append((time.time(), value))
        dimensions = [
            {"Name": "EndpointName", "Value": endpoint},
            {"Name": "VariantName", "Value": variant},
        ]
        self._cloud.cloudwatch.put_metric_data(
            Namespace=NAMESPACE,
            MetricData=[
                {"MetricName": name, "Value": value, "Dimensions": dimensions}
                for name, value in values.items()
            ],
        )
        for alarm in self._cloud.alarms():
            if self._concerns(alarm, dimensions, values) and self._breached(alarm):
                self._cloud.cloudwatch.set_alarm_state(
                    AlarmName=alarm["AlarmName"],
                    StateValue="ALARM",
                    StateReason=f"Threshold crossed by {alarm['MetricName']}",
                )

    def in_alarm(self, names: Sequence[str]) -> list[str]:
        """Those of the alarms that are in the state ALARM."""
        if not names:
            return []
        return [a["AlarmName"] for a in self._cloud.alarms(names) if a["StateValue"] == "ALARM"]

    def unknown(self, names: Sequence[str]) -> list[str]:
        """Those of the alarms that do not exist."""
        found = {alarm["AlarmName"] for alarm in self._cloud.alarms(names)} if names else set()
        return [name for name in names if name not in found]

    def _concerns(
        self,
        alarm: Mapping[str, Any],
        dimensions: Sequence[Mapping[str, str]],
        values: Mapping[str, float],
    ) -> bool:
        # An alarm that leaves the variant out has a metric of its own on AWS, which has no values.
        same = sorted(alarm.get("Dimensions", []), key=lambda item: item["Name"]) == dimensions
        return alarm.get("Namespace") == NAMESPACE and alarm.get("MetricName") in values and same

    def _breached(self, alarm: Mapping[str, Any]) -> bool:
        named = {item["Name"]: item["Value"] for item in alarm["Dimensions"]}
        key = (named["EndpointName"], named["VariantName"], alarm["MetricName"])
        since = time.time() - alarm["Period"] * alarm["EvaluationPeriods"]
        with self._lock:
            values = sorted(value for at, value in self._values[key] if at >= since)
        statistic = alarm.get("ExtendedStatistic") or alarm.get("Statistic", "Average")
        if not values:
            return False
        measured = _statistic(statistic, values)
        return _COMPARISONS[alarm["ComparisonOperator"]](measured, alarm["Threshold"])


def _statistic(name: str, values: Sequence[float]) -> float:
    if name.startswith("p"):
        return values[min(len(values), math.ceil(len(values) * float(name[1:]) / 100)) - 1]
    return {
        "Sum": sum(values),
        "Average": sum(values) / len(values),
        "Maximum": values[-1],
        "Minimum": values[0],
        "SampleCount": float(len(values)),
    }[name]
