"""The test server's own promises: faults come when ordered, calls are recorded, nothing is left."""

import http.client
import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from tests.aws import faults
from tests.aws.conftest import Account, training_request, until
from tests.aws.server import AwsServer

ROOT = Path(__file__).resolve().parents[2]


def code_of(refused: pytest.ExceptionInfo[ClientError]) -> str:
    """The error code of a refusal."""
    return str(refused.value.response["Error"]["Code"])


@pytest.mark.parametrize(
    ("fault", "code", "status"),
    [
        (faults.throttled(), "ThrottlingException", 400),
        (faults.internal(), "InternalFailure", 500),
        (faults.expired(), "ExpiredTokenException", 400),
        (faults.denied(), "AccessDeniedException", 400),
        (faults.limit(), "ResourceLimitExceeded", 400),
    ],
)
def test_a_fault_meets_one_request(
    account: Account, fault: faults.Fault, code: str, status: int
) -> None:
    account.aws.faults.queue("ListTrainingJobs", fault)
    with pytest.raises(ClientError) as refused:
        account.sagemaker.list_training_jobs()
    assert code_of(refused) == code
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert account.aws.faults.left == 0
    assert account.sagemaker.list_training_jobs()["TrainingJobSummaries"] == []


def test_faults_reach_the_services_that_moto_answers_for(account: Account) -> None:
    for client, operation, fault, code in (
        (account.s3, "list_objects_v2", faults.no_bucket(), "NoSuchBucket"),
        (account.s3, "list_objects_v2", faults.throttled(), "SlowDown"),
        (account.aws.client("sts"), "get_caller_identity", faults.expired(), "ExpiredToken"),
        (account.cloudwatch, "describe_alarms", faults.throttled(), "ThrottlingException"),
    ):
        account.aws.faults.queue(client.meta.method_to_api_mapping[operation], fault)
        arguments = {"Bucket": "triage"} if client is account.s3 else {}
        with pytest.raises(ClientError) as refused:
            getattr(client, operation)(**arguments)
        assert code_of(refused) == code
        getattr(client, operation)(**arguments)


def test_a_retrying_client_gets_through(account: Account) -> None:
    patient = account.aws.client("sagemaker", retries={"total_max_attempts": 3})
    account.aws.faults.queue("ListModels", faults.throttled(), faults.reset())
    assert patient.list_models()["Models"] == []
    assert len(account.aws.called("ListModels")) == 3


def test_an_answer_can_be_lost_after_the_deed(account: Account) -> None:
    request = training_request("job", "s3://triage/code/sourcedir.tar.gz")
    account.aws.faults.queue("CreateTrainingJob", faults.reset(after=True))
    with pytest.raises(ConnectionClosedError):
        account.sagemaker.create_training_job(**request)
    with pytest.raises(ClientError) as refused:
        account.sagemaker.create_training_job(**request)
    assert code_of(refused) == "ResourceInUse"
    account.ended("job")


def test_an_answer_can_come_too_late(account: Account) -> None:
    hasty = account.aws.client("sagemaker", read_timeout=0.2)
    account.aws.faults.queue("ListModels", faults.hang(1.0))
    with pytest.raises(ReadTimeoutError):
        hasty.list_models()


def test_a_job_can_find_no_capacity(account: Account) -> None:
    account.aws.faults.queue("CreateTrainingJob", faults.capacity())
    account.train()
    job = account.ended("job")
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("CapacityError")
    assert "TrainingStartTime" not in job


def test_an_endpoint_and_its_update_can_find_no_capacity(account: Account) -> None:
    account.model("one")
    account.model("two", "2")
    account.aws.faults.queue("CreateEndpoint", faults.capacity())
    failed = account.deploy("none", "one")
    assert failed["EndpointStatus"] == "Failed"
    assert "InsufficientInstanceCapacity" in failed["FailureReason"]
    account.deploy("triage", "one")
    account.aws.faults.queue("UpdateEndpoint", faults.capacity())
    account.sagemaker.update_endpoint(EndpointName="triage", EndpointConfigName="two")
    after = account.settled("triage")
    assert (after["EndpointStatus"], after["EndpointConfigName"]) == ("InService", "one")
    assert "InsufficientInstanceCapacity" in after["FailureReason"]


def test_every_call_is_recorded_with_its_parameters(account: Account) -> None:
    account.train("job", Tags=[{"Key": "by", "Value": "U1"}])
    account.ended("job")
    [recorded] = account.aws.called("CreateTrainingJob")
    assert recorded["HyperParameters"]["eta"] == "0.1"
    assert recorded["Tags"] == [{"Key": "by", "Value": "U1"}]
    objects = account.aws.called("PutObject")
    assert {"Bucket": "triage", "Key": "train/number"}.items() <= objects[0].items()
    assert "Body" not in objects[0]
    # What SageMaker itself wrote into the bucket was no call of ours.
    assert not [params for params in objects if params["Key"].startswith("jobs/")]


def test_requests_that_no_client_of_aws_would_send(aws: AwsServer) -> None:
    scope = "AKIATEST/20260101/us-east-1/sagemaker/aws4_request"
    signed = {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=, Signature="}
    headers = {"Content-Type": "application/x-amz-json-1.1"}

    def send(operation: str, body: object, **more: str) -> str:
        target = {"X-Amz-Target": f"SageMaker.{operation}"}
        connection = http.client.HTTPConnection(urlsplit(aws.url).netloc)
        connection.request("POST", "/", json.dumps(body), {**headers, **target, **more})
        answer = json.loads(connection.getresponse().read())
        connection.close()
        return str(answer["__type"])

    assert send("ListModels", {}) == "MissingAuthenticationTokenException"
    assert send("ListModels", {"Nonsense": 1}, **signed) == "ValidationException"
    assert send("DescribeModel", {}, **signed) == "ValidationException"
    assert send("DescribeModel", {"ModelName": 5}, **signed) == "ValidationException"
    assert send("BuildModel", {}, **signed) == "UnknownOperationException"
    assert send("ListDomains", {}, **signed) == "UnknownOperationException"


def test_nothing_is_left_when_the_server_ends(aws: AwsServer) -> None:
    account = Account(aws)
    account.model("one")
    account.deploy("triage", "one")
    account.train(script="import time; time.sleep(300)")
    folder = aws.folder
    until(lambda: len(running_below(folder)) >= 4)  # a container and a script, and their parents
    aws.stop()
    assert not running_below(folder)
    assert not folder.exists()
    aws.start()


def test_nothing_is_left_when_its_process_is_killed(tmp_path: Path) -> None:
    folder = tmp_path / "server"
    folder.mkdir()
    with subprocess.Popen(
        [sys.executable, "-m", "tests.aws"],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(6)]
            variables = dict(line.removeprefix("export ").strip().split("=") for line in lines)
            port = int(variables["AWS_ENDPOINT_URL"].rpartition(":")[2])
            account = Account(AwsServer(port=port))  # its clients only: it is not started
            account.train(script="import time; time.sleep(300)")
            until(lambda: running_below(folder))
        finally:
            process.kill()
    until(lambda: not running_below(folder), 10)


def running_below(folder: Path) -> list[str]:
    """The processes whose working folder is below this one."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if entry.readlink().is_relative_to(folder):
                found.append(str(entry))
        except OSError:
            continue
    return found
