"""The steps that the command line and the bot share, and the commands themselves."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mlops.backends import Job
from mlops.backends.local import LocalBackend
from mlops.cli import triage
from mlops.container.train import HYPERPARAMETERS
from mlops.errors import BackendError, DataError
from mlops.operations import (
    default_ranges,
    finish,
    prepare_data,
    serve,
    start_training,
    start_tuning,
    wait_for,
)
from tests.backends.conftest import processes_of, run_python

SMALL = ("-p", "num_round=5", "-p", "max_depth=2")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(triage, list(arguments), catch_exceptions=False)


def data_of(result: Result) -> object:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_data_is_prepared_once(home: Path, dataset: Path) -> None:
    said: list[str] = []
    first = prepare_data(home, say=said.append)
    assert said
    assert {path.name for path in first.iterdir()} == {
        "train.jsonl",
        "validation.jsonl",
        "test.jsonl",
        "manifest.json",
    }
    said.clear()
    assert prepare_data(home, say=said.append) == first
    assert not said
    assert prepare_data(home, seed=1) != first
    assert prepare_data(home, dataset) == dataset


def test_data_that_is_none(home: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is no dataset"):
        prepare_data(home, tmp_path)
    with pytest.raises(DataError, match="There is no file or folder"):
        prepare_data(home, tmp_path / "nowhere")
    table = tmp_path / "other.csv"
    table.write_text("a,b\n1,2\n")
    with pytest.raises(DataError):
        prepare_data(home, table)


def test_ranges_are_the_workshops_within_what_train_py_takes() -> None:
    ranges = default_ranges()
    assert ranges["num_round"] == (100, 300)
    assert ranges["max_depth"] == (1, 10)
    for name, (low, high) in ranges.items():
        assert HYPERPARAMETERS[name][2] <= low < high <= HYPERPARAMETERS[name][3]


def test_from_data_to_version(backend: LocalBackend, dataset: Path) -> None:
    job = start_training(backend, dataset, hyperparameters={"num_round": "5"})
    seen: list[Job] = []
    done = wait_for(backend, job.name, seen.append, timeout=60)
    assert [item.status for item in seen][-1] == "Completed"
    assert finish(backend, done).job == job.name


def test_waiting_has_an_end(backend: LocalBackend, dataset: Path) -> None:
    job = start_tuning(backend, dataset, max_jobs=50, max_parallel_jobs=1)
    with pytest.raises(BackendError, match=r"has not ended within 0\.1 s\. It runs on"):
        wait_for(backend, job.name, timeout=0.1)
    backend.stop_job(job.name)
    stopped = wait_for(backend, job.name, timeout=30)
    if stopped.artifact is None:
        with pytest.raises(BackendError, match="made no model"):
            finish(backend, stopped)


def test_empty_states_say_what_to_do(backend: LocalBackend) -> None:
    assert "triage train" in run("jobs", "list").stdout
    assert "triage deploy" in run("endpoints", "list").stdout
    assert "shipped" in run("models", "list").stdout
    assert data_of(run("jobs", "list", "--json")) == []
    assert data_of(run("endpoints", "list", "--json")) == []


def test_the_commands_from_training_to_deletion(backend: LocalBackend, dataset: Path) -> None:
    result = run("train", "--data", str(dataset), *SMALL, "--name", "one", "--json")
    trained = data_of(result)
    assert isinstance(trained, dict)
    version = trained["version"]["name"]
    assert "validation-auc:" in result.stderr
    assert trained["job"]["status"] == "Completed"
    assert version in run("models", "list").stdout
    shown = run("models", "show", version[:5])
    assert "auc" in shown.stdout
    assert run("jobs", "show", "one").exit_code == 0
    assert "model version" in run("jobs", "logs", "one", "--follow").stdout
    assert "had ended already" in run("jobs", "stop", "one").stdout

    assert f"serves {version}" in run("deploy").stdout
    again = run("deploy")
    assert again.exit_code == 1
    assert "exists already" in again.stderr
    assert "serves" in run("endpoints", "update", "referral-triage", "shipped").stdout
    rolled = data_of(run("endpoints", "rollback", "referral-triage", "--json"))
    assert isinstance(rolled, dict)
    assert rolled["version"] == version
    assert "referral-triage" in run("endpoints", "list").stdout
    assert version in run("endpoints", "show", "referral-triage").stdout
    kept = CliRunner().invoke(triage, ["endpoints", "delete", "referral-triage"], input="n\n")
    assert kept.exit_code == 1
    assert f"serves {version}" in kept.output
    assert backend.endpoint("referral-triage").status == "InService"
    assert "is gone" in run("endpoints", "delete", "referral-triage", "--yes").stdout
    assert not processes_of(backend.home)


def test_the_command_that_tunes(backend: LocalBackend, dataset: Path) -> None:
    result = run(
        *("tune", "--data", str(dataset), "--max-jobs", "2", "--max-parallel-jobs", "2"),
        *("--range", "num_round=3:9", "--name", "search", "--json"),
    )
    tuned = data_of(result)
    assert isinstance(tuned, dict)
    assert len(tuned["job"]["trials"]) == 2
    assert "Trial 1: Completed" in result.stderr
    assert "num_round" in run("jobs", "show", "search").stdout


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["train", "-p", "eta"], 2, "is not NAME=VALUE"),
        (["tune", "--range", "eta=1"], 2, "is not NAME=LOW:HIGH"),
        (["tune", "--max-jobs", "0"], 2, "--max-jobs"),
        (["train", "-p", "eta=9"], 1, "must be a number from"),
        (["train", "--data", "nowhere"], 1, "There is no file or folder"),
        (["train", "--name", "../x"], 1, "can't be the name of a job"),
        (["deploy", "beef"], 1, "There is no model version"),
        (["models", "show", "beef"], 1, "There is no model version"),
        (["jobs", "show", "x"], 1, "There is no job"),
        (["jobs", "logs", "x"], 1, "There is no job"),
        (["jobs", "stop", "x"], 1, "There is no job"),
        (["endpoints", "show", "x"], 1, "There is no endpoint"),
        (["endpoints", "update", "x"], 1, "There is no endpoint"),
        (["endpoints", "rollback", "x"], 1, "There is no endpoint"),
        (["endpoints", "delete", "x", "--yes"], 1, "There is no endpoint"),
    ],
)
def test_what_cannot_be_done(
    backend: LocalBackend, arguments: list[str], code: int, sentence: str
) -> None:
    result = run(*arguments)
    assert result.exit_code == code
    assert sentence in result.stderr
    assert "Traceback" not in result.output
    assert not result.stdout


def test_interrupting_the_wait_leaves_the_job_running(
    backend: LocalBackend, home: Path, dataset: Path, until: Callable[[Callable[[], bool]], None]
) -> None:
    arguments = ["train", "--data", str(dataset), "--name", "long", "-p", "num_round=2000"]
    arguments += ["-p", "max_depth=12", "-p", "eta=0.001", "-p", "min_child_weight=0"]
    arguments += ["-p", "lambda=0", "-p", "colsample_bytree=1", "-p", "subsample=1"]
    with run_python(f"from mlops.cli import main; main({arguments!r})") as command:
        until(lambda: bool(backend.jobs()))
        time.sleep(0.5)
        os.kill(command.pid, signal.SIGINT)
        _, errors = command.communicate(timeout=20)
    assert command.returncode == 130
    assert b"triage jobs logs long --follow" in errors
    assert b"Traceback" not in errors
    assert backend.job("long").status == "InProgress"
    assert "is Stopped" in run("jobs", "stop", "long").stdout


def test_a_terminal_shows_what_the_job_is_at(
    backend: LocalBackend, dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # which rich takes for a terminal
    result = run("train", "--data", str(dataset), *SMALL, "--name", "watched")
    assert result.exit_code == 0, result.output
    assert "fitting trees" in result.stderr
    assert "watched" in result.stderr
    assert "0:00:0" in result.stderr
    assert "watched" not in result.stdout


def test_a_version_is_served_the_first_time_and_in_place(
    backend: LocalBackend, models: tuple[str, str]
) -> None:
    old, new = models
    assert serve(backend, "desk", old[:8]).version == old
    created = backend.endpoint("desk")
    assert serve(backend, "desk", old) == created
    updated = serve(backend, "desk", new)
    assert (updated.version, updated.previous, updated.url) == (new, old, created.url)


def test_serving_goes_on_with_a_change_whose_process_was_killed(
    backend: LocalBackend, models: tuple[str, str], until: Callable[[Callable[[], bool]], None]
) -> None:
    """The change itself goes on in the background; asking again waits for it."""
    old, new = models
    backend.deploy("desk", old)
    code = (
        "from pathlib import Path; from mlops.backends.local import LocalBackend; "
        f"LocalBackend(Path({str(backend.home)!r})).update('desk', {new!r})"
    )
    updating = subprocess.Popen([sys.executable, "-c", code])
    until(lambda: backend.endpoint("desk").status == "Updating")
    updating.kill()
    updating.wait()
    assert serve(backend, "desk", new).version == new
    assert backend.endpoint("desk").previous == old
