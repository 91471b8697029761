"""A comparison as a job: answered once, started again when it was killed, stopped; and promote."""

import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.terminal import who
from mlops import comparing, operations
from mlops.backends.local import LocalBackend, locks
from mlops.cli import triage
from mlops.errors import BackendError
from mlops.evaluation import gate
from tests.trained import Trained


@pytest.fixture(scope="module")
def place(made: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder with a version beside the shipped one."""
    folder = tmp_path_factory.mktemp("comparing") / "home"
    shutil.copytree(made.home, folder)
    return folder


@pytest.fixture
def challenger(made: Trained) -> str:
    return made.version


@pytest.fixture
def folder(place: Path, challenger: str) -> Iterator[Path]:
    """A comparison that has just begun."""
    shutil.rmtree(place / "comparisons", ignore_errors=True)
    yield begin(place, challenger)
    for found in (place / "comparisons").iterdir():
        comparing.stop(found)


def begin(place: Path, challenger: str) -> Path:
    backend = LocalBackend(place)
    return comparing.begin(place, backend, "shipped", challenger, operations.prepare_data(place))


def finished(folder: Path, seconds: float = 120.0) -> comparing.Comparing:
    deadline = time.monotonic() + seconds
    while (now := comparing.look(folder)).status == "InProgress":
        assert time.monotonic() < deadline, now
        time.sleep(0.1)
    return now


def at_work(folder: Path) -> int:
    """The process that compares."""
    deadline = time.monotonic() + 10
    while (pid := locks.holder(folder / comparing.LOCK)) is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return pid


def test_it_is_answered_once_and_says_what_the_gate_says(
    place: Path, challenger: str, folder: Path
) -> None:
    pid = at_work(folder)
    assert begin(place, challenger) == folder
    assert locks.holder(folder / comparing.LOCK) == pid
    done = finished(folder)
    assert done.status == "Completed", done.failure
    backend = LocalBackend(place)
    dataset = operations.prepare_data(place)
    artifacts = [Path(backend.version(name).artifact) for name in ("shipped", challenger)]
    ours = gate.compare(*artifacts, dataset).to_json()
    slow = ("latency",)
    for key in ("champion", "challenger", "rungs", "about"):
        assert done.comparison[key] == json.loads(json.dumps(ours[key]))
    assert [c for c in done.comparison["checks"] if c["name"] not in slow] == [
        c for c in ours["checks"] if c["name"] not in slow
    ]
    assert done.passed == ours["passed"]
    assert [path.stem for path in done.pictures] == ["confusion", "reliability", "roc"]
    assert (folder / comparing.REPORT).read_text().startswith("<!doctype html>")
    begun = (folder / comparing.RESULT).stat().st_mtime_ns
    assert begin(place, challenger) == folder
    assert comparing.look(folder).status == "Completed"
    assert (folder / comparing.RESULT).stat().st_mtime_ns == begun


def test_killed_it_is_started_again_but_not_for_ever(
    place: Path, challenger: str, folder: Path
) -> None:
    for _ in range(comparing.MAX_ATTEMPTS):
        os.kill(at_work(folder), signal.SIGKILL)
        assert locks.wait_released(folder / comparing.LOCK, 10)
        now = comparing.look(folder)
        assert (now.status, now.failure) == ("Failed", None)
        if _ + 1 < comparing.MAX_ATTEMPTS:
            begin(place, challenger)
    with pytest.raises(BackendError, match="was given up"):
        begin(place, challenger)


def test_stopped_it_can_be_begun_again(place: Path, challenger: str, folder: Path) -> None:
    at_work(folder)
    comparing.stop(folder)
    assert not locks.is_held(folder / comparing.LOCK)
    assert comparing.look(folder).status == "Failed"
    begin(place, challenger)
    at_work(folder)


def test_what_can_not_be_compared_says_why(place: Path, challenger: str, tmp_path: Path) -> None:
    """A dataset whose test part holds one label only."""
    dataset = tmp_path / "dataset"
    shutil.copytree(operations.prepare_data(place), dataset)
    test = dataset / "test.jsonl"
    lines = [line for line in test.read_text().splitlines() if '"Surgery"' in line]
    test.write_text("\n".join(lines) + "\n")
    backend = LocalBackend(place)
    with pytest.raises(BackendError, match="too few held-out notes"):
        comparing.compare(place, backend, "shipped", challenger, dataset)


def run(place: Path, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(triage, list(arguments), env={"TRIAGE_HOME": str(place)})
    return result.exit_code, result.output


def test_promote_does_what_approve_does(place: Path, challenger: str) -> None:
    """In a terminal: refused by the gate, nothing changes; else it is deployed, in place later."""
    backend = LocalBackend(place)
    dataset = operations.prepare_data(place)
    done = comparing.compare(place, backend, "shipped", challenger, dataset)
    code, output = run(place, "promote", challenger[:6], "--watch", "0.02")
    try:
        for check in done.comparison["checks"]:
            assert check["sentence"] in output
        assert code == (0 if done.passed else 1)
        served = [endpoint.version for endpoint in backend.endpoints()]
        assert served == ([challenger] if done.passed else [])
        assert ("Refused" in output) != done.passed
        # As after Approve, it is watched, and the registry says who approved.
        assert ("of 24 probes got no answer" in output) == done.passed
        judged = backend.version(challenger)
        assert judged.approval == ("Approved" if done.passed else "PendingManualApproval")
        assert judged.judged_by == (who() if done.passed else "")
        # What serves is compared with nothing, and promoting it again changes nothing.
        operations.serve(backend, "referral-triage", challenger)
        before = backend.endpoint("referral-triage").updated
        code, output = run(place, "promote", challenger)
        assert (code, output.splitlines()[-1]) == (0, f"referral-triage serves {challenger}")
        assert backend.endpoint("referral-triage").updated == before
        assert operations.champion(backend, "referral-triage").name == challenger
    finally:
        for endpoint in backend.endpoints():
            backend.delete_endpoint(endpoint.name)
