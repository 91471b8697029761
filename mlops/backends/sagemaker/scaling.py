"""Autoscaling of an endpoint: between its count and a ceiling, by requests per machine."""

from mlops.backends.sagemaker.aws import Aws
from mlops.backends.sagemaker.errors import AwsError
from mlops.backends.sagemaker.hosting import CHAMPION

SERVICE = "application-autoscaling"
DIMENSION = "sagemaker:variant:DesiredInstanceCount"
# Requests per minute that one machine answers at ease; a note takes about 30 ms.
INVOCATIONS_PER_MINUTE = 600.0


class Scaling:
    """Turns autoscaling of an endpoint on and off."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    def turn_on(self, endpoint: str, least: int, most: int) -> None:
        """Scale between two counts; asking again changes them."""
        self._aws.call(
            SERVICE,
            "register_scalable_target",
            **_target(endpoint),
            MinCapacity=least,
            MaxCapacity=most,
        )
        self._aws.call(
            SERVICE,
            "put_scaling_policy",
            PolicyName=f"{endpoint}-requests",
            PolicyType="TargetTrackingScaling",
            **_target(endpoint),
            TargetTrackingScalingPolicyConfiguration={
                "TargetValue": INVOCATIONS_PER_MINUTE,
                "PredefinedMetricSpecification": {
                    "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"
                },
                "ScaleInCooldown": 300,
                "ScaleOutCooldown": 60,
            },
        )

    def limits(self, endpoint: str) -> tuple[int, int] | None:
        """Between which counts it scales; None if it does not."""
        answer = self._aws.call(
            SERVICE,
            "describe_scalable_targets",
            ServiceNamespace="sagemaker",
            ResourceIds=[_target(endpoint)["ResourceId"]],
        )
        for target in answer.get("ScalableTargets", ()):
            return int(target["MinCapacity"]), int(target["MaxCapacity"])
        return None

    def turn_off(self, endpoint: str) -> None:
        """Stop scaling; the policy goes with it."""
        try:
            self._aws.call(SERVICE, "deregister_scalable_target", **_target(endpoint))
        except AwsError as error:
            if not error.missing:
                raise


def _target(endpoint: str) -> dict[str, str]:
    return {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{endpoint}/variant/{CHAMPION}",
        "ScalableDimension": DIMENSION,
    }
