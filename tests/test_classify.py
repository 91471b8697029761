"""`triage classify` as a person or a script uses it: good notes, bad files, pipes, exit codes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mlops.cli import triage
from tests import documents
from tests.documents import NOTE

TRIAGE = Path(sys.executable).with_name("triage")
FIELDS = {
    "id",
    "recommendation",
    "probability",
    "confidence",
    "document_type",
    "evidence",
    "model_version",
    "warnings",
    "remainder",
}
RECIPE = (
    "Preheat the oven to 180 degrees. Whisk three eggs with the sugar until pale, fold in the "
    "flour and melted butter, pour into a greased tin and bake for forty minutes."
)
GERMAN = (
    "Der Patient klagt seit drei Wochen über Schmerzen im rechten Knie, besonders beim Treppen"
    "steigen. Keine Schwellung, keine Rötung. Bitte um Mitbeurteilung und weitere Therapie."
)

CODE = "def main():\n    for i in range(10):\n        print(i * 2)\n    return None"


def classify(*arguments: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(triage, ["classify", *arguments], input=stdin)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("note.txt", NOTE.encode()),
        ("note.pdf", documents.pdf(NOTE)),
        ("note.docx", documents.word(NOTE)),
    ],
)
def test_json_has_every_field(tmp_path: Path, name: str, data: bytes) -> None:
    file = tmp_path / name
    file.write_bytes(data)
    result = classify("--json", str(file))
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert set(answer) == FIELDS
    assert answer["id"] == str(file)
    assert answer["recommendation"] == "Surgery"
    assert answer["document_type"] == "referral"
    assert answer["confidence"] == answer["probability"] > 0.5
    assert answer["evidence"]
    for item in answer["evidence"]:
        assert set(item) - {"assertion"} == {"start", "end", "text", "weight"}
    assert " ".join(NOTE.split()).count(" ".join(answer["evidence"][0]["text"].split())) == 1


def test_evidence_is_where_it_says(tmp_path: Path) -> None:
    file = tmp_path / "note.txt"
    file.write_text(NOTE)
    for item in json.loads(classify("--json", str(file)).stdout)["evidence"]:
        assert NOTE[item["start"] : item["end"]] == item["text"]


def test_for_a_person(tmp_path: Path) -> None:
    file = tmp_path / "note.txt"
    file.write_text(NOTE)
    output = classify(str(file)).stdout
    assert "Surgery" in output
    assert " %" in output
    assert "A clinician decides" in output


def test_standard_input() -> None:
    for arguments in (["-"], []):
        result = classify("--json", *arguments, stdin=NOTE.encode())
        assert json.loads(result.stdout)["id"] == "-"


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("empty.txt", b"", "empty"),
        ("long.txt", b"word " * 1_000_000, "characters"),
        ("junk.txt", documents.junk(), "not"),
        ("locked.pdf", documents.encrypted_pdf(NOTE, password="secret"), "password"),
        ("scan.pdf", documents.pdf(""), "no text"),
        ("fake.docx", NOTE.encode(), "not a Word document"),
        ("latin.txt", bytes(range(0x80, 0x100)) * 4, "UTF-8"),
    ],
)
def test_what_cannot_be_read_has_its_sentence(
    tmp_path: Path, name: str, data: bytes, words: str
) -> None:
    bad, good = tmp_path / name, tmp_path / "good.txt"
    bad.write_bytes(data)
    good.write_text(NOTE)
    result = classify("--json", str(bad), str(good))
    assert result.exit_code == 1
    first, second = map(json.loads, result.stdout.splitlines())
    # The bad one has its reason, and the good one its answer all the same.
    assert words in first["error"]
    assert words in result.stderr
    assert second["recommendation"] == "Surgery"


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("knee pain again", "referral", "short"),
        (RECIPE, "other", "note"),
        (GERMAN, "other", "English"),
        (CODE, "other", "note"),
    ],
)
def test_what_is_no_note_needs_review(text: str, kind: str, words: str) -> None:
    result = classify("--json", "-", stdin=text.encode())
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    assert answer["recommendation"] == "Needs review"
    assert answer["probability"] is None
    assert answer["confidence"] is None
    assert answer["document_type"] == kind
    assert any(words in warning for warning in answer["warnings"])


def test_windows_1252_says_so() -> None:
    answer = json.loads(classify("--json", "-", stdin=(NOTE + " 38.6°").encode("cp1252")).stdout)
    assert any("Windows-1252" in warning for warning in answer["warnings"])


@pytest.mark.parametrize(
    "arguments",
    [["missing.txt"], ["--nonsense"], ["--output", "scored.csv", "-"], ["."]],
)
def test_wrong_usage(arguments: list[str]) -> None:
    assert classify(*arguments, stdin=b"x").exit_code == 2


def test_an_endpoint_that_is_not_there() -> None:
    done = subprocess.run(
        [TRIAGE, "classify", "--endpoint", "nowhere", "-"],
        input=NOTE,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("Error: ")
    assert "nowhere" in done.stderr
    assert "Traceback" not in done.stderr
    assert "umbilical" not in done.stderr


def test_a_reader_that_leaves_early() -> None:
    command = f"{TRIAGE} classify --json - - - | head -c 1"
    done = subprocess.run(command, shell=True, input=NOTE, capture_output=True, text=True)
    assert done.stdout == "{"
    assert "Traceback" not in done.stderr
