"""Tables of notes: order, columns, odd rows, odd files, and going on after an interruption."""

import csv
import gzip
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from multiprocessing import active_children
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from mlops import worklist
from mlops.classifier import Classifier, LocalClassifier, Note
from mlops.cli import triage
from mlops.errors import BackendError, DataError
from mlops.result import Recommendation
from mlops.shipped import ARTIFACT
from mlops.worklist import BATCH_ROWS, COLUMNS, MIN_PARALLEL_BYTES, RowWriter, score_csv

SURGICAL = "Irreducible umbilical hernia, vomiting since last night, overlying skin red and tender."
MEDICAL = "Occasional heartburn after coffee for two weeks. Nothing tried yet. Asks about antacids."


@pytest.fixture(scope="module")
def model() -> LocalClassifier:
    return LocalClassifier(ARTIFACT)


def write(path: Path, rows: Sequence[Sequence[str]], **options: str) -> Path:
    with path.open("w", newline="", encoding=options.pop("encoding", "utf-8")) as file:
        csv.writer(file, **options).writerows(rows)  # type: ignore[arg-type]
    return path


def read(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


def score(source: Path, output: Path, model: Classifier, column: str = "transcription") -> int:
    return score_csv(source, column, output, model, lambda rows, share: None).rows


def test_keeps_rows_order_and_columns(tmp_path: Path, model: LocalClassifier) -> None:
    rows = [["id", "transcription", "site"]]
    rows += [[str(i), (SURGICAL, MEDICAL)[i % 2], f"ward, {i}"] for i in range(150)]
    output = tmp_path / "scored.csv"
    assert score(write(tmp_path / "notes.csv", rows), output, model) == 150
    scored = read(output)
    assert list(scored[0]) == ["id", "transcription", "site", *COLUMNS]
    assert [row["id"] for row in scored] == [str(i) for i in range(150)]
    assert {row["site"] for row in scored} == {f"ward, {i}" for i in range(150)}
    assert scored[0]["recommendation"] == "Surgery"
    assert scored[1]["recommendation"] == "Consultation"
    assert 0.5 <= float(scored[0]["confidence"]) <= 1
    assert not list(tmp_path.glob("*.partial*"))


def test_a_bad_row_gets_its_reason(tmp_path: Path, model: LocalClassifier) -> None:
    rows = [["transcription"], [SURGICAL], [" "], ["word " * 50_000], [MEDICAL]]
    output = tmp_path / "scored.csv"
    scored = score_csv(
        write(tmp_path / "notes.csv", rows), "transcription", output, model, lambda *_: None
    )
    assert (scored.rows, scored.refused) == (4, 2)
    answers = read(output)
    assert "empty" in answers[1]["warnings"]
    assert "characters" in answers[2]["warnings"]
    assert answers[1]["recommendation"] == ""
    assert answers[3]["recommendation"] == "Consultation"


def test_scoring_twice_replaces_the_answers(tmp_path: Path, model: LocalClassifier) -> None:
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    score(write(tmp_path / "notes.csv", [["transcription"], [SURGICAL]]), first, model)
    score(first, second, model)
    assert read(first) == read(second)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_reads_what_spreadsheets_write(
    tmp_path: Path, model: LocalClassifier, delimiter: str, encoding: str
) -> None:
    rows = [["id", "transcription"], ["é1", SURGICAL + " Temp 38.6°,\nquoted; lines"]]
    source = write(tmp_path / "notes.csv", rows, delimiter=delimiter, encoding=encoding)
    score(source, tmp_path / "scored.csv", model)
    row = read(tmp_path / "scored.csv", delimiter)[0]
    assert row["id"] == "é1"
    assert "38.6°,\nquoted; lines" in row["transcription"]


def test_reads_gzip(tmp_path: Path, model: LocalClassifier) -> None:
    source = tmp_path / "notes.csv.gz"
    source.write_bytes(gzip.compress(f"transcription\n{SURGICAL}\n".encode()))
    # An unquoted comma cuts the note: its pieces belong together.
    assert score(source, tmp_path / "scored.csv", model) == 1
    assert read(tmp_path / "scored.csv")[0]["transcription"] == SURGICAL


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"note,id\nx,1\n", "The columns are: note, id"),
        (b"transcription\n\xff\x81\x8d\x90", "not a text file"),
    ],
)
def test_a_file_that_is_no_table(
    tmp_path: Path, model: LocalClassifier, content: bytes, words: str
) -> None:
    source = tmp_path / "notes.csv"
    source.write_bytes(content)
    with pytest.raises(DataError, match=words):
        score(source, tmp_path / "scored.csv", model)
    assert not (tmp_path / "scored.csv").exists()


class Failing:
    """A real model that stops answering after some notes, as a network does."""

    def __init__(self, model: LocalClassifier, after: int) -> None:
        self._model = model
        self._left = after
        self.asked = 0

    @property
    def model_version(self) -> str:
        return self._model.model_version

    def classify(self, notes: Sequence[Note]) -> list[Recommendation]:
        self._left -= len(notes)
        if self._left < 0:
            raise BackendError("The endpoint is down. Nothing was classified. Try again.")
        self.asked += len(notes)
        return self._model.classify(notes)


def test_an_interrupted_run_goes_on(tmp_path: Path, model: LocalClassifier) -> None:
    rows = [["transcription"], *[[f"{MEDICAL} Row {i}.\nEnd."] for i in range(5 * BATCH_ROWS)]]
    source, output = write(tmp_path / "notes.csv", rows), tmp_path / "scored.csv"
    with pytest.raises(BackendError):
        score(source, output, Failing(model, after=3 * BATCH_ROWS))
    assert not output.exists()
    # A kill can come in the middle of a write: what follows the record is not believed.
    with (tmp_path / "scored.csv.partial").open("a") as partial:
        partial.write('"half a row')
    rest = Failing(model, after=10**6)
    assert score(source, output, rest) == 5 * BATCH_ROWS
    assert rest.asked == 2 * BATCH_ROWS
    uninterrupted = tmp_path / "again.csv"
    score(source, uninterrupted, model)
    assert output.read_bytes() == uninterrupted.read_bytes()


def test_another_table_starts_afresh(tmp_path: Path, model: LocalClassifier) -> None:
    output = tmp_path / "scored.csv"
    first = write(tmp_path / "a.csv", [["transcription"], *[[MEDICAL]] * 2 * BATCH_ROWS])
    with pytest.raises(BackendError):
        score(first, output, Failing(model, after=BATCH_ROWS))
    second = write(tmp_path / "b.csv", [["transcription"], [SURGICAL]])
    assert score(second, output, model) == 1


def test_the_command(tmp_path: Path) -> None:
    source = write(tmp_path / "notes.csv", [["note"], [SURGICAL], [""]])
    output = tmp_path / "scored.csv"
    arguments = ["classify", "--csv", str(source), "--column", "note", "--output", str(output)]
    result = CliRunner().invoke(triage, [*arguments, "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {"output": str(output), "rows": 2, "refused": 1}
    # Without an output, or onto itself, is wrong usage and changes nothing.
    assert CliRunner().invoke(triage, arguments[:-2]).exit_code == 2
    assert CliRunner().invoke(triage, [*arguments[:-1], str(source)]).exit_code == 2
    assert read(source)[0] == {"note": SURGICAL}


@given(
    st.lists(st.text(st.sampled_from("a,;\t\"'\r\n é"), max_size=5), min_size=2),
    st.sampled_from(",;\t"),
)
def test_rows_are_written_as_by_the_csv_module(row: list[str], delimiter: str) -> None:
    ours, theirs = io.StringIO(newline=""), io.StringIO(newline="")
    RowWriter(ours, delimiter)(row)
    csv.writer(theirs, delimiter=delimiter).writerow(row)
    assert ours.getvalue() == theirs.getvalue()


def long_table(folder: Path) -> Path:
    """A table that is worth several processes, with rows that are refused."""
    texts = [f"{(SURGICAL, MEDICAL)[i % 2]} Row {i}. " * 120 for i in range(1600)]
    texts[7], texts[1200] = "", "word " * 50_000
    source = write(folder / "long.csv", [["transcription"], *[[text] for text in texts]])
    assert source.stat().st_size > MIN_PARALLEL_BYTES
    return source


def test_a_long_table_is_the_same_on_several_processors(
    tmp_path: Path, model: LocalClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = long_table(tmp_path)
    for processes in (1, 3):
        monkeypatch.setattr(worklist, "processors", lambda processes=processes: processes)
        found = score_csv(
            source, "transcription", tmp_path / f"{processes}.csv", model, lambda *_: None
        )
        assert (found.rows, found.refused) == (1600, 2)
    assert (tmp_path / "1.csv").read_bytes() == (tmp_path / "3.csv").read_bytes()


def test_processes_that_are_ended_lose_nothing(
    tmp_path: Path, model: LocalClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, output = long_table(tmp_path), tmp_path / "scored.csv"
    monkeypatch.setattr(worklist, "processors", lambda: 2)

    def end_one(rows: int, _share: float) -> None:
        if rows >= 4 * BATCH_ROWS:
            for child in active_children():
                child.kill()

    with pytest.raises(BackendError, match="ended from outside"):
        score_csv(source, "transcription", output, model, end_one)
    assert not output.exists()
    assert not active_children()
    scored = score_csv(source, "transcription", output, model, lambda *_: None)
    assert scored.rows == 1600
    assert scored.resumed_at >= 4 * BATCH_ROWS
    answers = read(output)
    assert [len(answers), answers[7]["recommendation"]] == [1600, ""]
    assert {row["recommendation"] for row in answers[100:102]} == {"Surgery", "Consultation"}


ORPHAN = """
import os, signal, sys
from pathlib import Path
from multiprocessing import active_children
from mlops import worklist
from mlops.classifier import LocalClassifier
from mlops.shipped import ARTIFACT
from mlops.worklist import score_csv
from mlops import worklist
def end(rows, share):
    print(*[child.pid for child in active_children()], flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
if __name__ == "__main__":
    worklist.processors = lambda: 2
    score_csv(Path(sys.argv[1]), "transcription", Path(sys.argv[2]), LocalClassifier(ARTIFACT), end)
"""


def test_no_process_outlives_the_one_that_began_it(tmp_path: Path) -> None:
    script = tmp_path / "orphan.py"
    script.write_text(ORPHAN)
    done = subprocess.run(
        [sys.executable, str(script), str(long_table(tmp_path)), str(tmp_path / "scored.csv")],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(worklist.__file__).parents[1])},
    )
    assert done.returncode == -9, done.stderr
    children = [int(pid) for pid in done.stdout.split()]
    assert len(children) == 2
    deadline = time.monotonic() + 20
    while any(is_running(pid) for pid in children) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(is_running(pid) for pid in children)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
