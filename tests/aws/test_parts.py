"""The test server's parts on their own: draws, patterns of the models, the services of moto."""

import random
import re

import botocore.session
import pytest

from tests.aws.checks import problems
from tests.aws.conftest import ROLE, Account
from tests.aws.draws import draw


def drawn(kind: str, low: str, high: str, scaling: str) -> list[float]:
    """A thousand draws, sorted."""
    item = {"Name": "x", "MinValue": low, "MaxValue": high, "ScalingType": scaling}
    source = random.Random(1)
    return sorted(float(draw(source, kind, item)) for _ in range(1000))


@pytest.mark.parametrize(
    ("scaling", "low", "high", "median"),
    [
        ("Linear", "0", "10", 5.0),
        ("Logarithmic", "0.001", "10", 0.1),
        ("ReverseLogarithmic", "0", "0.9999", 0.99),
    ],
)
def test_draws_are_spread_as_the_scaling_says(
    scaling: str, low: str, high: str, median: float
) -> None:
    values = drawn("ContinuousParameterRanges", low, high, scaling)
    assert float(low) <= values[0] <= values[-1] <= float(high)
    spread = (lambda x: 1 - x) if scaling == "ReverseLogarithmic" else (lambda x: x)
    assert spread(values[500]) == pytest.approx(spread(median), rel=0.5)


def test_whole_numbers_reach_both_ends() -> None:
    assert set(drawn("IntegerParameterRanges", "1", "4", "Linear")) == {1, 2, 3, 4}


def test_every_pattern_of_the_services_is_understood() -> None:
    session = botocore.session.get_session()
    seen = 0
    for service in (
        *("sagemaker", "sagemaker-runtime", "logs", "cloudwatch"),
        *("application-autoscaling", "iam", "kms", "sts"),
    ):
        model = session.get_service_model(service)
        for name in model.shape_names:
            shape = model.shape_for(name)
            if shape.type_name == "string" and "pattern" in shape.metadata:
                try:
                    list(problems("x", shape))
                except re.error as error:
                    pytest.fail(f"{name}: {shape.metadata['pattern']} ({error})")
                seen += 1
    assert seen > 500


def test_tags_may_have_any_letters_and_names_may_not() -> None:
    model = botocore.session.get_session().get_service_model("sagemaker")
    assert not list(problems("Überweisung + Triage: a/b", model.shape_for("TagValue")))
    assert list(problems("semi;colon", model.shape_for("TagValue")))
    assert list(problems("-begins-with-a-dash", model.shape_for("TrainingJobName")))


def test_the_services_that_moto_answers_for(account: Account) -> None:
    client = account.aws.client
    assert client("sts").get_caller_identity()["Account"] == "123456789012"
    client("iam").create_role(RoleName="sagemaker", AssumeRolePolicyDocument="{}")
    assert client("iam").get_role(RoleName="sagemaker")["Role"]["Arn"] == ROLE
    assert client("kms").create_key()["KeyMetadata"]["Enabled"]
    scaling = client("application-autoscaling")
    target = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": "endpoint/triage/variant/AllTraffic",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }
    scaling.register_scalable_target(**target, MinCapacity=1, MaxCapacity=4)
    metric = {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}
    scaling.put_scaling_policy(
        **target,
        PolicyName="p",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 70.0,
            "PredefinedMetricSpecification": metric,
        },
    )
    [policy] = scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
    assert policy["ResourceId"] == target["ResourceId"]
