"""Tuning jobs: many trials, the best one kept, and nothing lost to a `kill -9`."""

import os
import signal
import time
from pathlib import Path

import pytest

from mlops.backends import Job, TrainRequest, TuneRequest
from mlops.backends.local import LocalBackend, locks
from mlops.backends.package import read_metadata
from mlops.errors import BackendError
from mlops.operations import wait_for
from tests.backends.conftest import kill_holder, nothing_runs

RANGES = {"num_round": (3.0, 8.0), "max_depth": (1.0, 3.0), "eta": (0.05, 1.0)}


def request(dataset: Path, **changes: object) -> TuneRequest:
    settings: dict[str, object] = {"ranges": RANGES, "max_jobs": 4, "name": "tuned"} | changes
    return TuneRequest(dataset / "train.jsonl", dataset / "validation.jsonl", **settings)  # type: ignore[arg-type]


def wait_until(backend: LocalBackend, completed: int) -> Job:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        job = backend.job("tuned")
        if sum(trial.status == "Completed" for trial in job.trials) >= completed:
            return job
        time.sleep(0.02)
    raise AssertionError(f"{completed} trials were not completed in time")


def readers(backend: LocalBackend) -> set[int]:
    """The trials that read the records."""
    logs = (backend.home / "jobs" / "tuned" / "trials").glob("*/log.txt")
    return {int(log.parent.name) for log in logs if "reading the records" in log.read_text()}


def test_tuning_goes_on_after_a_kill(backend: LocalBackend, dataset: Path) -> None:
    asked = request(dataset)
    backend.tune(asked)
    before = wait_until(backend, 1)
    kill_holder(backend.home / "jobs" / "tuned" / "runner.lock")
    killed = backend.job("tuned")
    assert killed.status == "Failed"
    assert not any(trial.status == "InProgress" for trial in killed.trials)
    shared = backend.home / "jobs" / "tuned" / "prepared"
    assert len(list(shared.glob("*.npz"))) == 1
    # Of the trials that began together one read the records, for all of them.
    assert len(readers(backend)) == 1
    finished = {trial.number for trial in killed.trials if trial.status == "Completed"}

    assert backend.tune(asked).status == "InProgress"
    job = wait_for(backend, "tuned", timeout=90)
    assert job.status == "Completed", job
    assert [trial.number for trial in job.trials] == [0, 1, 2, 3]
    assert all(trial.status == "Completed" for trial in job.trials)
    kept = [trial for trial in before.trials if trial.status == "Completed"]
    assert all(trial in job.trials for trial in kept), "a finished trial was run again"
    proposed = {trial.number: trial.hyperparameters for trial in before.trials}
    assert all(job.trials[n].hyperparameters == values for n, values in proposed.items())
    for trial in job.trials:
        assert 3 <= int(trial.hyperparameters["num_round"]) <= 8
        assert 0.05 <= float(trial.hyperparameters["eta"]) <= 1
    scores = [trial.objective or 0 for trial in job.trials]
    assert job.best_trial == scores.index(max(scores))
    assert job.metrics["validation:auc"] == max(scores)
    metadata = read_metadata(Path(job.artifact or ""))
    best = job.trials[job.best_trial or 0].hyperparameters
    assert metadata["hyperparameters"]["num_round"] == int(best["num_round"])
    assert backend.register("tuned").name == metadata["model_version"]
    assert nothing_runs(backend.home / "jobs")
    # Nor did one that was begun again read them, not even the one that had.
    assert readers(backend) <= finished
    assert not shared.exists()


def test_a_trial_makes_the_model_that_training_alone_makes(
    backend: LocalBackend, dataset: Path
) -> None:
    backend.tune(request(dataset, max_jobs=2, max_parallel_jobs=1))
    job = wait_for(backend, "tuned", timeout=60)
    assert [trial.status for trial in job.trials] == ["Completed"] * 2
    assert readers(backend) == {0}
    last = job.trials[1]
    artifact = backend.home / "jobs" / "tuned" / "trials" / "001" / "output" / "model.tar.gz"
    alone = backend.train(
        TrainRequest(
            dataset / "train.jsonl", dataset / "validation.jsonl", last.hyperparameters, "alone"
        )
    )
    done = wait_for(backend, alone.name, timeout=60)
    assert Path(done.artifact or "").read_bytes() == artifact.read_bytes()
    assert done.metrics["validation:auc"] == last.objective


def test_a_search_of_what_changes_the_records_reads_them_again(
    backend: LocalBackend, dataset: Path
) -> None:
    changes = {"ranges": {"linear_c": (1.0, 9.0)}, "hyperparameters": {"num_round": "3"}}
    backend.tune(request(dataset, max_jobs=2, **changes))
    job = wait_for(backend, "tuned", timeout=90)
    assert all(trial.status == "Completed" for trial in job.trials)
    assert readers(backend) == {0, 1}


def test_stop_keeps_the_best_so_far(backend: LocalBackend, dataset: Path) -> None:
    backend.tune(request(dataset, max_jobs=50, max_parallel_jobs=1))
    wait_until(backend, 1)
    backend.stop_job("tuned")
    job = wait_for(backend, "tuned", timeout=30)
    assert not (backend.home / "jobs" / "tuned" / "prepared").exists()
    assert job.status == "Stopped"
    assert 1 <= len(job.trials) < 50
    assert job.artifact is not None
    assert backend.register("tuned").job == "tuned"
    assert nothing_runs(backend.home / "jobs")


def test_a_trial_that_fails_is_recorded_and_not_fatal(backend: LocalBackend, dataset: Path) -> None:
    backend.tune(request(dataset, max_jobs=2, max_parallel_jobs=1))
    runner = locks.holder(backend.home / "jobs" / "tuned" / "runner.lock")
    deadline = time.monotonic() + 20
    children: list[str] = []
    while not children and time.monotonic() < deadline:
        children = Path(f"/proc/{runner}/task/{runner}/children").read_text().split()
        for thread in Path(f"/proc/{runner}/task").iterdir():
            children += (thread / "children").read_text().split()
    os.kill(int(children[0]), signal.SIGKILL)
    job = wait_for(backend, "tuned", timeout=60)
    assert [trial.status for trial in job.trials] == ["Failed", "Completed"]
    assert job.status == "Completed"
    assert job.best_trial == 1


def test_when_all_trials_fail_the_job_says_so(backend: LocalBackend, tmp_path: Path) -> None:
    for part in ("train", "validation"):
        (tmp_path / f"{part}.jsonl").write_text("not records\n")
    backend.tune(request(tmp_path, max_jobs=2))
    job = wait_for(backend, "tuned", timeout=60)
    assert job.status == "Failed"
    assert "All 2 trials failed" in (job.failure or "")
    assert job.artifact is None


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"ranges": {}}, "no range to search"),
        ({"ranges": {"eta": (0.5, 0.1)}}, "must lie within"),
        ({"ranges": {"eta": (-1.0, 0.1)}}, "must lie within"),
        ({"ranges": {"colour": (0.0, 1.0)}}, "There is no hyperparameter"),
        ({"hyperparameters": {"eta": "0.1"}}, "both a value and a range"),
        ({"max_jobs": 0}, "number of jobs must be 1 to 500"),
        ({"max_parallel_jobs": 99}, "number of parallel jobs must be 1 to 16"),
    ],
)
def test_requests_that_make_no_sense(
    backend: LocalBackend, dataset: Path, changes: dict[str, object], sentence: str
) -> None:
    with pytest.raises(BackendError, match=sentence):
        backend.tune(request(dataset, **changes))
    assert not backend.jobs()
