"""What precedes the trees is learnt once by trainings that share a folder, and changes no model."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlops.backends.local.processes import PACKAGE_ROOT
from mlops.container import fitting, prepared
from mlops.container.fitting import EARLY, fit
from mlops.container.lexicon import Lexicon
from mlops.container.model import WORDS, save_model
from mlops.container.table import Row
from mlops.container.train import HYPERPARAMETERS, parse_arguments

READING = "reading the records"
# The names of hyperparameters that make other records of the given ones.
OF_RECORDS = ("background",)
SECRET = "quillfeather"
Train = Callable[..., tuple[str, bool]]


@pytest.fixture
def few(rows: list[Row]) -> list[Row]:
    """Records of each kind, one of them with a word that no other has."""
    first = replace(rows[0], text=f"{rows[0].text} {SECRET} {SECRET}.")
    return [first, *rows[1:80]]


@pytest.fixture
def train(few: list[Row], tmp_path: Path) -> Train:
    """Trains in a folder in common; gives the version, and whether the records were read."""

    def run(
        folder: Path | None, rows: list[Row] | None = None, **hyperparameters: float
    ) -> tuple[str, bool]:
        quick = parse_arguments(["--num_round", "3", "--min_child_weight", "3"])
        said: list[str] = []
        with prepared.kept_in(folder):
            fitted = fit(rows or few, quick | hyperparameters, say=said.append)
        return save_model(tmp_path / "model", fitted.model), READING in said

    return run


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """The folder that trainings have in common; it is not there yet."""
    return tmp_path / "job" / "prepared"


def test_the_model_is_the_same_with_and_without(train: Train, shared: Path) -> None:
    version, _ = train(None)
    assert train(shared) == (version, True)
    assert train(shared) == (version, False)
    # Other trees from the same beginning.
    other, _ = train(None, max_depth=2, eta=0.5, seed=0)
    assert other != version
    assert train(shared, max_depth=2, eta=0.5, seed=0) == (other, False)


class _Asked(Exception):
    """Carries what a fit asked for."""


@pytest.fixture
def asked(few: list[Row], monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """The name of what a fit looks for, without fitting anything."""

    def look(rows: list[Row], lexicon: Lexicon, early: dict[str, float], _: object) -> None:
        raise _Asked(prepared._key(rows, lexicon, early))

    monkeypatch.setattr(fitting, "find_or_make", look)

    def run(rows: list[Row] | None = None, **hyperparameters: float) -> str:
        with pytest.raises(_Asked) as caught:
            fit(rows or few, parse_arguments([]) | hyperparameters)
        return str(caught.value)

    return run


def test_hyperparameters_that_count(asked: Callable[..., str]) -> None:
    for name, (kind, default, low, high) in HYPERPARAMETERS.items():
        changed = kind(default / 2 if default > low else min(high, default + 1))
        assert changed != default
        other = asked(**{name: changed}) != asked()
        assert other == (name in (*EARLY, *OF_RECORDS)), name


@pytest.mark.parametrize(
    "change", [{"text": "Knee pain."}, {"label": 1}, {"group": "alone"}, {"source": "crop"},
               {"weight": 2.0}],
)  # fmt: skip
def test_all_of_a_record_counts(
    asked: Callable[..., str], few: list[Row], change: dict[str, Any]
) -> None:
    few[1] = replace(few[1], label=0)
    assert asked() == asked([*few])
    assert asked([few[0], replace(few[1], **change), *few[2:]]) != asked()
    assert asked(few[::-1]) != asked()


def test_the_code_counts(asked: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    today = asked()
    monkeypatch.setattr(prepared, "_code", lambda: b"of tomorrow")
    assert asked() != today


@pytest.mark.parametrize("damage", ["empty", "cut", "changed", "folder"])
def test_a_damaged_file_is_none(train: Train, shared: Path, damage: str) -> None:
    version, _ = train(shared)
    [kept] = shared.glob("*.npz")
    whole = kept.read_bytes()
    if damage == "folder":
        kept.unlink()
        kept.mkdir()
    else:
        middle = len(whole) // 2
        broken = {
            "empty": b"",
            "cut": whole[:-1],
            "changed": whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :],
        }
        kept.write_bytes(broken[damage])
    assert train(shared) == (version, True)
    assert not list(shared.glob("*.part"))
    if damage != "folder":
        assert kept.read_bytes() == whole
        assert train(shared) == (version, False)


def test_a_folder_that_cannot_be_used_costs_time_alone(train: Train, shared: Path) -> None:
    shared.parent.mkdir()
    shared.write_text("")
    assert train(shared) == (train(None)[0], True)
    assert train(shared)[1]


def test_a_search_without_hits_does_not_fill_the_disk(train: Train, shared: Path) -> None:
    shared.mkdir(parents=True)
    for c in range(prepared._KEPT):
        (shared / f"{c}.npz").write_bytes(b"")
        os.utime(shared / f"{c}.npz", (c, c))
    assert train(shared)[1]
    kept = {path.name for path in shared.glob("*.npz")}
    assert len(kept) == prepared._KEPT
    assert "0.npz" not in kept
    assert not train(shared)[1]


def test_it_holds_numbers_and_the_words_of_the_artifact(
    train: Train, shared: Path, few: list[Row], tmp_path: Path
) -> None:
    train(shared)
    [kept] = shared.glob("*.npz")
    assert shared.stat().st_mode & 0o077 == 0
    content = kept.read_bytes()
    assert SECRET.encode() not in content
    with kept.open("rb") as file:
        file.seek(prepared._DIGEST_BYTES)
        with np.load(file, allow_pickle=False) as arrays:
            assert all(arrays[name].dtype.kind in "iuf" for name in arrays.files)
            words = json.loads(arrays["words"].tobytes())
    artifact = json.loads((tmp_path / "model" / WORDS).read_text())
    del words["scores"], artifact["lexicon"]
    assert words == artifact


class Scripts:
    """Runs `train.py` on records, in processes that share a folder."""

    def __init__(self, folder: Path, rows: list[Row]) -> None:
        self._folder = folder
        self.shared = folder / "prepared"
        self._running: list[subprocess.Popen[str]] = []
        (folder / "train").mkdir(parents=True)
        with (folder / "train" / "records.jsonl").open("w") as file:
            for row in rows:
                label = ("Consultation", "Surgery")[row.label]
                record = {"text": row.text, "label": label, "group": row.group}
                file.write(json.dumps(record | {"source": row.source}) + "\n")

    def start(self) -> "subprocess.Popen[str]":
        name = str(len(self._running))
        process = subprocess.Popen(
            [sys.executable, "-m", "mlops.container.train", "--num_round", "3"],
            env={
                **os.environ,
                "PYTHONPATH": str(PACKAGE_ROOT),
                "PYTHONUNBUFFERED": "1",
                "SM_CHANNEL_TRAIN": str(self._folder / "train"),
                "SM_MODEL_DIR": str(self._folder / name / "model"),
                "TRIAGE_PREPARED": str(self.shared),
            },
            stdout=subprocess.PIPE,
            text=True,
        )
        self._running.append(process)
        return process

    def end(self) -> None:
        for process in self._running:
            if process.poll() is None:
                process.kill()
            process.communicate()


@pytest.fixture
def scripts(tmp_path: Path, few: list[Row]) -> Any:
    scripts = Scripts(tmp_path / "scripts", few)
    yield scripts
    scripts.end()


def lines(process: "subprocess.Popen[str]") -> list[str]:
    """What a training that ended well has said."""
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return said.splitlines()


def read_until(process: "subprocess.Popen[str]", line: str) -> None:
    assert process.stdout is not None
    for said in process.stdout:
        if said.strip() == line:
            return
    raise AssertionError(f"it did not say {line!r}")


def test_one_makes_it_and_the_other_waits(scripts: Scripts) -> None:
    said = [lines(process) for process in [scripts.start(), scripts.start()]]
    assert sorted(READING in one for one in said) == [False, True]
    assert said[0][-1] == said[1][-1]
    assert said[0][-1].startswith("model version ")


def test_killed_while_it_is_made(scripts: Scripts) -> None:
    first = scripts.start()
    read_until(first, READING)
    os.kill(first.pid, signal.SIGSTOP)
    second, third = scripts.start(), scripts.start()
    read_until(second, "80 records")
    read_until(third, "80 records")
    # One that waits can be stopped as any other.
    os.kill(third.pid, signal.SIGTERM)
    os.kill(first.pid, signal.SIGKILL)
    assert third.wait(timeout=30) == 143
    said = lines(second)
    assert READING in said
    assert lines(scripts.start())[-1] == said[-1]
    assert len(list(scripts.shared.glob("*.npz"))) == 1
    assert not list(scripts.shared.glob("*.part"))
