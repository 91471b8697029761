"""Files that survive a `kill -9`: written whole or not at all, under names that stay in place."""

import json
import os
import shutil
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mlops.errors import BackendError


def write_json(path: Path, data: object) -> None:
    """Replace a file: a reader, or the next start after a crash, sees the old or the new whole."""
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with draft.open("w", encoding="utf-8") as file:
            json.dump(data, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise BackendError(
            f"{path} can't be written: {error.strerror}. What was there is kept. "
            "Free some space, or set TRIAGE_HOME to a folder that can be written."
        ) from None


def read_json(path: Path) -> dict[str, Any] | None:
    """The table in a file; None if there is no such file, or nothing readable in it."""
    try:
        data = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return data if isinstance(data, dict) else None


def make_folder(path: Path) -> Path:
    """Make a folder that only its owner can look into, with the ones above it.

    Raises:
        BackendError: if it can't be made.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise BackendError(
            f"The folder {path} can't be made: {error.strerror}. Nothing was changed. "
            "Set TRIAGE_HOME to a folder that can be written."
        ) from None
    return path


def remove_folder(path: Path) -> None:
    """Remove a folder: first its name, then its contents, so that it is gone at once or not yet."""
    grave = path.with_name(f".removed-{uuid.uuid4().hex}")
    try:
        path.rename(grave)
    except FileNotFoundError:
        return
    shutil.rmtree(grave, ignore_errors=True)


def now() -> str:
    """The time now, as it is kept in files."""
    return datetime.now(UTC).isoformat()


def moment(text: object) -> datetime:
    """The time in a file; the beginning of time if there is none."""
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return datetime.fromtimestamp(0, UTC)


def changed(path: Path) -> datetime:
    """When a file was last written; now, if it is not there."""
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError:
        return datetime.now(UTC)
