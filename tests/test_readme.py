"""The README shows only commands that run: here they do, one after the other, as a reader types."""

import csv
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mlops.data import load_corpus
from tests import documents
from tests.documents import NOTE

README = (Path(__file__).parents[1] / "README.md").read_text()
BLOCKS = re.findall(r"^```sh\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)
COMMANDS = [
    line for block in BLOCKS for line in block.splitlines() if "triage " in line and "=" not in line
]
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
