"""Clients and code that were not written for the test server: the `aws` command, and our own model.

The `aws` command line is AWS's; `train.py` and `inference.py` are what a SageMaker container runs.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mlops.backends import TrainRequest
from mlops.backends.local import LocalBackend
from mlops.backends.package import code_package
from mlops.operations import wait_for
from tests.aws.conftest import IMAGE, ROLE, Account, training_request, variant
from tests.backends.conftest import QUICK, body, dataset

__all__ = ["dataset"]


def run_aws(*arguments: str) -> Any:
    """Run the `aws` command, and read its JSON."""
    command = Path(sys.executable).with_name("aws")
    done = subprocess.run(
        [str(command), *arguments, "--output", "json"],
        env=os.environ | {"AWS_CONFIG_FILE": os.devnull},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout or "null")


def test_the_aws_command_lists_and_describes(account: Account) -> None:
    account.train("job")
    account.ended("job")
    account.model("one")
    account.deploy("triage", "one")
    [job] = run_aws("sagemaker", "list-training-jobs")["TrainingJobSummaries"]
    assert (job["TrainingJobName"], job["TrainingJobStatus"]) == ("job", "Completed")
    described = run_aws("sagemaker", "describe-training-job", "--training-job-name", "job")
    assert described["FinalMetricDataList"][0]["Value"] == 0.75
    endpoint = run_aws("sagemaker", "describe-endpoint", "--endpoint-name", "triage")
    assert endpoint["EndpointStatus"] == "InService"
    [key] = run_aws(
        "s3api", "list-objects-v2", "--bucket", "triage", "--prefix", "jobs/job/output/m"
    )["Contents"]
    assert key["Key"] == "jobs/job/output/model.tar.gz"
    identity = run_aws("sts", "get-caller-identity")
    assert identity["Account"] == "123456789012"
    with pytest.raises(subprocess.CalledProcessError) as failed:
        run_aws("sagemaker", "describe-model", "--model-name", "two")
    assert "Could not find model" in failed.value.stderr


def test_the_aws_command_waits_for_an_endpoint_and_invokes_it(
    account: Account, tmp_path: Path
) -> None:
    account.model("one")
    account.sagemaker.create_endpoint(EndpointName="triage", EndpointConfigName="one")
    run_aws("sagemaker", "wait", "endpoint-in-service", "--endpoint-name", "triage")
    answer = tmp_path / "answer"
    run_aws(
        *("sagemaker-runtime", "invoke-endpoint", "--endpoint-name", "triage"),
        *("--content-type", "text/plain", "--body", "hello", str(answer)),
    )
    assert json.loads(answer.read_text()) == ["1", "text/plain", "hello"]


def test_our_own_code_trains_the_model_that_the_local_backend_trains_and_serves_it(
    account: Account, dataset: Path, home: Path
) -> None:
    backend = LocalBackend(home)
    files = [dataset / f"{name}.jsonl" for name in ("train", "validation")]
    backend.train(TrainRequest(*files, QUICK, "ours"))
    code = account.put("code/ours.tar.gz", code_package().tar_gz())
    request = training_request("ours", code)
    channel = request["InputDataConfig"][0]
    channels = []
    for file in files:
        name = file.stem
        uri = account.put(f"data/{name}/{name}.jsonl", file.read_bytes())
        source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri.rpartition("/")[0]}}
        channels.append(channel | {"ChannelName": name, "DataSource": source})
    static = {k: v for k, v in request["HyperParameters"].items() if k != "eta"}
    changed = {"HyperParameters": static | QUICK, "InputDataConfig": channels}
    account.sagemaker.create_training_job(**(request | changed))
    job = account.ended("ours")
    assert job["TrainingJobStatus"] == "Completed", job
    artifact = job["ModelArtifacts"]["S3ModelArtifacts"]
    account.sagemaker.create_model(
        ModelName="ours",
        ExecutionRoleArn=ROLE,
        PrimaryContainer={
            "Image": IMAGE,
            "ModelDataUrl": artifact,
            "Environment": {
                "SAGEMAKER_PROGRAM": "inference.py",
                "SAGEMAKER_SUBMIT_DIRECTORY": code,
            },
        },
    )
    account.sagemaker.create_endpoint_config(
        EndpointConfigName="ours", ProductionVariants=[variant("ours")]
    )
    assert account.deploy("triage", "ours")["EndpointStatus"] == "InService"
    answer = account.runtime.invoke_endpoint(
        EndpointName="triage", Body=body(), ContentType="application/json"
    )
    version = backend.register(wait_for(backend, "ours", timeout=60).name)
    with backend.hosted("local", version.name) as endpoint:
        # The version in it is made from everything that the model consists of.
        assert answer["Body"].read() == backend.invoke(endpoint.name, body())
