"""A dataset folder: complete or not there, with a manifest that says where it comes from."""

import hashlib
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from mlops.cli import triage
from mlops.data import Record, build_dataset, load_corpus, read_records
from mlops.data.build import gather
from mlops.errors import DataError
from tests.data.conftest import OPERATION, VISIT, WriteCsv, row

PARTS = ("train", "validation", "test")


def test_parts_and_manifest(small: Path, tmp_path: Path) -> None:
    folder = tmp_path / "dataset"
    said: list[str] = []
    manifest = build_dataset(folder, kaggle=small, say=said.append)
    assert said
    written = json.loads((folder / "manifest.json").read_text())
    assert written["kaggle_sha256"] == hashlib.sha256(small.read_bytes()).hexdigest()
    assert written["kaggle_rows"] == 2
    assert written["corpus_texts"] == len(load_corpus())
    for part in PARTS:
        path = folder / f"{part}.jsonl"
        assert written["records_sha256"][path.name] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert sum(manifest.counts[part].values()) == len(read_records(path))
    assert OPERATION not in (folder / "manifest.json").read_text()
    assert {path.name for path in tmp_path.iterdir()} == {"dataset", small.name}


def test_each_note_comes_in_two_views_and_one_cluster(small: Path) -> None:
    records, _ = gather(kaggle=small)
    views = {record.id: record for record in records if record.source != "corpus"}
    assert set(views) == {"mtsamples-0", "mtsamples-0-d", "mtsamples-1", "mtsamples-1-d"}
    assert views["mtsamples-0"].group == views["mtsamples-0-d"].group
    assert len(views["mtsamples-0-d"].text) < len(OPERATION)


def test_no_cluster_is_on_two_sides(kaggle: WriteCsv, tmp_path: Path) -> None:
    rows = []
    for number in range(30):
        text = f"{OPERATION} Case {number // 2} of the {number // 2 + 3}th series, room {number}."
        rows.append(row(" Surgery", text, number))
        rows.append(row(" Consult - History and Phy.", f"{VISIT} Visit {number}.", number))
    build_dataset(tmp_path / "d", kaggle=kaggle(rows))
    sides: dict[str, set[str]] = {}
    for part in PARTS:
        for record in read_records(tmp_path / "d" / f"{part}.jsonl"):
            sides.setdefault(record.group, set()).add(part)
    assert all(len(parts) == 1 for parts in sides.values())


def test_the_corpus_alone_knows_its_specialties(tmp_path: Path) -> None:
    manifest = build_dataset(tmp_path / "d", kaggle=None)
    assert manifest.kaggle_sha256 is None
    records = [r for part in PARTS for r in read_records(tmp_path / "d" / f"{part}.jsonl")]
    assert {r.id: r.specialty for r in records} == {c.id: c.specialty for c in load_corpus()}


def test_the_same_input_gives_the_same_bytes(small: Path, tmp_path: Path) -> None:
    first = build_dataset(tmp_path / "a", kaggle=small, seed=5)
    assert build_dataset(tmp_path / "b", kaggle=small, seed=5) == first
    other = build_dataset(tmp_path / "a", kaggle=small, seed=6)
    assert other.records_sha256 != first.records_sha256


def test_a_failed_build_leaves_the_old_dataset(tmp_path: Path, kaggle: WriteCsv) -> None:
    folder = tmp_path / "d"
    build_dataset(folder, kaggle=None)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(DataError, match="no usable note"):
        build_dataset(folder, kaggle=kaggle([row(" Surgery", OPERATION)]))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_folder_of_something_else_is_not_touched(tmp_path: Path) -> None:
    folder = tmp_path / "thesis"
    folder.mkdir()
    (folder / "chapter.txt").write_text("mine")
    with pytest.raises(DataError, match="holds other files"):
        build_dataset(folder, kaggle=None)
    assert [path.name for path in folder.iterdir()] == ["chapter.txt"]
    with pytest.raises(DataError, match="is a file"):
        build_dataset(folder / "chapter.txt", kaggle=None)


def test_on_the_command_line(small: Path, tmp_path: Path) -> None:
    arguments = ["dataset", "build", "--kaggle", str(small), "--output", str(tmp_path / "d")]
    result = CliRunner().invoke(triage, [*arguments, "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["kaggle_rows"] == 2
    shown = CliRunner().invoke(triage, arguments).stdout
    assert "none is on two sides" in shown
    assert "left out, repeated: 0" in shown


def test_corrections_are_in_it_and_only_for_its_owner(tmp_path: Path) -> None:
    folder = tmp_path / "dataset"
    extra = [
        Record(f"correction-{n}", f"Note number {n} of somebody.", "Surgery", f"c{n}", "correction")
        for n in range(20)
    ]
    manifest = build_dataset(folder, kaggle=None, extra=extra)
    found = [r for part in PARTS for r in read_records(folder / f"{part}.jsonl")]
    assert {r.text for r in extra} == {r.text for r in found if r.source == "correction"}
    assert sum(counts.get("correction/Surgery", 0) for counts in manifest.counts.values()) == 20
    assert folder.stat().st_mode & 0o077 == 0
