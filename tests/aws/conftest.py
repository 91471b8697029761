"""What the tests of the test server share: small scripts that train, and models that answer."""

import io
import json
import tarfile
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.aws.fixtures import aws
from tests.aws.server import AwsServer

__all__ = ["aws"]

ROLE = "arn:aws:iam::123456789012:role/sagemaker"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0"

# Takes the number in its channel, says a metric and writes the number into its model.
TRAIN = """
import json, os, sys
from pathlib import Path
number = Path(os.environ["SM_CHANNEL_TRAIN"], "number").read_text()
print("validation-auc:0.75", flush=True)
Path(os.environ["SM_MODEL_DIR"], "number").write_text(number)
Path(os.environ["SM_MODEL_DIR"], "arguments").write_text(json.dumps(sys.argv[1:]))
Path(os.environ["SM_MODEL_DIR"], "variables").write_text(json.dumps(dict(os.environ)))
Path(os.environ["SM_OUTPUT_DATA_DIR"], "note").write_text("beside the model")
"""

# Answers with its number and what it was sent; fails on demand.
INFERENCE = """
import json, time
from pathlib import Path
def model_fn(model_dir):
    return Path(model_dir, "number").read_text()
def input_fn(body, content_type):
    return [content_type, body.decode()]
def predict_fn(data, model):
    if data[1] == "fail":
        raise ValueError("asked to fail")
    if data[1] == "slow":
        time.sleep(1.5)
    return [model, *data]
def output_fn(prediction, accept):
    return json.dumps(prediction)
"""


def packed(**files: str | bytes) -> bytes:
    """A tar.gz of files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            data = content.encode() if isinstance(content, str) else content
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def unpacked(content: bytes) -> dict[str, bytes]:
    """The files of a tar.gz."""
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as tar:
        return {member.name: file.read() for member in tar if (file := tar.extractfile(member))}


def until(holds: Callable[[], Any], seconds: float = 60.0) -> Any:
    """Wait until something holds, and return it."""
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline, "it did not come to that in time"
        time.sleep(0.02)
    return found


class Account:
    """An account with a bucket, some code and some data, and what is often asked of it."""

    def __init__(self, aws: AwsServer) -> None:
        self.aws = aws
        self.s3, self.sagemaker, self.runtime, self.logs, self.cloudwatch = (
            aws.client(name)
            for name in ("s3", "sagemaker", "sagemaker-runtime", "logs", "cloudwatch")
        )
        self.s3.create_bucket(Bucket="triage")
        self.put("train/number", b"1")
        self.put("code/sourcedir.tar.gz", packed(**{"train.py": TRAIN}))
        self.put("code/inference.tar.gz", packed(**{"inference.py": INFERENCE}))

    def put(self, key: str, content: bytes) -> str:
        """Write an object; its URI."""
        self.s3.put_object(Bucket="triage", Key=key, Body=content)
        return f"s3://triage/{key}"

    def get(self, uri: str) -> bytes:
        """Read an object."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        content: bytes = self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return content

    def code(self, script: str) -> str:
        """A code package with this `train.py`; its URI."""
        return self.put(f"code/{hash(script)}.tar.gz", packed(**{"train.py": script}))

    def train(self, name: str = "job", script: str | None = None, **more: Any) -> str:
        """Start a training job, and return its name."""
        source = "s3://triage/code/sourcedir.tar.gz" if script is None else self.code(script)
        self.sagemaker.create_training_job(**(training_request(name, source) | more))
        return name

    def ended(self, name: str) -> Mapping[str, Any]:
        """A training job, once it has ended."""
        return until(
            lambda: self._ended(self.sagemaker.describe_training_job(TrainingJobName=name))
        )

    def secondary(self, name: str) -> str:
        """What a training job is at."""
        found = self.sagemaker.describe_training_job(TrainingJobName=name)
        return str(found["SecondaryStatus"])

    def log_lines(self, name: str) -> list[str]:
        """What a training job has logged so far."""
        group = "/aws/sagemaker/TrainingJobs"
        try:
            found = self.logs.filter_log_events(logGroupName=group, logStreamNamePrefix=f"{name}/")
        except self.logs.exceptions.ResourceNotFoundException:
            return []
        return [event["message"] for event in found["events"]]

    def model(self, name: str, number: str = "1", code: str = INFERENCE) -> str:
        """Create a model, and a config of that name with one variant; its name."""
        self.sagemaker.create_model(
            ModelName=name,
            ExecutionRoleArn=ROLE,
            PrimaryContainer={
                "Image": IMAGE,
                "ModelDataUrl": self.put(f"models/{name}.tar.gz", packed(number=number)),
                "Environment": {
                    "SAGEMAKER_PROGRAM": "inference.py",
                    "SAGEMAKER_SUBMIT_DIRECTORY": self.put(
                        f"code/{name}.tar.gz", packed(**{"inference.py": code})
                    ),
                },
            },
        )
        self.sagemaker.create_endpoint_config(
            EndpointConfigName=name, ProductionVariants=[variant(name)]
        )
        return name

    def deploy(self, endpoint: str, config: str) -> Mapping[str, Any]:
        """Create an endpoint and wait for it."""
        self.sagemaker.create_endpoint(EndpointName=endpoint, EndpointConfigName=config)
        return self.settled(endpoint)

    def settled(self, endpoint: str) -> Mapping[str, Any]:
        """An endpoint, once nothing changes any more."""

        def found() -> Mapping[str, Any] | None:
            described = self.sagemaker.describe_endpoint(EndpointName=endpoint)
            passing = ("Creating", "Updating", "RollingBack", "Deleting")
            return None if described["EndpointStatus"] in passing else described

        return until(found)

    def ask(self, endpoint: str, body: str = "hello", **more: Any) -> Any:
        """What an endpoint answers."""
        answer = self.runtime.invoke_endpoint(
            EndpointName=endpoint, Body=body.encode(), ContentType="text/plain", **more
        )
        return json.loads(answer["Body"].read())

    def _ended(self, job: Mapping[str, Any]) -> Mapping[str, Any] | None:
        return job if job["TrainingJobStatus"] in ("Completed", "Failed", "Stopped") else None


def variant(model: str, name: str = "AllTraffic", **more: Any) -> dict[str, Any]:
    """A variant of an endpoint config."""
    size = (
        {}
        if "ServerlessConfig" in more
        else {"InstanceType": "ml.m5.large", "InitialInstanceCount": 2}
    )
    return {"VariantName": name, "ModelName": model, **size, **more}


def training_request(name: str, source: str) -> dict[str, Any]:
    """A request that trains."""
    return {
        "TrainingJobName": name,
        "RoleArn": ROLE,
        "AlgorithmSpecification": {
            "TrainingImage": IMAGE,
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "validation:auc", "Regex": "validation-auc:([0-9.]+)"}],
        },
        "HyperParameters": {
            "sagemaker_program": "train.py",
            "sagemaker_submit_directory": source,
            "eta": "0.1",
        },
        "InputDataConfig": [
            {
                "ChannelName": "train",
                "DataSource": {
                    "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://triage/train/"}
                },
            }
        ],
        "OutputDataConfig": {"S3OutputPath": "s3://triage/jobs"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
        "StoppingCondition": {"MaxRuntimeInSeconds": 300},
    }


@pytest.fixture
def account(aws: AwsServer) -> Account:
    """The account of a test."""
    return Account(aws)
