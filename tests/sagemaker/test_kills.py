"""The command is killed at ten points of training, tuning and updating, and given again."""

import random
from pathlib import Path

from mlops.backends.sagemaker import SageMakerBackend
from mlops.operations import finish, wait_for
from tests.aws.server import AwsServer
from tests.sagemaker.conftest import QUICK, Trained, run, variables_for
from tests.sagemaker.killed import run_until

# Each kill starts a job or a container: more of them find nothing more, and take minutes.
TRAINING, TUNING, UPDATING = 4, 3, 3
SMALL = [part for name, value in QUICK.items() for part in ("-p", f"{name}={value}")]


def points(count: int, most: int, seed: int) -> list[int]:
    """After how many requests the command is killed."""
    return sorted(random.Random(seed).sample(range(1, most + 1), count))


def test_training(
    cloud: AwsServer, backend: SageMakerBackend, dataset: Path, tmp_path: Path
) -> None:
    killed = 0
    for number, requests in enumerate(points(TRAINING, 20, 1)):
        arguments = ["train", "--data", str(dataset), "--name", f"k{number}", *SMALL]
        arguments += ["-p", f"seed={number}"]
        killed += run_until(cloud, requests, arguments, variables_for(cloud), tmp_path)
        again = run(*arguments, "--no-wait")
        assert again.exit_code == 0, again.output
        if number < TRAINING - 1:
            backend.stop_job(f"k{number}")
    assert killed == TRAINING
    jobs = cloud.client("sagemaker").list_training_jobs(NameContains="triage-k", MaxResults=100)
    assert sorted(job["TrainingJobName"] for job in jobs["TrainingJobSummaries"]) == [
        f"triage-k{number}" for number in range(TRAINING)
    ]
    last = f"k{TRAINING - 1}"
    made = len(cloud.called("CreateModelPackage"))
    version = finish(backend, wait_for(backend, last, timeout=60))
    assert finish(backend, backend.job(last)) == version
    assert len(cloud.called("CreateModelPackage")) == made + 1


def test_tuning(cloud: AwsServer, backend: SageMakerBackend, dataset: Path, tmp_path: Path) -> None:
    killed = 0
    for number, requests in enumerate(points(TUNING, 16, 2)):
        arguments = ["tune", "--data", str(dataset), "--name", f"cut{number}", "--max-jobs", "2"]
        arguments += ["--max-parallel-jobs", "1", "--seed", str(number)]
        arguments += ["--range", "max_depth=2:5", "-p", "num_round=4"]
        killed += run_until(cloud, requests, arguments, variables_for(cloud), tmp_path)
        again = run(*arguments, "--no-wait")
        assert again.exit_code == 0, again.output
        if number < TUNING - 1:
            backend.stop_job(f"cut{number}")
    assert killed == TUNING
    jobs = cloud.client("sagemaker").list_hyper_parameter_tuning_jobs(
        NameContains="triage-cut", MaxResults=100
    )
    names = [job["HyperParameterTuningJobName"] for job in jobs["HyperParameterTuningJobSummaries"]]
    assert sorted(names) == [f"triage-cut{number}" for number in range(TUNING)]
    last = wait_for(backend, f"cut{TUNING - 1}", timeout=60)
    assert [trial.status for trial in last.trials] == ["Completed"] * 2
    assert finish(backend, last).job == last.name


def test_updating(
    cloud: AwsServer, backend: SageMakerBackend, trained: Trained, tmp_path: Path
) -> None:
    backend.deploy("triage-me", trained.first)
    killed = 0
    for number, requests in enumerate(points(UPDATING, 20, 3)):
        target = trained.second if number % 2 == 0 else trained.first
        previous = trained.first if number % 2 == 0 else trained.second
        arguments = ["endpoints", "update", "triage-me", target, "--bake", "0"]
        updates = len(cloud.called("UpdateEndpoint"))
        killed += run_until(cloud, requests, arguments, variables_for(cloud), tmp_path)
        again = run(*arguments)
        assert again.exit_code == 0, again.output
        assert len(cloud.called("UpdateEndpoint")) == updates + 1
        found = backend.endpoint("triage-me")
        assert (found.status, found.version, found.previous) == ("InService", target, previous)
    assert killed == UPDATING
    # Two models and two configs for two versions, however often it was begun.
    parts = [line.rsplit(" ", 1)[0] for line in backend.endpoint_parts("triage-me")]
    assert parts.count("model") == parts.count("endpoint config") == parts.count("alarm") == 2
    backend.delete_endpoint("triage-me")
    assert not backend.endpoint_parts("triage-me")
