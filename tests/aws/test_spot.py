"""Spot, checkpoints and several instances: what a job loses, and what it finds again."""

import json

from tests.aws.conftest import Account, training_request, unpacked, until

# Counts in its checkpoints how often it was started, and only ends when it was interrupted.
RESUMES = """
import json, os, time
from pathlib import Path
config = json.loads(Path(os.environ["SM_INPUT_CONFIG_DIR"], "checkpointconfig.json").read_text())
folder = Path(config["LocalPath"])
assert folder == Path(os.environ["SM_MODEL_DIR"]).parent / "checkpoints"
seen = folder / "starts"
starts = int(seen.read_text()) + 1 if seen.exists() else 1
seen.write_text(str(starts))
print("start", starts, flush=True)
if starts < 2:
    time.sleep(60)
Path(os.environ["SM_MODEL_DIR"], "starts").write_text(str(starts))
"""

# Every instance says who it is; the first one's model is the job's.
TOGETHER = """
import json, os
from pathlib import Path
config = json.loads(Path(os.environ["SM_INPUT_CONFIG_DIR"], "resourceconfig.json").read_text())
me, hosts = os.environ["SM_CURRENT_HOST"], json.loads(os.environ["SM_HOSTS"])
assert config["hosts"] == hosts and config["current_host"] == me
files = sorted(path.name for path in Path(os.environ["SM_CHANNEL_TRAIN"]).iterdir())
Path(os.environ["SM_MODEL_DIR"], f"{hosts.index(me)}").write_text(json.dumps(files))
"""


def test_an_interrupted_job_goes_on_from_its_checkpoint(account: Account) -> None:
    account.train(
        script=RESUMES,
        EnableManagedSpotTraining=True,
        StoppingCondition={"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 120},
        CheckpointConfig={"S3Uri": "s3://triage/checkpoints/job"},
    )
    until(lambda: "start 1" in account.log_lines("job"))
    account.aws.jobs.interrupt("job")
    job = account.ended("job")
    assert job["TrainingJobStatus"] == "Completed", job
    assert unpacked(account.get(job["ModelArtifacts"]["S3ModelArtifacts"])) == {"starts": b"2"}
    assert account.get("s3://triage/checkpoints/job/starts") == b"2"
    assert [t["Status"] for t in job["SecondaryStatusTransitions"]] == [
        *("Starting", "Downloading", "Training", "Interrupted"),
        *("Starting", "Downloading", "Training", "Uploading", "Completed"),
    ]
    assert job["BillableTimeInSeconds"] <= job["TrainingTimeInSeconds"]


def test_a_job_that_waits_too_long_is_stopped(account: Account) -> None:
    account.train(
        script="import time; time.sleep(60)",
        EnableManagedSpotTraining=True,
        StoppingCondition={"MaxRuntimeInSeconds": 1, "MaxWaitTimeInSeconds": 1},
    )
    job = account.ended("job")
    assert job["SecondaryStatus"] in ("MaxRuntimeExceeded", "MaxWaitTimeExceeded")


def test_several_instances_share_the_data_by_key(account: Account) -> None:
    for name in ("a", "b", "c"):
        account.put(f"shards/{name}", name.encode())
    request = training_request("job", "")
    channel = request["InputDataConfig"][0]
    source = {
        "S3DataType": "S3Prefix",
        "S3Uri": "s3://triage/shards/",
        "S3DataDistributionType": "ShardedByS3Key",
    }
    account.train(
        script=TOGETHER,
        ResourceConfig=request["ResourceConfig"] | {"InstanceCount": 2},
        InputDataConfig=[channel | {"DataSource": {"S3DataSource": source}}],
    )
    job = account.ended("job")
    assert job["TrainingJobStatus"] == "Completed", job
    files = unpacked(account.get(job["ModelArtifacts"]["S3ModelArtifacts"]))
    assert {name: json.loads(content) for name, content in files.items()} == {
        "0": ["a", "c"],
        "1": ["b"],
    }


def test_the_instance_that_failed_gives_the_reason(account: Account) -> None:
    script = (
        "import json, os, sys, time\n"
        "if os.environ['SM_CURRENT_HOST'] == json.loads(os.environ['SM_HOSTS'])[1]:\n"
        "    sys.exit('The second one failed.')\n"
        "time.sleep(60)\n"
    )
    size = training_request("job", "")["ResourceConfig"] | {"InstanceCount": 2}
    account.train(script=script, ResourceConfig=size)
    job = account.ended("job")
    assert job["TrainingJobStatus"] == "Failed"
    assert "The second one failed." in job["FailureReason"]


def test_network_isolation_keeps_the_code_on_s3_out_of_reach(account: Account) -> None:
    account.train(EnableNetworkIsolation=True)
    job = account.ended("job")
    assert job["TrainingJobStatus"] == "Failed"
    assert "network isolation" in job["FailureReason"]


def test_with_network_isolation_the_code_comes_in_a_channel(account: Account) -> None:
    request = training_request("job", "/opt/ml/input/data/code/sourcedir.tar.gz")
    code = {"S3DataType": "S3Prefix", "S3Uri": "s3://triage/code/sourcedir.tar.gz"}
    channel = {"ChannelName": "code", "DataSource": {"S3DataSource": code}}
    account.sagemaker.create_training_job(
        **request
        | {
            "EnableNetworkIsolation": True,
            "InputDataConfig": [*request["InputDataConfig"], channel],
        }
    )
    assert account.ended("job")["TrainingJobStatus"] == "Completed"


def test_data_that_is_not_there(account: Account) -> None:
    for name, uri, reason in (
        ("empty", "s3://triage/nothing/", "No S3 objects found"),
        ("gone", "s3://no-such-bucket/train/", "NoSuchBucket"),
    ):
        source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}}
        account.train(name, InputDataConfig=[{"ChannelName": "train", "DataSource": source}])
        assert reason in account.ended(name)["FailureReason"]
    account.train("unsaved", OutputDataConfig={"S3OutputPath": "s3://no-such-bucket/jobs"})
    assert "NoSuchBucket" in account.ended("unsaved")["FailureReason"]
