"""Jobs on AWS: found again, interrupted, shared, stopped, failed; and how they are watched."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mlops.backends import Job, TrainRequest, TuneRequest
from mlops.backends.options import Compute
from mlops.backends.sagemaker import SageMakerBackend
from mlops.backends.sagemaker.reports import training_report
from mlops.errors import BackendError
from mlops.operations import finish, wait_for
from tests.aws import faults
from tests.aws.server import AwsServer
from tests.sagemaker.conftest import BUCKET, QUICK, Trained, data_of, run, variables_for


def request(dataset: Path, name: str = "", **hyperparameters: str) -> TrainRequest:
    return TrainRequest(
        dataset / "train.jsonl", dataset / "validation.jsonl", QUICK | hyperparameters, name
    )


def jobs_made(cloud: AwsServer) -> int:
    pages = cloud.client("sagemaker").get_paginator("list_training_jobs").paginate()
    return sum(len(page["TrainingJobSummaries"]) for page in pages)


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_request_is_paid_for_once(
    cloud: AwsServer, backend: SageMakerBackend, dataset: Path
) -> None:
    before = jobs_made(cloud)
    first = backend.train(request(dataset))
    assert first.name.startswith("training-")
    assert backend.train(request(dataset)).name == first.name
    named = backend.train(request(dataset, "mine"))
    assert backend.train(request(dataset, "mine")).name == named.name == "mine"
    assert jobs_made(cloud) == before + 2
    with pytest.raises(BackendError, match="with other data, code or hyperparameters"):
        backend.train(request(dataset, "mine", eta="0.2"))
    # What was stopped under no name is tried again; what has a name stays what it is.
    backend.stop_job("mine")
    backend.stop_job(first.name)
    wait_for(backend, first.name, timeout=30)
    wait_for(backend, "mine", timeout=30)
    again = backend.train(request(dataset))
    assert again.name == f"{first.name}-2"
    assert backend.train(request(dataset, "mine")).status == "Stopped"
    backend.stop_job(again.name)
    assert backend.stop_job("mine").status == "Stopped"


def test_an_answer_that_was_lost_costs_nothing(
    cloud: AwsServer, backend: SageMakerBackend, dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")
    before = jobs_made(cloud)
    cloud.faults.queue("CreateTrainingJob", faults.reset(after=True))
    job = backend.train(request(dataset, "lost"))
    assert job.status == "InProgress"
    assert jobs_made(cloud) == before + 1
    backend.stop_job("lost")


def test_spot_takes_the_machine_away_and_gives_another(
    cloud: AwsServer, backend: SageMakerBackend, dataset: Path, trained: Trained
) -> None:
    asked = request(dataset)
    backend.train(
        TrainRequest(
            asked.train, asked.validation, asked.hyperparameters, "interrupted", Compute(spot=True)
        )
    )
    until(lambda: backend.job("interrupted").detail == "Training")
    cloud.jobs.interrupt("triage-interrupted")
    lines = list(backend.job_logs("interrupted", follow=True))
    statuses = cloud.client("sagemaker").describe_training_job(
        TrainingJobName="triage-interrupted"
    )["SecondaryStatusTransitions"]
    assert "Interrupted" in [item["Status"] for item in statuses]
    job = backend.job("interrupted")
    assert job.status == "Completed", job
    assert lines[-1].startswith("Billable")
    assert job.saving is not None
    # To the byte what the same request gave without an interruption.
    assert backend.register("interrupted").name == trained.first
    assert "Spot saved" in run("jobs", "show", "interrupted").stdout or job.saving == 0


def test_two_machines_with_a_share_of_the_files_each(
    cloud: AwsServer, backend: SageMakerBackend, dataset: Path
) -> None:
    lines = (dataset / "train.jsonl").read_bytes().splitlines(keepends=True)
    digest = hashlib.sha256()
    for number in range(4):
        content = b"".join(lines[number * 25 : number * 25 + 25])
        digest.update(content)
        cloud.client("s3").put_object(
            Bucket=BUCKET, Key=f"shards/train/{number}.jsonl", Body=content
        )
    source = f"s3://{BUCKET}/shards/train/"
    backend.train(TrainRequest(source, None, QUICK, "pair", Compute(instance_count=2, shard=True)))
    pair = finish(backend, wait_for(backend, "pair", timeout=90))
    # Both have read every record, in the order of the files.
    assert pair.data_sha256 == digest.hexdigest()
    log = [line for line in backend.job_logs("pair") if "validation-auc" in line]
    assert len(log) == 1  # the first machine speaks for both
    assert log[0].startswith("127.0.0.1: ") or "algo-1" in log[0]


def test_a_job_that_is_stopped_and_one_that_fails(
    cloud: AwsServer, backend: SageMakerBackend, dataset: Path, tmp_path: Path
) -> None:
    backend.train(request(dataset, "long", num_round="2000", max_depth="12", min_child_weight="0"))
    assert "is Stopped" in run("jobs", "stop", "long").stdout
    assert "had ended already" in run("jobs", "stop", "long").stdout
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "train.jsonl").write_text('{"text": "Zebrafish Quillfeather", "label": "Surgery"}\n')
    result = run("train", "--data", str(broken), "--name", "broken")
    assert result.exit_code == 1
    assert "is not a record with text, label and group" in result.stderr
    assert "Zebrafish" not in result.output
    assert run("jobs", "logs", "broken", "--follow").exit_code == 1
    cloud.faults.queue("CreateTrainingJob", faults.capacity())
    result = run("train", "--data", str(dataset), "--name", "no-room", "-p", "eta=0.15")
    assert result.exit_code == 1
    assert "AWS had no ml.m5.large free" in result.stderr
    listed = {job["name"]: job["status"] for job in data_of(run("jobs", "list", "--json"))}
    assert listed["long"] == "Stopped"
    assert listed["broken"] == listed["no-room"] == "Failed"


def test_a_tuning_job_that_is_stopped_keeps_its_best(
    backend: SageMakerBackend, dataset: Path
) -> None:
    backend.tune(
        TuneRequest(
            dataset / "train.jsonl",
            dataset / "validation.jsonl",
            hyperparameters={"num_round": "3"},
            ranges={"eta": (0.2, 0.4)},
            max_jobs=30,
            name="stopped",
        )
    )
    until(lambda: any(t.status == "Completed" for t in backend.job("stopped").trials))
    backend.stop_job("stopped")
    job = wait_for(backend, "stopped", timeout=60)
    assert job.status == "Stopped"
    assert job.artifact is not None
    assert backend.register("stopped").job == "stopped"
    assert len(job.trials) < 30
    # A trial is a job of its own to look at, and not one of the list.
    assert not [item for item in backend.jobs() if item.name.startswith("stopped-")]


def test_interrupting_the_wait_leaves_the_job_running(
    cloud: AwsServer, backend: SageMakerBackend, dataset: Path
) -> None:
    arguments = ["train", "--data", str(dataset), "--name", "left", "-p", "num_round=2000"]
    for slow in ("max_depth=12", "eta=0.001", "min_child_weight=0", "lambda=0"):
        arguments += ["-p", slow]
    command = subprocess.Popen(
        [sys.executable, "-c", f"from mlops.cli import main; main({arguments!r})"],
        env=os.environ | variables_for(cloud),
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    until(lambda: any(job.name == "left" for job in backend.jobs()))
    time.sleep(0.3)
    os.kill(command.pid, signal.SIGINT)
    _, errors = command.communicate(timeout=20)
    assert command.returncode == 130
    assert b"triage jobs logs left --follow" in errors
    assert backend.job("left").status == "InProgress"
    backend.stop_job("left")


def report(**told: object) -> Job:
    from datetime import UTC, datetime

    return training_report(
        {
            "TrainingJobName": "triage-x",
            "TrainingJobArn": "arn:aws:sagemaker:us-east-1:123456789012:training-job/triage-x",
            "TrainingJobStatus": "Failed",
            "SecondaryStatus": "Failed",
            "CreationTime": datetime.now(UTC),
            **told,
        }
    )


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        (
            'AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage "The training data '
            'needs records of both labels. Nothing was trained."\nCommand "python3 train.py"',
            "The training data needs records of both labels. Nothing was trained.",
        ),
        (
            'AlgorithmError: ExecuteUserScriptError:\nErrorMessage "Traceback (most recent call '
            'last):\n ValueError: Zebrafish"',
            "train.py failed. Nothing was registered. See its log: triage jobs logs x",
        ),
        ("AlgorithmError: framework error: \nTraceback Zebrafish", "train.py failed."),
        ("InternalServerError: We encountered an internal error.", "SageMaker failed by itself."),
        ("ClientError: Data download failed: no such key", "Data download failed: no such key"),
        ("CapacityError: Unable to provision", "AWS had no such machine free."),
    ],
)
def test_why_a_job_failed_in_one_sentence(told: str, sentence: str) -> None:
    failure = report(FailureReason=told).failure
    assert failure is not None
    assert failure.startswith(sentence)
    assert "Zebrafish" not in failure


def test_what_runs_out_of_time_says_so() -> None:
    for secondary, option in (("MaxRuntimeExceeded", "--max-run"), ("MaxWaitTimeExceeded", "Spot")):
        job = report(TrainingJobStatus="Stopped", SecondaryStatus=secondary)
        assert option in (job.failure or "")


def test_the_data_of_a_job_that_has_ended_can_be_forgotten(
    cloud: AwsServer, backend: SageMakerBackend, dataset: Path, tmp_path: Path
) -> None:
    other = tmp_path / "train.jsonl"
    other.write_text((dataset / "train.jsonl").read_text().replace("the", "thee"))
    job = backend.train(TrainRequest(other, None, QUICK, "forgetful"))

    def kept() -> list[str]:
        listed = cloud.client("s3").list_objects_v2(Bucket=BUCKET, Prefix="referral-triage/")
        return [item["Key"] for item in listed.get("Contents", [])]

    uri = cloud.client("sagemaker").describe_training_job(TrainingJobName=f"triage-{job.name}")[
        "InputDataConfig"
    ][0]["DataSource"]["S3DataSource"]["S3Uri"]
    folder = uri.removeprefix(f"s3://{BUCKET}/")
    with pytest.raises(BackendError, match="under way"):
        backend.forget_data(job.name)
    assert any(key.startswith(folder) for key in kept())
    ended = wait_for(backend, job.name, timeout=60)
    assert ended.status == "Completed"
    backend.forget_data(job.name)
    assert not any(key.startswith(folder) for key in kept())
    assert ended.artifact
    assert any(key in ended.artifact for key in kept())
