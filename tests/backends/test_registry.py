"""Model versions: named by their content, immutable, and the shipped one always among them."""

from pathlib import Path

import pytest

from mlops.backends.local import LocalBackend
from mlops.backends.local.registry import Registry
from mlops.errors import BackendError, NotFoundError
from mlops.shipped import ARTIFACT
from tests.backends.conftest import Trained


def test_the_shipped_version_is_there_from_the_start(backend: LocalBackend) -> None:
    [shipped] = backend.versions()
    assert shipped.shipped
    assert shipped.artifact == str(ARTIFACT)
    assert backend.version("shipped") == shipped
    assert backend.version(shipped.name[:4]) == shipped
    assert shipped.metrics
    assert backend.fetch_artifact("shipped", backend.home) == ARTIFACT
    assert not backend.home.exists(), "looking changed something"


def test_registering_twice_changes_nothing(
    backend: LocalBackend, trained: tuple[Trained, Trained]
) -> None:
    registry = Registry(backend.home)
    first = registry.add(trained[0].artifact, "job-a")
    assert registry.add(trained[0].artifact, "job-b") == first
    assert first.job == "job-a"
    assert len(first.data_sha256) == 64
    assert first.code_version
    assert Path(first.artifact).read_bytes() == trained[0].artifact.read_bytes()


def test_versions_are_listed_newest_first(backend: LocalBackend, models: tuple[str, str]) -> None:
    names = [version.name for version in backend.versions()]
    assert names[:2] == [models[1], models[0]]
    assert len(names) == 3


def test_names_that_fit_several_or_none(
    backend: LocalBackend, trained: tuple[Trained, Trained]
) -> None:
    registry = Registry(backend.home)
    kept = Path(registry.add(trained[0].artifact, None).artifact).parent
    kept.rename(kept.with_name("abc000000000"))
    kept = Path(registry.add(trained[0].artifact, None).artifact).parent
    kept.rename(kept.with_name("abc111111111"))
    with pytest.raises(NotFoundError, match=r"fits several model versions: .*abc000000000"):
        backend.version("abc")
    assert backend.version("abc1").name == "abc111111111"
    for name in ("", "zzz", "../abc000000000", "a/b"):
        with pytest.raises(NotFoundError, match="There is no model version"):
            backend.version(name)


def test_what_is_no_artifact_is_not_registered(backend: LocalBackend, tmp_path: Path) -> None:
    path = tmp_path / "model.tar.gz"
    path.write_bytes(b"rubbish")
    with pytest.raises(BackendError, match="is damaged"):
        Registry(backend.home).add(path, None)
    assert not backend.home.exists()


def test_a_version_whose_record_is_lost_is_registered_anew(
    backend: LocalBackend, trained: tuple[Trained, Trained]
) -> None:
    registry = Registry(backend.home)
    version = registry.add(trained[0].artifact, None)
    (Path(version.artifact).parent / "version.json").write_text("{")
    assert version.name not in [item.name for item in backend.versions()]
    assert registry.add(trained[0].artifact, None).name == version.name


def test_an_artifact_that_is_gone_is_said(
    backend: LocalBackend, models: tuple[str, str], tmp_path: Path
) -> None:
    Path(backend.version(models[0]).artifact).unlink()
    with pytest.raises(BackendError, match="is gone"):
        backend.fetch_artifact(models[0], tmp_path)
