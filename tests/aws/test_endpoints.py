"""Endpoints on the test server: they serve, are swapped, roll back, and say what AWS says."""

import contextlib
import threading

import pytest
from botocore.exceptions import ClientError

from tests.aws.conftest import Account, until, variant
from tests.aws.pace import Pace
from tests.aws.server import AwsServer

CANARY = {
    "BlueGreenUpdatePolicy": {
        "TrafficRoutingConfiguration": {
            "Type": "CANARY",
            "WaitIntervalInSeconds": 60,
            "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 50},
        },
        "TerminationWaitInSeconds": 60,
    }
}


def alarm(account: Account, metric: str = "Invocation5XXErrors", **more: object) -> str:
    """An alarm on an endpoint's failures; its name."""
    account.cloudwatch.put_metric_alarm(
        **{
            "AlarmName": metric,
            "Namespace": "AWS/SageMaker",
            "MetricName": metric,
            "Dimensions": [
                {"Name": "EndpointName", "Value": "triage"},
                {"Name": "VariantName", "Value": "AllTraffic"},
            ],
            "Statistic": "Sum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 1,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        }
        | more
    )
    return metric


def guarded(name: str) -> dict[str, object]:
    """A canary that an alarm guards."""
    return CANARY | {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": name}]}}


def state_of(account: Account, name: str) -> str:
    """The state of an alarm."""
    return str(
        account.cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["StateValue"]
    )


def test_an_endpoint_serves_its_model(account: Account) -> None:
    account.model("one")
    account.sagemaker.create_endpoint(EndpointName="triage", EndpointConfigName="one")
    created = account.sagemaker.describe_endpoint(EndpointName="triage")
    assert created["EndpointStatus"] == "Creating"
    assert account.settled("triage")["EndpointStatus"] == "InService"
    assert account.ask("triage") == ["1", "text/plain", "hello"]
    lines = account.logs.filter_log_events(logGroupName="/aws/sagemaker/Endpoints/triage")
    assert lines["events"] == []


def test_an_unknown_endpoint_is_a_validation_error(account: Account) -> None:
    with pytest.raises(ClientError) as refused:
        account.ask("nowhere")
    assert refused.value.response["Error"]["Code"] == "ValidationError"
    with pytest.raises(ClientError, match="Could not find endpoint") as refused:
        account.sagemaker.describe_endpoint(EndpointName="nowhere")
    assert refused.value.response["Error"]["Code"] == "ValidationException"


def test_a_model_that_fails_is_a_model_error(account: Account) -> None:
    account.model("one")
    account.deploy("triage", "one")
    with pytest.raises(ClientError) as refused:
        account.ask("triage", "fail")
    assert refused.value.response["Error"]["Code"] == "ModelError"
    assert refused.value.response["OriginalStatusCode"] == 500
    assert refused.value.response["OriginalMessage"] == "asked to fail"
    with pytest.raises(ClientError) as refused:
        account.ask("triage", "x" * (6 * 1024 * 1024 + 1))
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413


def test_an_update_swaps_the_model_and_refuses_nothing(account: Account) -> None:
    account.model("one")
    account.model("two", "2")
    account.deploy("triage", "one")
    account.sagemaker.update_endpoint(
        EndpointName="triage", EndpointConfigName="two", DeploymentConfig=CANARY
    )
    seen = set()
    while (
        account.sagemaker.describe_endpoint(EndpointName="triage")["EndpointStatus"] != "InService"
    ):
        seen.add(account.ask("triage")[0])
    after = account.settled("triage")
    assert after["EndpointConfigName"] == "two"
    assert "FailureReason" not in after
    assert seen == {"1", "2"}
    assert {account.ask("triage")[0] for _ in range(5)} == {"2"}


def test_what_is_being_answered_during_an_update_is_answered(account: Account) -> None:
    account.model("one")
    account.model("two", "2")
    account.deploy("triage", "one")
    answers: list[str] = []
    slow = threading.Thread(target=lambda: answers.append(account.ask("triage", "slow")[0]))
    slow.start()
    account.sagemaker.update_endpoint(EndpointName="triage", EndpointConfigName="two")
    assert account.settled("triage")["EndpointConfigName"] == "two"
    slow.join()
    assert answers == ["1"]


def test_failures_during_an_update_fire_the_alarm_and_roll_it_back(account: Account) -> None:
    account.model("one")
    account.model(
        "broken",
        "2",
        code="def model_fn(d): return 1\ndef input_fn(b, c): raise ValueError('broken')\n",
    )
    account.deploy("triage", "one")
    account.sagemaker.update_endpoint(
        EndpointName="triage",
        EndpointConfigName="broken",
        DeploymentConfig=guarded(alarm(account)),
    )
    while (
        account.sagemaker.describe_endpoint(EndpointName="triage")["EndpointStatus"] == "Updating"
    ):
        with contextlib.suppress(account.runtime.exceptions.ModelError):
            account.ask("triage")
    after = account.settled("triage")
    assert (after["EndpointStatus"], after["EndpointConfigName"]) == ("InService", "one")
    assert "Invocation5XXErrors" in after["FailureReason"]
    assert state_of(account, "Invocation5XXErrors") == "ALARM"
    assert account.ask("triage")[0] == "1"


def test_an_alarm_that_the_test_sets_rolls_back(account: Account) -> None:
    account.model("one")
    account.model("two", "2")
    account.deploy("triage", "one")
    name = alarm(account, "ModelLatency", Threshold=1e9)
    account.sagemaker.update_endpoint(
        EndpointName="triage", EndpointConfigName="two", DeploymentConfig=guarded(name)
    )
    account.cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="the test")
    after = account.settled("triage")
    assert (after["EndpointStatus"], after["EndpointConfigName"]) == ("InService", "one")


def test_a_model_that_does_not_start(account: Account) -> None:
    account.model("one")
    account.model("dead", code="raise SystemExit('no such library')")
    account.deploy("triage", "one")
    account.sagemaker.update_endpoint(EndpointName="triage", EndpointConfigName="dead")
    with pytest.raises(ClientError, match="in-progress"):
        account.sagemaker.update_endpoint(EndpointName="triage", EndpointConfigName="dead")
    after = account.settled("triage")
    assert (after["EndpointStatus"], after["EndpointConfigName"]) == ("InService", "one")
    assert "ping health check" in after["FailureReason"]
    assert account.ask("triage")[0] == "1"
    failed = account.deploy("fresh", "dead")
    assert failed["EndpointStatus"] == "Failed"
    assert "ping health check" in failed["FailureReason"]


def test_a_shadow_gets_a_copy_and_answers_nobody(account: Account) -> None:
    account.model("one")
    account.model("two", "2")
    account.sagemaker.create_endpoint_config(
        EndpointConfigName="both",
        ProductionVariants=[variant("one", InitialVariantWeight=1)],
        ShadowProductionVariants=[variant("two", "Challenger", InitialVariantWeight=1)],
    )
    described = account.deploy("triage", "both")
    assert [v["VariantName"] for v in described["ShadowProductionVariants"]] == ["Challenger"]
    assert {account.ask("triage")[0] for _ in range(4)} == {"1"}

    def copies() -> bool:
        found = account.cloudwatch.list_metrics(Namespace="AWS/SageMaker")["Metrics"]
        return any(d["Value"] == "Challenger" for metric in found for d in metric["Dimensions"])

    until(copies)


def test_a_linear_update_moves_the_traffic_in_steps(account: Account) -> None:
    account.model("one")
    account.model("two", "2")
    account.deploy("triage", "one")
    linear = {
        "Type": "LINEAR",
        "WaitIntervalInSeconds": 60,
        "LinearStepSize": {"Type": "INSTANCE_COUNT", "Value": 1},
    }
    account.sagemaker.update_endpoint(
        EndpointName="triage",
        EndpointConfigName="two",
        DeploymentConfig={
            "BlueGreenUpdatePolicy": {
                "TrafficRoutingConfiguration": linear,
                "TerminationWaitInSeconds": 60,
            }
        },
    )
    shares = set()
    while account.aws.endpoints.shelf.get("triage").status == "Updating":
        shares.add(account.aws.endpoints.shelf.get("triage").share)
    assert {0.5, 1.0} <= shares <= {0.0, 0.5, 1.0}
    after = account.settled("triage")
    assert after["EndpointConfigName"] == "two"
    assert after["LastDeploymentConfig"]["BlueGreenUpdatePolicy"]


def test_variants_weights_and_capacities(account: Account) -> None:
    for name, number in (("one", "1"), ("two", "2")):
        account.model(name, number)
    for config in ("pair", "next"):
        account.sagemaker.create_endpoint_config(
            EndpointConfigName=config,
            ProductionVariants=[
                variant("one", "A", InitialVariantWeight=1),
                variant("two", "B", InitialVariantWeight=0),
            ],
        )
    account.deploy("triage", "pair")
    assert {account.ask("triage")[0] for _ in range(5)} == {"1"}
    assert account.ask("triage", TargetVariant="B")[0] == "2"
    account.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName="triage",
        DesiredWeightsAndCapacities=[
            {"VariantName": "A", "DesiredWeight": 0, "DesiredInstanceCount": 3},
            {"VariantName": "B", "DesiredWeight": 1},
        ],
    )
    account.settled("triage")
    assert {account.ask("triage")[0] for _ in range(5)} == {"2"}
    account.sagemaker.update_endpoint(
        EndpointName="triage", EndpointConfigName="next", RetainAllVariantProperties=True
    )
    kept = account.settled("triage")["ProductionVariants"]
    assert [(v["VariantName"], v["CurrentInstanceCount"], v["CurrentWeight"]) for v in kept] == [
        ("A", 3, 0.0),
        ("B", 2, 1.0),
    ]


def test_a_model_that_takes_too_long_is_a_model_error() -> None:
    server = AwsServer(pace=Pace(answer=0.3))
    server.start()
    try:
        account = Account(server)
        account.model("one")
        account.deploy("triage", "one")
        with pytest.raises(ClientError) as refused:
            account.ask("triage", "slow")
        assert refused.value.response["Error"]["Code"] == "ModelError"
        assert refused.value.response["OriginalStatusCode"] == 0
    finally:
        server.stop()


def test_a_deleted_endpoint_is_gone(account: Account) -> None:
    account.model("one")
    account.sagemaker.create_endpoint_config(
        EndpointConfigName="serverless",
        ProductionVariants=[
            variant("one", ServerlessConfig={"MemorySizeInMB": 2048, "MaxConcurrency": 5})
        ],
    )
    account.deploy("triage", "serverless")
    assert account.ask("triage")[0] == "1"
    account.sagemaker.delete_endpoint(EndpointName="triage")
    until(lambda: account.sagemaker.list_endpoints()["Endpoints"] == [])
    with pytest.raises(ClientError):
        account.ask("triage")
