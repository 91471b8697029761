"""Training jobs on the test server: the script runs, and what becomes of it is told as AWS does."""

import json

import pytest
from botocore.exceptions import ClientError

from tests.aws.conftest import Account, training_request, unpacked, until

FOREVER = "import time\nprint('up', flush=True)\ntime.sleep(60)\n"


def test_a_job_runs_its_script_and_leaves_its_model(account: Account) -> None:
    name = account.train()
    job = account.ended(name)
    assert job["TrainingJobStatus"] == job["SecondaryStatus"] == "Completed", job
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == "s3://triage/jobs/job/output/model.tar.gz"
    model = unpacked(account.get(job["ModelArtifacts"]["S3ModelArtifacts"]))
    assert model["number"] == b"1"
    assert json.loads(model["arguments"]) == ["--eta", "0.1"]
    variables = json.loads(model["variables"])
    assert variables["SM_HP_ETA"] == "0.1"
    assert json.loads(variables["SM_HOSTS"]) == ["algo-1"]
    assert not [name for name in variables if name.startswith("AWS_")]
    assert unpacked(account.get("s3://triage/jobs/job/output/output.tar.gz")) == {
        "note": b"beside the model"
    }
    assert [m["MetricName"] for m in job["FinalMetricDataList"]] == ["validation:auc"]
    assert job["FinalMetricDataList"][0]["Value"] == pytest.approx(0.75)
    assert [t["Status"] for t in job["SecondaryStatusTransitions"]] == [
        "Starting", "Downloading", "Training", "Uploading", "Completed"
    ]  # fmt: skip
    assert job["BillableTimeInSeconds"] == job["TrainingTimeInSeconds"] >= 1
    assert account.log_lines(name) == ["validation-auc:0.75"]


def test_a_name_is_used_once(account: Account) -> None:
    account.train()
    with pytest.raises(ClientError) as refused:
        account.train()
    assert refused.value.response["Error"]["Code"] == "ResourceInUse"
    account.ended("job")


def test_a_script_that_fails_gives_its_reason(account: Account) -> None:
    account.train(script="import sys\nsys.exit('The channel is empty.')\n")
    job = account.ended("job")
    assert job["TrainingJobStatus"] == "Failed"
    assert "ModelArtifacts" not in job
    assert "The channel is empty." in job["FailureReason"]
    assert job["FailureReason"].endswith("exit code: 1")
    for status, expected in (("Failed", ["job"]), ("Completed", [])):
        found = account.sagemaker.list_training_jobs(StatusEquals=status)["TrainingJobSummaries"]
        assert [item["TrainingJobName"] for item in found] == expected


def test_stop_lets_a_script_write_what_it_has(account: Account) -> None:
    account.train(
        script="import os, signal, sys, time\n"
        "from pathlib import Path\n"
        "def stop(*_):\n"
        "    Path(os.environ['SM_MODEL_DIR'], 'half').write_text('done')\n"
        "    sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, stop)\n"
        "print('up', flush=True)\n"
        "time.sleep(60)\n"
    )
    until(lambda: "up" in account.log_lines("job"))
    account.sagemaker.stop_training_job(TrainingJobName="job")
    assert account.secondary("job") == "Stopping"
    job = account.ended("job")
    assert job["TrainingJobStatus"] == job["SecondaryStatus"] == "Stopped"
    assert unpacked(account.get(job["ModelArtifacts"]["S3ModelArtifacts"])) == {"half": b"done"}
    with pytest.raises(ClientError, match="is in status Stopped"):
        account.sagemaker.stop_training_job(TrainingJobName="job")


def test_a_runtime_that_is_used_up_ends_the_job(account: Account) -> None:
    account.train(script=FOREVER, StoppingCondition={"MaxRuntimeInSeconds": 1})
    job = account.ended("job")
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")


def test_what_aws_would_refuse_is_refused(account: Account) -> None:
    good = training_request("job", "s3://triage/code/sourcedir.tar.gz")
    careless = account.aws.client("sagemaker", parameter_validation=False)
    for change in (
        {"RoleArn": "sagemaker"},
        {"TrainingJobName": "with_underscore"},
        {"EnableManagedSpotTraining": True},
        {"OutputDataConfig": {}},
        {"AlgorithmSpecification": good["AlgorithmSpecification"] | {"TrainingInputMode": "Pipe"}},
        {"InputDataConfig": good["InputDataConfig"] * 2},
        {"ResourceConfig": {**good["ResourceConfig"], "InstanceType": "ml.m5.enormous"}},
    ):
        with pytest.raises(ClientError, match="ValidationException"):
            careless.create_training_job(**(good | change))
    assert account.sagemaker.list_training_jobs()["TrainingJobSummaries"] == []
