"""The artifact: data and no code, the same bytes each time, and a sentence when it is damaged."""

import io
import json
import shutil
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import xgboost

from mlops.backends.package import pack_artifact
from mlops.container.answer import answer
from mlops.container.errors import ModelError
from mlops.container.fitting import fit
from mlops.container.model import (
    ARRAYS,
    BOOSTER,
    METADATA,
    WORDS,
    Model,
    _version,
    load_model,
    save_model,
)
from mlops.container.table import Row
from mlops.shipped import ARTIFACT
from tests.container.conftest import HYPERPARAMETERS

FILES = (BOOSTER, ARRAYS, WORDS, METADATA)
MAX_BYTES = 8_000_000


def members(artifact: Path) -> Iterator[tuple[str, bytes]]:
    """Every file in an archive."""
    with tarfile.open(artifact) as archive:
        for member in archive.getmembers():
            assert member.isfile()
            file = archive.extractfile(member)
            assert file is not None
            yield member.name, file.read()


def is_data(name: str, content: bytes) -> bool:
    """Whether a file is of a form that can't hold code, and really is of that form."""
    if name.endswith(".json"):
        json.loads(content)
        return True
    if name.endswith(".ubj"):
        xgboost.Booster().load_model(bytearray(content))
        return True
    if name.endswith(".npz"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for inner in archive.namelist():
                array = np.load(io.BytesIO(archive.read(inner)), allow_pickle=False)
                assert array.dtype.kind in "iufbU"
        return True
    return False


def test_the_artifact_holds_no_code(model_dir: Path, tmp_path: Path) -> None:
    artifact = tmp_path / "model.tar.gz"
    pack_artifact(model_dir, artifact)
    found = dict(members(artifact))
    assert set(found) == set(FILES)
    assert all(is_data(name, content) for name, content in found.items())


def test_the_shipped_artifact_holds_no_code_and_is_small() -> None:
    assert ARTIFACT.stat().st_size < MAX_BYTES
    found = dict(members(ARTIFACT))
    assert {BOOSTER, ARRAYS, METADATA} <= set(found)
    assert all(is_data(name, content) for name, content in found.items())


def test_a_loaded_model_answers_as_the_fitted_one(model: Model, rows: list[Row], fitted) -> None:
    for row in rows[:15]:
        said = answer("0", row.text, fitted.model)
        assert {**said, "model_version": model.version} == answer("0", row.text, model)


def test_the_same_seed_gives_the_same_bytes(rows: list[Row], tmp_path: Path) -> None:
    few = rows[:60]
    versions = []
    for name in ("first", "second"):
        versions.append(save_model(tmp_path / name, fit(few, HYPERPARAMETERS).model))
    assert versions[0] == versions[1]
    for file in FILES:
        assert (tmp_path / "first" / file).read_bytes() == (tmp_path / "second" / file).read_bytes()
    other = fit(few, {**HYPERPARAMETERS, "seed": 1}).model
    assert save_model(tmp_path / "third", other) != versions[0]


def test_the_version_is_of_the_content(model_dir: Path, model: Model, tmp_path: Path) -> None:
    assert save_model(tmp_path / "again", load_model(model_dir)) == model.version
    for file in FILES:
        assert (tmp_path / "again" / file).read_bytes() == (model_dir / file).read_bytes()


DAMAGES = {
    "missing": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "other bytes": lambda path: path.write_bytes(b"\x80\x04\x95" + bytes(range(256))),
    "a list": lambda path: path.write_text("[]"),
    "an object": lambda path: path.write_text("{}"),
}


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_artifact_is_a_sentence(
    model_dir: Path, tmp_path: Path, file: str, damage: str
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(model_dir, folder)
    DAMAGES[damage](folder / file)
    with pytest.raises(ModelError) as caught:
        load_model(folder)
    sentence = str(caught.value)
    assert "Nothing was loaded." in sentence
    assert sentence.endswith(".")
    assert str(tmp_path) not in sentence
    assert ("has no " + file in sentence) == (damage == "missing")


def test_a_pickle_among_the_arrays_is_not_run(model_dir: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(model_dir, folder)
    with np.load(folder / ARRAYS) as arrays:
        content = dict(arrays)
    content["intercepts"] = np.array([Mark(tmp_path / "ran")], dtype=object)
    np.savez(folder / ARRAYS, **content, allow_pickle=True)
    with pytest.raises(ModelError, match="damaged"):
        load_model(folder)
    assert not (tmp_path / "ran").exists()


class Mark:
    """Unpickling one leaves a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.path,)


def test_a_model_of_another_format_names_the_code_for_it(model_dir: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(model_dir, folder)
    metadata = json.loads((folder / METADATA).read_text())
    (folder / METADATA).write_text(json.dumps({**metadata, "format": 99, "code_version": "7.7"}))
    with pytest.raises(ModelError, match=r"format 99 .*7\.7"):
        load_model(folder)
    other = {**metadata, "features": metadata["features"][::-1]}
    other["model_version"] = _version(folder, other)
    (folder / METADATA).write_text(json.dumps(other))
    with pytest.raises(ModelError, match="other features"):
        load_model(folder)
