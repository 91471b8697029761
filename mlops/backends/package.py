"""What travels between this package and a container: the code package and the model artifact.

Both backends use these: a code package is the folder that a container runs (`train.py` and
`inference.py` at its top, `mlops/container/` below), an artifact is the `model.tar.gz` that
training leaves. Both are made reproducibly, and an artifact is read with suspicion.
"""

import gzip
import hashlib
import io
import json
import os
import re
import subprocess
import tarfile
import uuid
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from mlops.errors import BackendError

ENTRY_POINTS = ("train.py", "inference.py")
_COMPILED = frozenset({".so", ".pyd"})
VERSION_PATTERN = re.compile(r"[0-9a-f]{12}")
MAX_ARTIFACT_BYTES = 512 * 1024 * 1024
MAX_ARTIFACT_FILES = 200
MAX_METADATA_BYTES = 4 * 1024 * 1024
_DAMAGE = (tarfile.TarError, zlib.error, OSError, EOFError, ValueError)


@dataclass(frozen=True)
class CodePackage:
    """The code that a container runs, as relative POSIX paths to contents.

    Attributes:
        sha256: Hash of the names and contents: the same code has the same hash everywhere.
        compiled: What was compiled from it for this machine: it makes no difference but in speed,
            and does not travel.
    """

    files: Mapping[str, bytes] = field(repr=False)
    sha256: str
    compiled: Mapping[str, bytes] = field(repr=False)

    def tar_gz(self) -> bytes:
        """As `sourcedir.tar.gz`, for `sagemaker_submit_directory`."""
        buffer = io.BytesIO()
        _write_tar(buffer, self.files)
        return buffer.getvalue()

    def write(self, parent: Path) -> Path:
        """Write the package for this machine unless it is there, and return its folder."""
        machine = _digest(self.compiled)[:8] if self.compiled else "portable"
        folder = parent / f"{self.sha256[:16]}-{machine}"
        if folder.is_dir():
            return folder
        draft = parent / f".{uuid.uuid4().hex}"
        for name, content in {**self.files, **self.compiled}.items():
            path = draft / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        _publish(draft, folder)
        return folder


def code_package() -> CodePackage:
    """The container's code as it is in this installation."""
    root = Path(__file__).resolve().parents[1]
    container = root / "container"
    files = {"mlops/__init__.py": (root / "__init__.py").read_bytes()}
    compiled: dict[str, bytes] = {}
    for path in sorted(container.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            name = f"mlops/container/{path.relative_to(container).as_posix()}"
            kept = compiled if path.suffix in _COMPILED else files
            kept[name] = path.read_bytes()
    for entry in ENTRY_POINTS:
        files[entry] = files[f"mlops/container/{entry}"]
    return CodePackage(files, _digest(files), compiled)


def _digest(files: Mapping[str, bytes]) -> str:
    """SHA-256 of names and contents."""
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(f"{name}\0{len(files[name])}\0".encode())
        digest.update(files[name])
    return digest.hexdigest()


def code_commit() -> str:
    """The git commit of this checkout; empty for an installed package."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return ""
    try:
        done = subprocess.run(
            ["git", "-C", str(root), "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def pack_artifact(model_dir: Path, artifact: Path) -> None:
    """Write what training left in `model_dir` to `artifact`; the same files give the same bytes.

    Raises:
        BackendError: if training left nothing.
    """
    files = {
        path.relative_to(model_dir).as_posix(): path.read_bytes()
        for path in sorted(model_dir.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }
    if not files:
        raise BackendError(
            "Training ended without writing a model. No model version was made. "
            "Its log says how far it came."
        )
    artifact.parent.mkdir(parents=True, exist_ok=True)
    draft = artifact.with_name(f".{artifact.name}.{uuid.uuid4().hex}")
    with draft.open("wb") as file:
        _write_tar(file, files)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(artifact)


def unpack_artifact(artifact: Path, folder: Path) -> None:
    """Write the files of an artifact into `folder`, which may exist.

    Only plain files with plain relative names are taken, up to 512 MB: an artifact is data from
    elsewhere, and reading one must not be able to write outside `folder`.

    Raises:
        BackendError: if it is damaged, or holds anything else.
    """
    room = MAX_ARTIFACT_BYTES
    try:
        with tarfile.open(artifact, "r:gz") as tar:
            for count, member in enumerate(tar):
                if count >= MAX_ARTIFACT_FILES:
                    raise _unsafe(artifact, "it holds too many files")
                name = _plain_name(artifact, member)
                if name is None:
                    continue
                room -= member.size
                if room < 0:
                    raise _unsafe(artifact, "it is larger than 512 MB unpacked")
                source = tar.extractfile(member)
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(source.read() if source is not None else b"")
    except FileNotFoundError:
        raise _gone(artifact) from None
    except _DAMAGE as error:
        raise _damaged(artifact, error) from None


def read_metadata(artifact: Path) -> dict[str, Any]:
    """The `metadata.json` of an artifact: its `model_version`, metrics and origin.

    Raises:
        BackendError: if the artifact is damaged, or does not say which version it is.
    """
    try:
        with tarfile.open(artifact, "r:gz") as tar:
            for count, member in enumerate(tar):
                if count >= MAX_ARTIFACT_FILES:
                    raise _unsafe(artifact, "it holds too many files")
                if _plain_name(artifact, member) != PurePosixPath("metadata.json"):
                    continue
                if member.size > MAX_METADATA_BYTES:
                    raise _unsafe(artifact, "its metadata is larger than 4 MB")
                source = tar.extractfile(member)
                metadata = json.loads(source.read() if source is not None else b"")
                break
            else:
                raise _unsafe(artifact, "it has no metadata.json")
    except FileNotFoundError:
        raise _gone(artifact) from None
    except _DAMAGE as error:
        raise _damaged(artifact, error) from None
    if not isinstance(metadata, dict):
        raise _unsafe(artifact, "its metadata.json is not a table")
    if not VERSION_PATTERN.fullmatch(str(metadata.get("model_version", ""))):
        raise _unsafe(artifact, "its metadata.json names no model version of 12 hex digits")
    return metadata


def _write_tar(target: Any, files: Mapping[str, bytes]) -> None:
    """A tar whose bytes depend on names and contents only: no times, no owners."""
    with (
        gzip.GzipFile(filename="", fileobj=target, mode="wb", mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for name in sorted(files):
            member = tarfile.TarInfo(name)
            member.size = len(files[name])
            member.mode = 0o644
            tar.addfile(member, io.BytesIO(files[name]))


def _publish(draft: Path, folder: Path) -> None:
    """Give a finished folder its name; if another process was first, its copy is the same."""
    try:
        draft.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise
        for path in sorted(draft.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        draft.rmdir()


def _plain_name(artifact: Path, member: tarfile.TarInfo) -> PurePosixPath | None:
    """Where a member goes; None for a folder, which its files bring along."""
    name = PurePosixPath(member.name)
    if name.is_absolute() or ".." in name.parts or "\\" in member.name or "\0" in member.name:
        raise _unsafe(artifact, "one of its names leads outside its folder")
    if member.isdir():
        return None
    if not member.isreg():
        raise _unsafe(artifact, "it holds a link or a device")
    return name


def _gone(artifact: Path) -> BackendError:
    return BackendError(
        f"The model artifact {artifact} is gone. Nothing was changed. "
        "Choose another version: triage models list"
    )


def _damaged(artifact: Path, error: Exception) -> BackendError:
    return BackendError(
        f"The model artifact {artifact} is damaged ({type(error).__name__}). Nothing was changed. "
        "Train it again or choose another version: triage models list"
    )


def _unsafe(artifact: Path, reason: str) -> BackendError:
    return BackendError(
        f"The model artifact {artifact} can't be used: {reason}. Nothing was changed. "
        "Choose another version: triage models list"
    )
