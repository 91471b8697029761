"""Operations in a terminal are in the same audit log as those in Slack: begun, and what came of it.

Each is run by its command, against the local backend and a database of the test's own.
"""

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from bot.terminal import TERMINAL, who
from mlops.backends.local import LocalBackend
from mlops.cli import triage
from mlops.settings import get_settings
from tests.trained import Trained

NAME = "referral-triage"
# What only looks, or runs something on this machine for whoever sits there.
LOOKS = {
    "classify", "dataset build", "evaluate", "models list", "models show", "models compare",
    "endpoints list", "endpoints show", "jobs list", "jobs show", "jobs logs", "lock show", "bot",
    "demo", "audit verify", "audit export", "feedback list", "feedback disagreements",
    "feedback dataset", "feedback key", "doctor",
}  # fmt: skip
RECORDED = {
    "train", "tune", "models register", "models approve", "models reject", "deploy",
    "endpoints update", "endpoints rollback", "endpoints delete", "jobs stop", "promote",
    "redeploy", "lock set", "lock release", "feedback delete", "feedback purge",
}  # fmt: skip


def run(*arguments: str) -> Result:
    return CliRunner().invoke(triage, list(arguments))


def log() -> list[tuple[str, str, str]]:
    """What the log holds: the operation, on what, what came of it."""
    lines = [json.loads(line) for line in run("audit", "export").stdout.splitlines()]
    assert {(line["user"], line["channel"]) for line in lines} <= {(who(), TERMINAL)}
    assert run("audit", "verify").exit_code == 0
    return [(line["action"], line["target"], line["result"]) for line in lines]


def leaves(group: click.Group, before: str = "") -> set[str]:
    context = click.Context(group)
    found = set()
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        whole = f"{before} {name}".strip()
        found |= leaves(command, whole) if isinstance(command, click.Group) else {whole}
    return found


def test_every_command_either_looks_or_is_recorded() -> None:
    assert leaves(triage) == LOOKS | RECORDED


def test_what_is_deployed_from_a_terminal(trained: Trained) -> None:
    """Deploy, change, go back, watch, judge, promote, remove: each with what came of it."""
    backend, version = LocalBackend(trained.home), trained.version
    assert run("deploy", "shipped").exit_code == 0
    shipped = backend.endpoint(NAME).version
    assert run("endpoints", "update", NAME, version[:6]).exit_code == 0
    assert run("endpoints", "rollback", NAME).exit_code == 0
    assert run("redeploy", version, "--watch", "0").exit_code == 0
    assert run("models", "reject", version).exit_code == 0
    assert run("models", "approve", version).exit_code == 0
    assert run("promote", version, "--watch", "0").exit_code == 0
    assert run("endpoints", "delete", NAME, "--yes").exit_code == 0
    assert log() == [
        ("deploy", f"shipped at {NAME}", "started"),
        ("deploy", f"shipped at {NAME}", f"serving {shipped}"),
        ("deploy", f"{version[:6]} at {NAME}", "started"),
        ("deploy", f"{version[:6]} at {NAME}", f"serving {version}"),
        ("rollback", NAME, "started"),
        ("rollback", NAME, f"went back to {shipped}"),
        ("redeploy", f"{version} at {NAME}", "started"),
        ("redeploy", f"{version} at {NAME}", f"serving {version}"),
        ("reject", version, "started"),
        ("reject", version, "rejected"),
        ("approve", version, "started"),
        ("approve", version, "approved"),
        ("promote", f"{version} at {NAME}", "started"),
        ("promote", f"{version} at {NAME}", f"serving {version}"),
        ("delete", NAME, "started"),
        ("delete", NAME, "deleted"),
    ]
    shown = run("models", "show", version).stdout
    assert f"Approved by {who()}" in shown


def test_what_fails_or_is_refused_is_recorded_as_well(trained: Trained) -> None:
    assert run("endpoints", "rollback", "nowhere").exit_code == 1
    (trained.home / "models" / trained.version / "model.tar.gz").write_bytes(b"damaged")
    assert run("deploy", trained.version).exit_code == 1
    assert run("deploy", "ffffffffffff").exit_code == 1
    run("lock", "set", "audit")
    assert run("redeploy", "shipped").exit_code == 1
    assert run("train", "--name", "no/name").exit_code == 1
    # Looking at what would be removed, and thinking better of it, is no operation.
    LocalBackend(trained.home).deploy(NAME, "shipped")
    assert run("endpoints", "delete", NAME, "--dry-run").exit_code == 0
    assert run("endpoints", "delete", NAME).exit_code == 1
    assert log() == [
        ("rollback", "nowhere", "started"),
        ("rollback", "nowhere", "refused: not there"),
        ("deploy", f"{trained.version} at {NAME}", "started"),
        ("deploy", f"{trained.version} at {NAME}", "failed"),
        ("deploy", f"ffffffffffff at {NAME}", "started"),
        ("deploy", f"ffffffffffff at {NAME}", "refused: not there"),
        ("lock", "", "locked"),
        ("redeploy", f"shipped at {NAME}", "refused: locked"),
        ("train", "no/name", "started"),
        ("train", "no/name", "failed"),
    ]


def test_a_worse_version_that_went_back_says_on_what(trained: Trained, backwards: str) -> None:
    assert run("deploy", "shipped").exit_code == 0
    shipped = LocalBackend(trained.home).endpoint(NAME).version
    assert run("redeploy", backwards, "--watch", "1").exit_code == 1
    went_back = f"worse: recommendations; went back to {shipped}"
    assert log()[-1] == ("redeploy", f"{backwards} at {NAME}", went_back)


def test_a_job_that_nobody_waits_for_is_stopped(home: Path) -> None:
    assert run("train", "--name", "nightly", "--no-wait").exit_code == 0
    assert run("jobs", "stop", "nightly").exit_code == 0
    assert run("jobs", "stop", "nightly").exit_code == 0
    assert log() == [
        ("train", "nightly", "started"),
        ("train", "nightly", "nightly is under way"),
        ("stop", "nightly", "started"),
        ("stop", "nightly", "stopped"),
        ("stop", "nightly", "started"),
        ("stop", "nightly", "refused: ended already"),
    ]


def test_without_its_database_going_back_is_possible_and_deploying_is_not(
    trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether deploying is locked can't be known then; what is not written down is said."""
    backend = LocalBackend(trained.home)
    backend.deploy(NAME, "shipped")
    backend.update(NAME, trained.version)
    monkeypatch.setenv("DATABASE_URL", "postgresql://triage@127.0.0.1:9/none")
    get_settings.cache_clear()
    refused = run("endpoints", "update", NAME, "shipped")
    assert refused.exit_code == 1
    assert "can't be known" in refused.stderr
    assert backend.endpoint(NAME).version == trained.version
    back = run("endpoints", "rollback", NAME)
    assert back.exit_code == 0
    assert "This is not in the audit log." in back.stderr
    assert "audit log" not in back.stdout
    assert backend.endpoint(NAME).version != trained.version


def test_help_opens_no_database() -> None:
    code = (
        "import sys\n"
        "from mlops.cli import main\n"
        "try:\n"
        "    main(sys.argv[1:])\n"
        "except SystemExit:\n"
        "    pass\n"
        "print([name for name in ('sqlalchemy', 'bot.store') if name in sys.modules])\n"
    )
    for arguments in ([], ["deploy"], ["endpoints", "rollback"], ["promote"]):
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments, "--help"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.splitlines()[-1] == "[]", arguments
