"""What the local backend can't do is refused, never ignored; and how versions are judged."""

import pytest

from mlops.backends import TableRequest
from mlops.backends.local import LocalBackend
from mlops.backends.options import Compute, Hosting, Rollout, Search, asked
from mlops.errors import BackendError
from tests.backends.test_operations import data_of, run


@pytest.mark.parametrize(
    ("arguments", "flag"),
    [
        (["train", "--spot"], "--spot"),
        (["train", "--no-spot", "--max-run", "600"], "--no-spot, --max-run"),
        (["train", "--instance-type", "ml.m5.large"], "--instance-type"),
        (["tune", "--strategy", "random"], "--strategy"),
        (["tune", "--warm-start", "weekly", "--instance-count", "2"], "--instance-count, --warm"),
        (["deploy", "shipped", "--serverless", "2048"], "--serverless"),
        (["endpoints", "update", "x", "shipped", "--canary", "10"], "--canary"),
    ],
)
def test_options_of_another_backend_are_refused(
    backend: LocalBackend, arguments: list[str], flag: str
) -> None:
    result = run(*arguments)
    assert result.exit_code == 1
    assert f"The local backend can't do {flag}" in result.stderr
    assert "Nothing was started" in result.stderr
    assert backend.jobs() == []


def test_nothing_asked_is_nothing_refused() -> None:
    assert asked(Compute(), Search(), Hosting(), Rollout()) == []
    assert asked(Rollout(alarms=False), Hosting(capture=3)) == ["--no-alarms", "--capture"]


def test_data_and_tables_in_s3_belong_to_another_backend(backend: LocalBackend) -> None:
    assert "are in S3" in run("train", "--data", "s3://bucket/data/").stderr
    request = TableRequest("s3://b/in.csv", "transcription", "s3://b/out.csv", "shipped")
    with pytest.raises(BackendError, match="reads tables from this machine"):
        backend.score_table(request, print)
    scored = run("classify", "--csv", "s3://b/in.csv", "--output", "s3://b/out.csv")
    assert "reads tables from this machine" in scored.stderr


def test_a_rejected_version_is_not_served(backend: LocalBackend, models: tuple[str, str]) -> None:
    first, second = models
    assert backend.version(first).approval == "PendingManualApproval"
    assert "is Rejected" in run("models", "reject", first).stdout
    for arguments in (["deploy", first], ["deploy", second]):
        result = run(*arguments)
        if arguments[1] == first:
            assert f"{first} was rejected" in result.stderr
    assert "was rejected" in run("endpoints", "update", "referral-triage", first).stderr
    assert backend.endpoint("referral-triage").version == second
    assert data_of(run("models", "approve", first, "--json"))["approval"] == "Approved"
    assert f"serves {first}" in run("endpoints", "update", "referral-triage", first).stdout
    assert "comes with the package" in run("models", "reject", "shipped").stderr


def test_what_a_deletion_would_remove(backend: LocalBackend) -> None:
    assert backend.endpoint_parts("second") == []
    backend.deploy("second", "shipped")
    result = run("endpoints", "delete", "second", "--dry-run")
    assert "endpoint second (InService" in result.stdout
    assert data_of(run("endpoints", "delete", "second", "--dry-run", "--json"))["would_delete"]
    assert backend.endpoint("second").status == "InService"
