"""Looking at endpoints, and waiting until nothing changes any more."""

import time
from collections.abc import Mapping
from typing import Any

from mlops.backends.sagemaker.aws import Aws
from mlops.backends.sagemaker.errors import AwsError
from mlops.backends.sagemaker.hosting import MAX_EXECUTION_SECONDS
from mlops.errors import BackendError, NotFoundError

_FIRST_PAUSE, _LAST_PAUSE, _SLOWER = 0.2, 10.0, 1.3
_WAIT_SECONDS = MAX_EXECUTION_SECONDS + 600.0
_REASON_CHARACTERS = 300
_CHANGING = ("Creating", "Updating", "SystemUpdating", "RollingBack")


class Looking:
    """Gives `DescribeEndpoint` answers."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    def told(self, name: str) -> dict[str, Any] | None:
        """The answer; None if there is no such endpoint."""
        try:
            return self._aws.call("sagemaker", "describe_endpoint", EndpointName=name)
        except AwsError as error:
            if error.missing or error.code in ("ValidationException", "ParamValidationError"):
                return None
            raise

    def require(self, name: str) -> dict[str, Any]:
        """The answer.

        Raises:
            NotFoundError: if there is no such endpoint.
        """
        told = self.told(name)
        if told is None:
            raise not_found(name)
        return told

    def wait(self, name: str) -> dict[str, Any]:
        """Wait until an endpoint is neither created nor changed any more."""
        deadline = time.monotonic() + _WAIT_SECONDS
        pause = _FIRST_PAUSE
        while True:
            told = self.require(name)
            if told["EndpointStatus"] not in _CHANGING:
                return told
            if time.monotonic() > deadline:
                raise BackendError(
                    f"The endpoint {name} is {told['EndpointStatus']} since more than eight hours. "
                    f"It goes on. See how it is: triage endpoints show {name}"
                )
            time.sleep(pause)
            pause = min(_LAST_PAUSE, pause * _SLOWER)


def config_of(told: Mapping[str, Any]) -> str:
    """The config that is in force."""
    return str(told.get("EndpointConfigName", ""))


def reason_of(told: Mapping[str, Any]) -> str:
    """Why it failed or was rolled back, in SageMaker's words, as a part of a sentence."""
    said = " ".join(str(told.get("FailureReason") or "SageMaker gives no reason").split())
    return said[:_REASON_CHARACTERS].rstrip(".")


def not_found(name: str) -> NotFoundError:
    """There is no such endpoint."""
    return NotFoundError(
        f"There is no endpoint {name[:80]!r}. Nothing was changed. "
        "See which there are: triage endpoints list; or create it: triage deploy"
    )
