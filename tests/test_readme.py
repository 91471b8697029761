"""The README shows only commands that run: here they do, one after the other, as a reader types."""

import csv
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mlops.data import build_dataset, load_corpus
from tests import documents
from tests.aws.fixtures import aws
from tests.aws.server import AwsServer
from tests.documents import NOTE

README = (Path(__file__).parents[1] / "README.md").read_text()
LOCAL, _, REST = README.partition("## On AWS\n")
ON_AWS, _, AFTER = REST.partition("\n## ")


def blocks(text: str) -> list[str]:
    """The shell commands of a part."""
    return re.findall(r"^```sh\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


BLOCKS = blocks(LOCAL) + blocks(AFTER)
COMMANDS = [
    line for block in BLOCKS for line in block.splitlines() if "triage " in line and "=" not in line
]
__all__ = ["aws"]
# They run in the foreground until they are stopped; tests of their own start them.
FOREGROUND = ("triage bot", "triage demo")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the files that the README names."""
    (tmp_path / "letter.txt").write_text(NOTE)
    (tmp_path / "scan.pdf").write_bytes(documents.pdf(NOTE))
    with (tmp_path / "notes.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["id", "transcription"], ["1", NOTE]])
    specialties = {"Surgery": " Surgery", "Consultation": " Consult - History and Phy."}
    with (tmp_path / "mtsamples.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        names = ("description", "medical_specialty", "sample_name", "transcription", "keywords")
        writer.writerow(["", *names])
        for number, record in enumerate(load_corpus()[:80]):
            text = f"HISTORY OF PRESENT ILLNESS: {record.text}"
            writer.writerow([number, "", specialties[record.label], "sample", text, ""])
    return tmp_path


def test_commands_are_found() -> None:
    assert len(COMMANDS) >= 10


def test_from_an_empty_account_to_an_endpoint_and_away(folder: Path, aws: AwsServer) -> None:
    build_dataset(folder / "dataset", kaggle=None)
    for part in ("train", "validation"):
        path = folder / "dataset" / f"{part}.jsonl"
        path.write_text("".join(path.read_text().splitlines(keepends=True)[:100]))
    [script] = blocks(ON_AWS)
    # An account of its own, reached as AWS is: nothing else is told to the commands.
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=os.environ
        | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
        | {"TRIAGE_HOME": str(folder / "home"), "AWS_CONFIG_FILE": os.devnull, "AWS_PAGER": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "referral-triage serves" in done.stdout
    assert "referral-triage is gone" in done.stdout
    assert aws.client("sagemaker").list_endpoints()["Endpoints"] == []
    policy = aws.client("iam").get_role_policy(
        RoleName="referral-triage-execution", PolicyName="referral-triage"
    )
    assert policy["PolicyDocument"]["Statement"]


def test_every_command_runs(folder: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "TRIAGE_HOME": str(folder / "home")}
    try:
        for command in COMMANDS:
            if command.startswith(FOREGROUND):
                continue
            done = subprocess.run(
                command, shell=True, cwd=folder, env=environment, capture_output=True, text=True
            )
            assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    finally:
        subprocess.run(
            "triage endpoints delete referral-triage --yes",
            shell=True,
            env=environment,
            capture_output=True,
        )
    assert (folder / "scored.csv").is_file()
