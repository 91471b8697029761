"""What every registry of model versions shares: its words, the search by name, the shipped one."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from mlops.backends import ModelVersion
from mlops.backends.package import read_metadata
from mlops.errors import BackendError, NotFoundError
from mlops.shipped import ARTIFACT as SHIPPED_ARTIFACT

SHIPPED = "shipped"


def find_version(versions: Sequence[ModelVersion], name: str) -> ModelVersion:
    """The version of that name, of the first letters of it, or `shipped`.

    Raises:
        NotFoundError: if there is none, or the letters fit several.
    """
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


def describe_metadata(metadata: Mapping[str, Any]) -> dict[str, Any]:
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


def shipped_version() -> ModelVersion | None:
    """The shipped version; None in a checkout where none has been made yet."""
    if not SHIPPED_ARTIFACT.is_file():
        return None
    metadata = read_metadata(SHIPPED_ARTIFACT)
    return ModelVersion(
        name=str(metadata["model_version"]),
        artifact=str(SHIPPED_ARTIFACT),
        created=datetime.fromtimestamp(SHIPPED_ARTIFACT.stat().st_mtime, UTC),
        shipped=True,
        approval="Approved",
        **describe_metadata(metadata),
    )


def check_servable(version: ModelVersion) -> ModelVersion:
    """The version, if it may serve.

    Raises:
        BackendError: if it was rejected.
    """
    if version.approval == "Rejected":
        raise BackendError(
            f"The model version {version.name} was rejected. What serves was left as it is. "
            f"Choose another one, or take the rejection back: triage models approve {version.name}"
        )
    return version


def refuse_to_judge_shipped(version: ModelVersion) -> None:
    """The shipped version is judged by who releases the package.

    Raises:
        BackendError: if it is the shipped one.
    """
    if version.shipped:
        raise BackendError(
            f"The version {version.name} comes with the package and is approved with it. Nothing "
            "was changed. Judge a version that you have trained: triage models list"
        )
