"""Model versions: immutable artifacts below `TRIAGE_HOME/models`, and the one that is shipped."""

import shutil
import uuid
from pathlib import Path

from mlops.backends import Approval, ModelVersion
from mlops.backends.local.files import make_folder, moment, now, read_json, write_json
from mlops.backends.package import VERSION_PATTERN, read_metadata
from mlops.backends.versions import (
    describe_metadata,
    find_version,
    refuse_to_judge_shipped,
    shipped_version,
)
from mlops.errors import BackendError


class Registry:
    """The model versions of one state folder."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "models"

    def add(self, artifact: Path, job: str | None) -> ModelVersion:
        """Keep an artifact under the version it carries; if that is there already, change nothing.

        Raises:
            BackendError: if it is damaged or says no version.
        """
        metadata = read_metadata(artifact)
        folder = self._folder / str(metadata["model_version"])
        kept = _read(folder)
        if kept is not None:
            return kept
        make_folder(self._folder)
        draft = self._folder / f".{uuid.uuid4().hex}"
        draft.mkdir(mode=0o700)
        try:
            shutil.copyfile(artifact, draft / "model.tar.gz")
            write_json(
                draft / "version.json", describe_metadata(metadata) | {"created": now(), "job": job}
            )
            if folder.is_dir():  # what is there can't be read: replace it
                shutil.rmtree(folder)
            draft.rename(folder)
        except OSError as error:
            shutil.rmtree(draft, ignore_errors=True)
            kept = _read(folder)
            if kept is not None:
                return kept
            raise BackendError(
                f"The model version could not be kept in {self._folder}: {error.strerror}. "
                "The job has its artifact still. Free some space, then register it again."
            ) from None
        return self.get(folder.name)

    def get(self, name: str) -> ModelVersion:
        """The version of that name, of the first letters of it, or `shipped`.

        Raises:
            NotFoundError: if there is none, or the letters fit several.
        """
        return find_version(self.all(), name)

    def judge(self, name: str, approval: Approval, by: str) -> ModelVersion:
        """Approve or reject a version, and note who did."""
        found = self.get(name)
        refuse_to_judge_shipped(found)
        path = self._folder / found.name / "version.json"
        write_json(path, (read_json(path) or {}) | {"approval": approval, "judged_by": by})
        return self.get(found.name)

    def all(self) -> list[ModelVersion]:
        """Every version, newest first, with the shipped one among them."""
        versions = {}
        shipped = shipped_version()
        if shipped is not None:
            versions[shipped.name] = shipped
        if self._folder.is_dir():
            for folder in self._folder.iterdir():
                version = _read(folder) if VERSION_PATTERN.fullmatch(folder.name) else None
                if version is not None:
                    versions.setdefault(version.name, version)
        return sorted(versions.values(), key=lambda version: version.created, reverse=True)


def _read(folder: Path) -> ModelVersion | None:
    data = read_json(folder / "version.json")
    if data is None:
        return None
    return ModelVersion(
        name=folder.name,
        artifact=str(folder / "model.tar.gz"),
        created=moment(data.get("created")),
        metrics=dict(data.get("metrics") or {}),
        data_sha256=str(data.get("data_sha256", "")),
        code_version=str(data.get("code_version", "")),
        job=data.get("job"),
        approval=data.get("approval", "PendingManualApproval"),
        judged_by=str(data.get("judged_by", "")),
    )
