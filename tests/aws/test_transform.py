"""Batch Transform on the test server: lines in, answers out."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.aws.conftest import Account, until

# Answers each line with its length; a line of exclamation marks is too much for it.
LENGTHS = """
import json
def model_fn(d): return None
def input_fn(body, content_type):
    return [json.loads(line) for line in body.decode().splitlines()]
def predict_fn(data, model):
    if any("!" in item["text"] for item in data):
        raise ValueError("no shouting")
    return [len(item["text"]) for item in data]
def output_fn(prediction, accept):
    return "".join(json.dumps({"length": n}) + "\\n" for n in prediction)
"""


def transform(account: Account, **more: Any) -> dict[str, Any]:
    """Run a job over `worklist/`, and return it once it has ended."""
    account.model("lengths", code=LENGTHS)
    account.sagemaker.create_transform_job(
        **{
            "TransformJobName": "batch",
            "ModelName": "lengths",
            "BatchStrategy": "MultiRecord",
            "TransformInput": {
                "DataSource": {
                    "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://triage/worklist/"}
                },
                "ContentType": "application/jsonlines",
                "SplitType": "Line",
            },
            "TransformOutput": {
                "S3OutputPath": "s3://triage/answers/",
                "Accept": "application/jsonlines",
                "AssembleWith": "Line",
            },
            "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        }
        | more
    )
    return ended(account)


def ended(account: Account) -> dict[str, Any]:
    """The job, once it has ended."""

    def found() -> dict[str, Any] | None:
        job: dict[str, Any] = account.sagemaker.describe_transform_job(TransformJobName="batch")
        return job if job["TransformJobStatus"] in ("Completed", "Failed", "Stopped") else None

    result: dict[str, Any] = until(found)
    return result


def lines(*texts: str) -> bytes:
    """JSON Lines."""
    return "".join(json.dumps({"text": text}) + "\n" for text in texts).encode()


@pytest.mark.parametrize("strategy", ["MultiRecord", "SingleRecord"])
def test_every_object_gets_its_answers(account: Account, strategy: str) -> None:
    account.put("worklist/a.jsonl", lines("one", "three"))
    account.put("worklist/deep/b.jsonl", lines("x"))
    job = transform(account, BatchStrategy=strategy)
    assert job["TransformJobStatus"] == "Completed", job
    assert account.get("s3://triage/answers/a.jsonl.out").split() == [
        b'{"length":', b"3}", b'{"length":', b"5}"
    ]  # fmt: skip
    assert json.loads(account.get("s3://triage/answers/deep/b.jsonl.out")) == {"length": 1}


def test_answers_beside_what_was_asked(account: Account) -> None:
    account.put("worklist/a.jsonl", lines("one", "three"))
    transform(account, DataProcessing={"JoinSource": "Input"})
    rows = account.get("s3://triage/answers/a.jsonl.out").splitlines()
    assert [json.loads(row) for row in rows] == [
        {"text": "one", "SageMakerOutput": {"length": 3}},
        {"text": "three", "SageMakerOutput": {"length": 5}},
    ]


def test_a_line_that_fails_fails_the_job(account: Account) -> None:
    account.put("worklist/a.jsonl", lines("fine"))
    account.put("worklist/b.jsonl", lines("no!"))
    job = transform(account)
    assert job["TransformJobStatus"] == "Failed"
    assert "500" in job["FailureReason"]
    assert "no!" not in job["FailureReason"]
    with pytest.raises(ClientError, match="NoSuchKey"):
        account.get("s3://triage/answers/a.jsonl.out")
