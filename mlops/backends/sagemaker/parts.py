"""What belongs to an endpoint and stays when only the endpoint is deleted: found, and removed."""

import time

from mlops.backends.sagemaker.alarms import Alarms
from mlops.backends.sagemaker.aws import Aws
from mlops.backends.sagemaker.errors import AwsError
from mlops.backends.sagemaker.names import PartName
from mlops.backends.sagemaker.scaling import Scaling
from mlops.errors import BackendError

_PAUSE_SECONDS = 0.3
_GONE_SECONDS = 600.0


class Parts:
    """The configs, models, alarms and autoscaling of endpoints."""

    def __init__(self, aws: Aws, alarms: Alarms, scaling: Scaling) -> None:
        self._aws = aws
        self._alarms = alarms
        self._scaling = scaling

    def lines(self, endpoint: str) -> list[str]:
        """What there is beside the endpoint itself, a line for each."""
        lines = []
        limits = self._scaling.limits(endpoint)
        if limits is not None:
            lines.append(f"autoscaling between {limits[0]} and {limits[1]} machines")
        lines += [f"endpoint config {name}" for name in self._configs(endpoint)]
        lines += [f"model {name}" for name in self._models(endpoint)]
        lines += [f"alarm {name}" for name in self._alarms.existing(endpoint)]
        return lines

    def remove(self, endpoint: str) -> None:
        """Remove the endpoint, then what belongs to it. What is gone already is passed over."""
        if self._scaling.limits(endpoint) is not None:
            self._scaling.turn_off(endpoint)
        self._delete("delete_endpoint", EndpointName=endpoint)
        self._wait_gone(endpoint)
        for name in self._configs(endpoint):
            self._delete("delete_endpoint_config", EndpointConfigName=name)
        for name in self._models(endpoint):
            self._delete("delete_model", ModelName=name)
        if self._alarms.existing(endpoint):
            self._alarms.remove(endpoint)

    def _configs(self, endpoint: str) -> list[str]:
        found = self._aws.pages(
            "sagemaker", "list_endpoint_configs", "EndpointConfigs", NameContains=endpoint
        )
        return _of(endpoint, [str(item["EndpointConfigName"]) for item in found])

    def _models(self, endpoint: str) -> list[str]:
        found = self._aws.pages("sagemaker", "list_models", "Models", NameContains=endpoint)
        return _of(endpoint, [str(item["ModelName"]) for item in found])

    def _delete(self, operation: str, **what: str) -> None:
        try:
            self._aws.call("sagemaker", operation, **what)
        except AwsError as error:
            if not error.missing:
                raise

    def _wait_gone(self, endpoint: str) -> None:
        """Wait until it has ended: what serves must not lose its config."""
        deadline = time.monotonic() + _GONE_SECONDS
        while time.monotonic() < deadline:
            try:
                self._aws.call("sagemaker", "describe_endpoint", EndpointName=endpoint)
            except AwsError as error:
                if error.missing:
                    return
                raise
            time.sleep(_PAUSE_SECONDS)
        raise BackendError(
            f"The endpoint {endpoint} is being deleted since {_GONE_SECONDS / 60:.0f} minutes. Its "
            f"configs and models are kept. Give the same command again: triage endpoints delete "
            f"{endpoint}"
        )


def _of(endpoint: str, names: list[str]) -> list[str]:
    """Those that are named after this endpoint, and not after one whose name holds its."""
    parsed = [(name, PartName.parse(name)) for name in names]
    return [name for name, part in parsed if part is not None and part.endpoint == endpoint]
