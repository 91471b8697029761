"""Training jobs: SageMaker's contract, one job per request, and the truth after a `kill -9`."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mlops.backends import Job, TrainRequest
from mlops.backends.local import LocalBackend, locks
from mlops.errors import BackendError, DataError, NotFoundError
from mlops.operations import wait_for
from tests.backends.conftest import (
    QUICK,
    environment_of,
    is_running,
    kill_holder,
    nothing_runs,
    run_python,
)

LONG = {
    "num_round": "2000",
    "max_depth": "12",
    "eta": "0.001",
    "min_child_weight": "0",
    "lambda": "0",
}
Start = Callable[..., Job]
Until = Callable[[Callable[[], bool]], None]


def script_of(backend: LocalBackend, name: str) -> int:
    """The id of a job's running train.py."""
    deadline = time.monotonic() + 10
    runner = locks.holder(backend.home / "jobs" / name / "runner.lock")
    while time.monotonic() < deadline:
        children = Path(f"/proc/{runner}/task/{runner}/children").read_text().split()
        if children and b"train.py" in Path(f"/proc/{children[0]}/cmdline").read_bytes():
            return int(children[0])
        time.sleep(0.01)
    raise AssertionError("train.py did not start")


def test_a_job_runs_under_the_containers_contract(
    backend: LocalBackend, start_training: Start
) -> None:
    started = start_training("contract", **QUICK)
    assert started.status == "InProgress"
    variables = environment_of(script_of(backend, "contract"))
    ml = backend.home / "jobs" / "contract" / "opt" / "ml"
    assert variables["SM_CHANNEL_TRAIN"] == str(ml / "input/data/train")
    assert variables["SM_CHANNEL_VALIDATION"] == str(ml / "input/data/validation")
    assert variables["SM_MODEL_DIR"] == str(ml / "model")
    assert variables["SM_OUTPUT_DATA_DIR"] == str(ml / "output/data")
    assert variables["SM_CURRENT_HOST"] == "algo-1"
    assert json.loads(variables["SM_HOSTS"]) == ["algo-1"]
    assert json.loads(variables["SM_HPS"]) == {"num_round": 5, "max_depth": 2}
    assert variables["SM_HP_NUM_ROUND"] == "5"
    assert int(variables["SM_NUM_CPUS"]) >= 1
    shared = Path(variables["TRIAGE_PREPARED"])
    assert shared == backend.home / "jobs" / "contract" / "prepared"
    training = json.loads(variables["SM_TRAINING_ENV"])
    assert training["hyperparameters"] == {"num_round": 5, "max_depth": 2}
    assert json.loads(variables["SM_USER_ARGS"]) == ["--max_depth", "2", "--num_round", "5"]
    assert not any("SLACK" in name for name in variables)

    done = wait_for(backend, "contract", timeout=60)
    assert done.status == "Completed", done
    assert 0 < done.metrics["validation:auc"] <= 1
    assert json.loads((ml / "input/config/hyperparameters.json").read_text()) == QUICK
    assert json.loads((ml / "input/config/resourceconfig.json").read_text())["hosts"] == ["algo-1"]
    assert {p.name for p in (ml / "code").iterdir()} >= {"train.py", "inference.py", "mlops"}
    assert {p.name for p in ml.iterdir()} == {"checkpoints", "code", "input", "model", "output"}
    assert not shared.exists()
    log = list(backend.job_logs("contract"))
    assert any(line.startswith("validation-auc:") for line in log)


def test_the_same_request_finds_its_job_and_another_one_is_refused(
    backend: LocalBackend, start_training: Start
) -> None:
    first = start_training("mine", **QUICK)
    assert start_training("mine", **QUICK).created == first.created
    wait_for(backend, "mine", timeout=60)
    assert start_training("mine", **QUICK).status == "Completed"
    with pytest.raises(BackendError, match="other data or hyperparameters"):
        start_training("mine", num_round="6")
    assert [job.name for job in backend.jobs()] == ["mine"]


def test_one_job_for_one_request_made_eight_times_at_once(
    backend: LocalBackend, start_training: Start
) -> None:
    found: list[Job] = []
    threads = [
        threading.Thread(target=lambda: found.append(start_training("once", **QUICK)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len({job.created for job in found}) == 1
    assert wait_for(backend, "once", timeout=60).status == "Completed"
    assert list(backend.job_logs("once")).count("160 records") == 1


def test_training_twice_gives_the_same_model(backend: LocalBackend, start_training: Start) -> None:
    names = [start_training(name, **QUICK).name for name in ("one", "two")]
    versions = {backend.register(wait_for(backend, name, timeout=60).name).name for name in names}
    assert len(versions) == 1
    artifacts = [Path(backend.job(name).artifact or "").read_bytes() for name in names]
    assert artifacts[0] == artifacts[1]


def test_a_killed_runner_reads_as_failed_and_the_request_restarts_it(
    backend: LocalBackend, start_training: Start, until: Until
) -> None:
    start_training("killed", **LONG)
    script = script_of(backend, "killed")
    folder = backend.home / "jobs" / "killed"
    until(lambda: "fitting trees" in list(backend.job_logs("killed")))
    kill_holder(folder / "runner.lock")
    job = backend.job("killed")
    assert job.status == "Failed"
    assert job.ended is not None
    assert "killed" in (job.failure or "")

    assert start_training("killed", **LONG).status == "InProgress"
    assert not is_running(script), "what the killed runner left is still running"
    assert backend.job("killed").failure is None
    # What it had learnt before the trees is there still.
    until(lambda: list(backend.job_logs("killed")).count("fitting trees") == 2)
    assert list(backend.job_logs("killed")).count("reading the records") == 1
    backend.stop_job("killed")
    assert wait_for(backend, "killed", timeout=20).status == "Stopped"


def test_a_process_with_the_number_of_a_dead_runner_is_not_taken_for_it(
    backend: LocalBackend, start_training: Start
) -> None:
    start_training("reused", **QUICK)
    wait_for(backend, "reused", timeout=60)
    folder = backend.home / "jobs" / "reused"
    (folder / "state.json").write_text('{"status": "InProgress"}')
    (folder / "runner.lock").write_text(str(os.getpid()))
    assert backend.job("reused").status == "Failed"
    assert backend.stop_job("reused").status == "Failed"  # and this process still runs


def test_stop(backend: LocalBackend, start_training: Start) -> None:
    start_training("long", **LONG)
    script_of(backend, "long")
    assert backend.stop_job("long").status in ("Stopping", "Stopped")
    job = wait_for(backend, "long", timeout=20)
    assert job.status == "Stopped"
    assert job.failure is None
    assert nothing_runs(backend.home / "jobs" / "long")
    assert backend.stop_job("long").status == "Stopped"
    with pytest.raises(BackendError, match="no model to register"):
        backend.register("long")
    # A person stopped it: the same request, delivered once more, must not start it again.
    assert start_training("long", **LONG).status == "Stopped"


def test_its_data_can_be_forgotten_once_it_has_ended(
    backend: LocalBackend, start_training: Start
) -> None:
    start_training("forgetful", **QUICK)
    with pytest.raises(BackendError, match="under way"):
        backend.forget_data("forgetful")
    job = wait_for(backend, "forgetful", timeout=60)
    folder = backend.home / "jobs" / "forgetful"
    assert list(folder.rglob("train.jsonl"))
    for _ in range(2):
        backend.forget_data("forgetful")
        assert not list(folder.rglob("*.jsonl"))
    assert backend.job("forgetful") == job
    assert backend.register("forgetful").metrics
    with pytest.raises(NotFoundError):
        backend.forget_data("nobody")


def test_what_a_killed_job_learnt_is_forgotten_with_its_data(
    backend: LocalBackend, start_training: Start, until: Until
) -> None:
    start_training("cut", **LONG)
    script = script_of(backend, "cut")
    folder = backend.home / "jobs" / "cut"
    until(lambda: bool(list((folder / "prepared").glob("*.npz"))))
    kill_holder(folder / "runner.lock")
    backend.forget_data("cut")
    assert not is_running(script)
    assert not (folder / "prepared").exists()
    assert not list(folder.rglob("*.jsonl"))


def test_stop_ends_a_script_that_does_not_listen(
    backend: LocalBackend, start_training: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlops.backends.local.jobs.STOP_SECONDS", -5)
    start_training("deaf", **LONG)
    script = script_of(backend, "deaf")
    runner = locks.holder(backend.home / "jobs" / "deaf" / "runner.lock")
    assert runner is not None
    for pid in (runner, script):
        os.kill(pid, signal.SIGSTOP)
    backend.stop_job("deaf")
    time.sleep(0.05)
    backend.stop_job("deaf")
    assert wait_for(backend, "deaf", timeout=10).status == "Stopped"
    assert nothing_runs(backend.home / "jobs" / "deaf")


@pytest.mark.parametrize(
    ("hyperparameters", "sentence"),
    [
        ({"nun_round": "5"}, "There is no hyperparameter 'nun_round'"),
        ({"num_round": "many"}, "must be a whole number from"),
        ({"num_round": "2.5"}, "must be a whole number from"),
        ({"eta": "7"}, "must be a number from"),
        ({"eta": "nan"}, "must be a number from"),
    ],
)
def test_hyperparameters_are_checked_before_anything_starts(
    backend: LocalBackend, start_training: Start, hyperparameters: dict[str, str], sentence: str
) -> None:
    with pytest.raises(BackendError, match=sentence):
        start_training("", **hyperparameters)
    assert not backend.jobs()


@pytest.mark.parametrize("name", ["../evil", "a/b", ".hidden", "", "-a", "a" * 64, "ä", "a b"])
def test_names_that_are_none(backend: LocalBackend, start_training: Start, name: str) -> None:
    if name:
        with pytest.raises(BackendError, match="can't be the name of a job"):
            start_training(name, **QUICK)
    for look in (backend.job, backend.stop_job, backend.register, backend.job_logs):
        with pytest.raises(NotFoundError):
            look(name)
    assert not backend.home.exists()


def test_data_that_is_not_there(backend: LocalBackend, tmp_path: Path) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.touch()
    for path in (tmp_path / "none.jsonl", empty, tmp_path):
        with pytest.raises(DataError, match="no training records"):
            backend.train(TrainRequest(path))


def test_a_script_that_fails_gives_its_sentence_and_no_text_of_a_record(
    backend: LocalBackend, tmp_path: Path
) -> None:
    records = tmp_path / "train.jsonl"
    records.write_text('{"id": "1", "text": "Zebrafish Quillfeather", "label": 3}\nZebrafish\n')
    name = backend.train(TrainRequest(records, name="bad")).name
    job = wait_for(backend, name, timeout=60)
    assert job.status == "Failed"
    assert job.failure
    assert "Zebrafish" not in job.failure
    assert "Zebrafish" not in "\n".join(backend.job_logs(name))
    with pytest.raises(BackendError, match="no model to register"):
        backend.register(name)


def test_logs_follow_to_the_end(backend: LocalBackend, start_training: Start) -> None:
    start_training("followed", **QUICK)
    lines = list(backend.job_logs("followed", follow=True))
    assert backend.job("followed").done
    assert lines == list(backend.job_logs("followed"))
    assert lines


def test_the_runner_keeps_no_pipe_of_its_starter_open(
    home: Path, dataset: Path, backend: LocalBackend
) -> None:
    script = (
        "import sys; from pathlib import Path\n"
        "from mlops.backends import TrainRequest\n"
        "from mlops.backends.local import LocalBackend\n"
        f"LocalBackend(Path({str(home)!r})).train(TrainRequest(Path({str(dataset)!r}) / "
        f"'train.jsonl', None, {LONG!r}, 'piped'))"
    )
    began = time.monotonic()
    _, errors = run_python(script).communicate(timeout=20)
    assert not errors
    assert time.monotonic() - began < 10
    assert backend.job("piped").status == "InProgress"
