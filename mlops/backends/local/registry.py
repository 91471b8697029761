"""Model versions: immutable artifacts below `TRIAGE_HOME/models`, and the one that is shipped."""

import shutil
import uuid
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from mlops.backends import ModelVersion
from mlops.backends.local.files import (
    changed,
    make_folder,
    moment,
    now,
    read_json,
    write_json,
)
from mlops.backends.package import VERSION_PATTERN, read_metadata
from mlops.errors import BackendError, NotFoundError
from mlops.shipped import ARTIFACT as SHIPPED_ARTIFACT

SHIPPED = "shipped"


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
            write_json(draft / "version.json", _describe(metadata) | {"created": now(), "job": job})
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
        versions = self.all()
        if name == SHIPPED:
            found = [version for version in versions if version.shipped]
        else:
            found = [version for version in versions if name and version.name.startswith(name)]
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(version.name for version in found)
            raise NotFoundError(
                f"{name!r} fits several model versions: {names}. Nothing was changed. "
                "Give more letters of the one you mean."
            )
        raise NotFoundError(
            f"There is no model version {name[:80]!r}. Nothing was changed. "
            "See which there are: triage models list"
        )

    def all(self) -> list[ModelVersion]:
        """Every version, newest first, with the shipped one among them."""
        versions = {}
        shipped = _shipped()
        if shipped is not None:
            versions[shipped.name] = shipped
        if self._folder.is_dir():
            for folder in self._folder.iterdir():
                version = _read(folder) if VERSION_PATTERN.fullmatch(folder.name) else None
                if version is not None:
                    versions.setdefault(version.name, version)
        return sorted(versions.values(), key=lambda version: version.created, reverse=True)


def _describe(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The part of an artifact's metadata that a list of versions shows."""
    metrics = metadata.get("metrics")
    numbers = metrics.items() if isinstance(metrics, dict) else ()
    return {
        "metrics": {
            str(name): float(value)
            for name, value in numbers
            if isinstance(value, int | float) and not isinstance(value, bool)
        },
        "data_sha256": str(metadata.get("data_sha256", "")),
        "code_version": str(metadata.get("code_version", "")),
    }


def _version(
    name: str, artifact: Path, created: datetime, data: Mapping[str, Any], *, shipped: bool = False
) -> ModelVersion:
    return ModelVersion(
        name=name,
        artifact=str(artifact),
        created=created,
        metrics=dict(data.get("metrics") or {}),
        data_sha256=str(data.get("data_sha256", "")),
        code_version=str(data.get("code_version", "")),
        job=data.get("job"),
        shipped=shipped,
    )


def _read(folder: Path) -> ModelVersion | None:
    data = read_json(folder / "version.json")
    if data is None:
        return None
    return _version(folder.name, folder / "model.tar.gz", moment(data.get("created")), data)


def _shipped() -> ModelVersion | None:
    """The shipped version; None in a checkout where none has been made yet."""
    if not SHIPPED_ARTIFACT.is_file():
        return None
    metadata = read_metadata(SHIPPED_ARTIFACT)
    return _version(
        str(metadata["model_version"]),
        SHIPPED_ARTIFACT,
        changed(SHIPPED_ARTIFACT),
        _describe(metadata),
        shipped=True,
    )
