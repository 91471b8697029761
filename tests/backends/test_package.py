"""Code packages and artifacts: reproducible when made, harmless when read."""

import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from mlops.backends.metrics import metric_definition, parse_metrics
from mlops.backends.package import (
    code_package,
    pack_artifact,
    read_metadata,
    unpack_artifact,
)
from mlops.errors import BackendError
from tests.backends.conftest import Trained


def tar_of(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for member, content in members:
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def test_code_package_is_what_a_container_runs(tmp_path: Path) -> None:
    package = code_package()
    assert {"train.py", "inference.py", "mlops/__init__.py"} <= set(package.files)
    assert package.files["train.py"] == package.files["mlops/container/train.py"]
    assert not any(name.startswith(("mlops/cli", "mlops/backends")) for name in package.files)
    folder = package.write(tmp_path)
    assert package.write(tmp_path) == folder
    script = "import inference, mlops; print(mlops.__file__, inference.model_fn.__module__)"
    done = subprocess.run(
        [sys.executable, "-P", "-c", script],
        env={"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith(str(folder))


def test_code_package_has_the_same_bytes_each_time() -> None:
    one, two = code_package(), code_package()
    assert one.sha256 == two.sha256
    assert one.tar_gz() == two.tar_gz()


def test_artifact_has_the_same_bytes_each_time(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "sub").mkdir(parents=True)
        (tmp_path / name / "sub" / "b.json").write_text("{}")
        (tmp_path / name / "a.bin").write_bytes(b"\0" * 1000)
        pack_artifact(tmp_path / name, tmp_path / f"{name}.tar.gz")
    assert (tmp_path / "one.tar.gz").read_bytes() == (tmp_path / "two.tar.gz").read_bytes()
    unpack_artifact(tmp_path / "one.tar.gz", tmp_path / "out")
    assert (tmp_path / "out" / "sub" / "b.json").read_text() == "{}"


def test_a_model_folder_with_nothing_in_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="without writing a model"):
        pack_artifact(tmp_path, tmp_path / "model.tar.gz")


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/../../evil", "a\\..\\evil"])
def test_an_artifact_cannot_write_outside_its_folder(tmp_path: Path, name: str) -> None:
    artifact = tar_of(tmp_path / "m.tar.gz", (tarfile.TarInfo(name), b"x"))
    with pytest.raises(BackendError, match="leads outside"):
        unpack_artifact(artifact, tmp_path / "out")
    assert {path.name for path in tmp_path.rglob("*")} <= {"m.tar.gz", "out"}


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE])
def test_an_artifact_holds_no_links_and_no_devices(tmp_path: Path, kind: bytes) -> None:
    member = tarfile.TarInfo("link")
    member.type, member.linkname = kind, "/etc/passwd"
    with pytest.raises(BackendError, match="link or a device"):
        unpack_artifact(tar_of(tmp_path / "m.tar.gz", (member, b"")), tmp_path / "out")


def test_an_artifact_of_too_many_files_is_refused(tmp_path: Path) -> None:
    members = [(tarfile.TarInfo(f"f{number}"), b"") for number in range(300)]
    with pytest.raises(BackendError, match="too many files"):
        unpack_artifact(tar_of(tmp_path / "m.tar.gz", *members), tmp_path / "out")


def test_an_artifact_that_unpacks_too_large_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlops.backends.package.MAX_ARTIFACT_BYTES", 10_000)
    artifact = tar_of(tmp_path / "m.tar.gz", (tarfile.TarInfo("zeros"), b"\0" * 20_000))
    assert artifact.stat().st_size < 1_000
    with pytest.raises(BackendError, match="larger than"):
        unpack_artifact(artifact, tmp_path / "out")


@pytest.mark.parametrize(
    "metadata", [b"{", b"[]", b"{}", json.dumps({"model_version": "../../etc"}).encode()]
)
def test_metadata_that_names_no_version_is_refused(tmp_path: Path, metadata: bytes) -> None:
    artifact = tar_of(tmp_path / "m.tar.gz", (tarfile.TarInfo("metadata.json"), metadata))
    with pytest.raises(BackendError, match=r"damaged|can't be used"):
        read_metadata(artifact)


def test_a_damaged_artifact_is_said(tmp_path: Path, trained: tuple[Trained, Trained]) -> None:
    whole = trained[0].artifact.read_bytes()
    for content in (b"", b"not a tar", whole[: len(whole) // 2], whole[:20] + b"x" * 500):
        path = tmp_path / "m.tar.gz"
        path.write_bytes(content)
        with pytest.raises(BackendError, match=r"damaged|can't be used"):
            unpack_artifact(path, tmp_path / "out")
    with pytest.raises(BackendError, match="gone"):
        read_metadata(tmp_path / "nowhere.tar.gz")


def test_metrics_are_read_as_sagemaker_reads_them() -> None:
    assert parse_metrics("[3]\ttrain-auc:0.9\tvalidation-auc:0.97123") == {
        "train:auc": 0.9,
        "validation:auc": 0.97123,
    }
    assert parse_metrics("validation-pr-auc:1e-3") == {"validation:pr-auc": 0.001}
    assert parse_metrics("cross-validation-auc:0.5 validation-auc:nan") == {}
    assert metric_definition("validation:auc") == {
        "Name": "validation:auc",
        "Regex": "validation-auc:([0-9.]+)",
    }
