"""`triage redeploy` and `triage lock`: what `/redeploy` does, for a terminal."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mlops.backends.local import LocalBackend
from mlops.cli import triage
from mlops.watching import Sample, judge, judge_notes
from tests.trained import Trained

ENDPOINT = "referral-triage"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(triage, list(arguments))


@pytest.fixture
def serving(trained: Trained) -> LocalBackend:
    backend = LocalBackend(trained.home)
    backend.deploy(ENDPOINT, "shipped")
    return backend


def test_a_watched_version_serves(serving: LocalBackend, trained: Trained) -> None:
    done = run("redeploy", trained.version, "--watch", "0.02", "--json")
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert said["endpoint"]["version"] == trained.version
    assert said["returned"] is False
    assert {finding["name"] for finding in said["findings"]} >= {"latency", "recommendations"}
    assert serving.endpoint(ENDPOINT).version == trained.version


def test_a_worse_one_goes_back(serving: LocalBackend, backwards: str) -> None:
    before = serving.endpoint(ENDPOINT).version
    done = run("redeploy", backwards, "--watch", "1")
    assert done.exit_code == 1
    assert "worse " in done.stdout
    assert f"{backwards} is worse, so {before} came back" in done.stderr
    assert serving.endpoint(ENDPOINT).version == before


@pytest.mark.parametrize(
    "arguments",
    [
        ("deploy", "shipped", "--endpoint", "second-opinion"),
        ("endpoints", "update", ENDPOINT, "shipped"),
        ("promote", "shipped"),
        ("redeploy", "shipped"),
    ],
)
def test_nobody_deploys_while_it_is_locked(arguments: tuple[str, ...], home: Path) -> None:
    assert run("lock", "set", "audit until Friday").exit_code == 0
    refused = run(*arguments)
    assert refused.exit_code == 1
    assert "locked by" in refused.output
    assert "audit until Friday" in refused.output
    assert LocalBackend(home).endpoints() == []


def test_lock_show_and_release(home: Path) -> None:
    assert run("lock", "show").stdout == "Deploying is not locked.\n"
    assert json.loads(run("lock", "set", "moving", "--json").stdout)["lock"]["reason"] == "moving"
    second = run("lock", "set", "other")
    assert second.exit_code == 1
    assert "locked already" in second.output
    assert "moving" in run("lock", "show").stdout
    assert "possible again" in run("lock", "release").stdout
    assert "was not locked" in run("lock", "release").stdout
    log = json.loads(f"[{','.join(run('audit', 'export').stdout.splitlines())}]")
    assert [(line["action"], line["channel"]) for line in log] == [
        ("lock", "terminal"),
        ("unlock", "terminal"),
    ]
    assert run("lock", "set", "").exit_code == 2
    assert run("lock", "set", "x" * 201).exit_code == 2


def test_a_database_that_can_not_be_read_lets_nobody_deploy(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.mkdir(parents=True)
    (home / "triage.db").write_bytes(b"this is no database, and long enough to be told so" * 20)
    refused = run("redeploy", "shipped")
    assert refused.exit_code == 1
    assert "can't be known" in refused.output
    shutil.rmtree(home)


def sample(failed: int = 0, ms: float = 20.0, said: str = "SSSSCCCC", p: float = 0.9) -> Sample:
    names = {"S": "Surgery", "C": "Consultation", "R": "Needs review"}
    return Sample(failed, [ms] * 60, [names[letter] for letter in said], [p] * 60)


@pytest.mark.parametrize(
    ("after", "worse"),
    [
        (sample(), []),
        (sample(failed=2), []),
        (sample(failed=3), ["errors of probes"]),
        (sample(ms=900.0), []),
        (sample(ms=1100.0), ["latency"]),
        (sample(said="SSCCCCCC"), []),
        (sample(said="SCCCCCCC"), ["recommendations"]),
        (sample(said="RRRRRRRR"), []),
    ],
)
def test_what_is_worse(after: Sample, worse: list[str]) -> None:
    assert [finding.name for finding in judge(sample(), after) if not finding.fine] == worse


def test_notes_are_judged_where_there_are_enough() -> None:
    few = Sample(0, [20.0] * 49, ["Surgery"] * 49, [0.05] * 49)
    assert [finding.name for finding in judge_notes(sample(), few)] == ["errors of notes"]
    found = judge_notes(sample(), sample(p=0.05))
    assert [finding.name for finding in found if not finding.fine] == ["predictions"]
    assert all(finding.fine for finding in judge_notes(sample(), sample()))
    assert judge_notes(sample(), Sample()) == ()


def test_without_an_endpoint_only_errors_can_be_judged() -> None:
    assert [finding.name for finding in judge(None, sample())] == ["errors of probes"]
