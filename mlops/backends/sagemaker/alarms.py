"""The CloudWatch alarms of an endpoint: they roll back an update, and ring when it is ill."""

from typing import Any

from mlops.backends.sagemaker.aws import Aws
from mlops.backends.sagemaker.hosting import CHAMPION
from mlops.backends.sagemaker.names import TAG_ENDPOINT
from mlops.backends.sagemaker.place import Place
from mlops.errors import BackendError

NAMESPACE = "AWS/SageMaker"
MAX_LATENCY_MS = 2000
_PERIOD_SECONDS = 60


def alarm_names(endpoint: str) -> list[str]:
    """Server errors, and how long the slowest hundredth waits."""
    return [f"{endpoint}-5xx", f"{endpoint}-latency-p99"]


class Alarms:
    """Makes, looks at and removes them."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    def ensure(self, endpoint: str, place: Place, max_latency: int | None) -> list[str]:
        """Make the alarms of an endpoint, or set them anew; their names."""
        errors, latency = alarm_names(endpoint)
        common: dict[str, Any] = {
            "Namespace": NAMESPACE,
            "Dimensions": [
                {"Name": "EndpointName", "Value": endpoint},
                {"Name": "VariantName", "Value": CHAMPION},
            ],
            "Period": _PERIOD_SECONDS,
            "EvaluationPeriods": 1,
            "DatapointsToAlarm": 1,
            # No requests are no errors.
            "TreatMissingData": "notBreaching",
            "ActionsEnabled": False,
            "Tags": place.tags({TAG_ENDPOINT: endpoint}),
        }
        self._aws.call(
            "cloudwatch",
            "put_metric_alarm",
            AlarmName=errors,
            AlarmDescription=f"The endpoint {endpoint} answers with server errors.",
            MetricName="Invocation5XXErrors",
            Statistic="Sum",
            Threshold=1.0,
            ComparisonOperator="GreaterThanOrEqualToThreshold",
            **common,
        )
        self._aws.call(
            "cloudwatch",
            "put_metric_alarm",
            AlarmName=latency,
            AlarmDescription=f"The endpoint {endpoint} is slow: p99 of the model's latency.",
            MetricName="ModelLatency",
            ExtendedStatistic="p99",
            # SageMaker measures in microseconds.
            Threshold=1000.0 * (max_latency or MAX_LATENCY_MS),
            ComparisonOperator="GreaterThanThreshold",
            **common,
        )
        return [errors, latency]

    def existing(self, endpoint: str) -> list[str]:
        """Those that are there."""
        return [str(item["AlarmName"]) for item in self._told(endpoint)]

    def check_quiet(self, endpoint: str) -> None:
        """An alarm that rings already would roll any update back at once.

        Raises:
            BackendError: if one does.
        """
        ringing = [
            str(item["AlarmName"]) for item in self._told(endpoint) if item["StateValue"] == "ALARM"
        ]
        if ringing:
            raise BackendError(
                f"The alarm {' and '.join(ringing)} rings already: SageMaker would roll the update "
                "back at once. Nothing was changed. Wait until it is quiet, or go without: "
                "--no-alarms"
            )

    def remove(self, endpoint: str) -> None:
        """Remove them."""
        self._aws.call("cloudwatch", "delete_alarms", AlarmNames=alarm_names(endpoint))

    def _told(self, endpoint: str) -> list[dict[str, Any]]:
        answer = self._aws.call("cloudwatch", "describe_alarms", AlarmNames=alarm_names(endpoint))
        return list(answer.get("MetricAlarms", ()))
