"""The IAM policies: enough for every call that is made, and nothing that isn't."""

import ast
import fnmatch
import json
from pathlib import Path
from typing import Any

import boto3
import pytest

import mlops.backends.sagemaker
from mlops.backends.options import Hosting, Rollout
from mlops.backends.sagemaker import SageMakerBackend
from mlops.backends.sagemaker.access import WHO, policy
from mlops.settings import get_settings
from tests.aws import faults
from tests.aws.server import AwsServer
from tests.sagemaker.conftest import ROLE, data_of, run

FOLDER = Path(mlops.backends.sagemaker.__file__).parent
# Where IAM calls a right otherwise than the API calls the operation.
OTHERWISE = {
    "s3:HeadObject": "s3:GetObject",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:ListObjectsV2": "s3:ListBucket",
    "monitoring:DescribeAlarms": "cloudwatch:DescribeAlarms",
}
# Asking who one is needs no right.
FREE = {"sts:GetCallerIdentity"}
# Rights that go with a parameter of a call, not with a call of their own.
WITH_A_CALL = {"iam:PassRole", "iam:CreateServiceLinkedRole", "cloudwatch:TagResource"}


def calls_in_the_code() -> set[str]:
    """Every operation that the package names, as IAM spells it, read from its source."""
    found = set()
    session = boto3.session.Session(region_name="us-east-1")
    clients: dict[str, Any] = {}
    for path in sorted(FOLDER.glob("*.py")):
        text = path.read_text()
        words = {
            node.value
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        for service in ("sagemaker", "s3", "logs", "cloudwatch", "application-autoscaling", "sts"):
            if service not in clients:
                clients[service] = session.client(
                    service, aws_access_key_id="x", aws_secret_access_key="y"
                ).meta.method_to_api_mapping
            for word in words:
                if word in clients[service]:
                    found.add(f"{service}:{clients[service][word]}")
        if ".invoke_endpoint(" in text:
            found.add("sagemaker:InvokeEndpoint")
    return {OTHERWISE.get(name, name) for name in found} - FREE


def actions_of(document: dict[str, Any]) -> set[str]:
    return {action for part in document["Statement"] for action in part["Action"]}


def allows(document: dict[str, Any], action: str, resource: str) -> bool:
    return any(
        action in part["Action"]
        and any(fnmatch.fnmatchcase(resource, allowed) for allowed in part["Resource"])
        for part in document["Statement"]
    )


def test_the_engineer_may_do_what_the_code_calls_and_no_more() -> None:
    allowed = actions_of(policy("engineer", get_settings()))
    called = calls_in_the_code()
    assert called - allowed == set()
    assert allowed - called - WITH_A_CALL == set()
    # Tags travel with what is made.
    assert "sagemaker:AddTags" in allowed


def test_the_bot_may_do_less_and_removes_nothing_but_data_of_its_jobs() -> None:
    document = policy("bot", get_settings())
    bot = actions_of(document)
    assert bot < actions_of(policy("engineer", get_settings()))
    assert [action for action in bot if ":Delete" in action] == ["s3:DeleteObject"]
    for part in document["Statement"]:
        if "s3:DeleteObject" in part["Action"]:
            assert all(name.endswith("/referral-triage/data/*") for name in part["Resource"])
    assert {"sagemaker:InvokeEndpoint", "sagemaker:UpdateEndpoint", "iam:PassRole"} <= bot


def test_no_policy_is_wider_than_what_is_ours() -> None:
    for who in ("bot", "engineer", "execution"):
        for part in policy(who, get_settings())["Statement"]:
            assert not [action for action in part["Action"] if "*" in action]
            if part["Resource"] == ["*"]:  # AWS knows no resources for these
                for action in part["Action"]:
                    assert action.split(":")[1].startswith(
                        ("List", "Get", "Describe", "PutMetricData", "Register", "Deregister")
                    ) or action.startswith("application-autoscaling:"), action


def test_every_request_of_a_deployment_is_allowed(
    cloud: AwsServer, backend: SageMakerBackend
) -> None:
    start = len(cloud.calls)
    backend.deploy("referral-triage", "shipped", Hosting(instance_type="ml.m5.large", scale_to=2))
    backend.update("referral-triage", "shipped", Hosting(instance_count=2), Rollout(bake=0))
    backend.invoke("referral-triage", b'{"instances": []}')
    backend.rollback("referral-triage")
    backend.delete_endpoint("referral-triage")
    document = policy("engineer", get_settings())
    head = "arn:aws:sagemaker:us-east-1:123456789012:"
    kinds = {
        "EndpointName": "endpoint",
        "EndpointConfigName": "endpoint-config",
        "ModelName": "model",
    }
    checked = 0
    for call in cloud.calls[start:]:
        if call.service not in ("sagemaker", "sagemaker-runtime"):
            continue
        action = f"sagemaker:{call.operation}"
        for parameter, kind in kinds.items():
            name = call.params.get(parameter)
            # Updating needs the right on the config as well as on the endpoint.
            if name and not (call.operation == "CreateEndpointConfig" and kind == "model"):
                assert allows(document, action, f"{head}{kind}/{name}"), (action, name)
                checked += 1
    assert checked > 10


def test_policies_are_filled_in_and_fit_into_iam(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIAGE_KMS_KEY", "arn:aws-cn:kms:cn-north-1:123456789012:key/k")
    monkeypatch.setenv("TRIAGE_SUBNETS", "subnet-1")
    monkeypatch.setenv("TRIAGE_SECURITY_GROUPS", "sg-1")
    monkeypatch.setenv("AWS_REGION", "cn-north-1")
    monkeypatch.setenv("TRIAGE_ENDPOINT", "ward-7")
    get_settings.cache_clear()
    for who in WHO:
        document = data_of(run("doctor", "--iam", who))
        text = json.dumps(document, separators=(",", ":"))
        assert "${" not in text
        assert len(text) < 6144  # IAM's limit for a managed policy
        assert "kms:Decrypt" in text or who == "trust"
        assert ("ec2:CreateNetworkInterface" in text) is (who == "execution")
        assert "arn:aws:" not in text.replace(ROLE, "")
    assert "endpoint/ward-7*" in run("doctor", "--iam", "bot").stdout


def test_the_doctor_looks_at_the_account(cloud: AwsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def backend_check() -> dict[str, str]:
        get_settings.cache_clear()
        checks = json.loads(run("doctor", "--json").stdout)
        return next(check for check in checks if check["name"] == "Backend")

    found = backend_check()
    assert found["state"] == "ok"
    for part in ("123456789012", "us-east-1", "bucket triage", "referral-triage-execution"):
        assert part in found["found"]
    monkeypatch.setenv("TRIAGE_BUCKET", "no-such-bucket")
    assert "aws s3 mb s3://no-such-bucket" in backend_check()["found"]
    monkeypatch.setenv("TRIAGE_BUCKET", "triage")
    monkeypatch.delenv("SAGEMAKER_ROLE_ARN")
    assert "SAGEMAKER_ROLE_ARN" in backend_check()["found"]
    cloud.faults.queue("GetCallerIdentity", faults.expired())
    found = backend_check()
    assert found["state"] == "failed"
    assert "Sign in again" in found["found"]


def test_the_account_is_asked_for_when_no_role_says_it(
    cloud: AwsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SAGEMAKER_ROLE_ARN")
    get_settings.cache_clear()
    text = run("doctor", "--iam", "bot").stdout
    assert "arn:aws:iam::123456789012:role/referral-triage-execution" in text
    monkeypatch.delenv("TRIAGE_BUCKET")
    get_settings.cache_clear()
    assert "Set TRIAGE_BUCKET" in run("doctor", "--iam", "bot").stderr
