"""Checkpoints of boosting: what a run that was cut off had finished, found by the next one.

SageMaker copies `/opt/ml/checkpoints` to S3 while a job runs and back before it starts again. A
file may be cut off at any byte: each carries the hash of its content in its name.
"""

import hashlib
import re

from mlops.container.folders import ScopedFolder

_NAME = re.compile(r"([0-9a-f]{16})-(\d{5})-([0-9a-f]{16})\.ubj")
_folder = ScopedFolder("checkpoint_folder")
kept_in = _folder.kept_in


def latest(key: str) -> tuple[int, bytes]:
    """The rounds that are finished of a piece of work, and the model after them.

    Args:
        key: Hash of all that decides the outcome, 16 hex digits.

    Returns:
        0 rounds and no bytes if there is nothing that can be used.
    """
    folder = _folder.get()
    if folder is None or not folder.is_dir():
        return 0, b""
    for path in sorted(folder.glob(f"{key}-*.ubj"), reverse=True):
        found = _NAME.fullmatch(path.name)
        if found is None:
            continue
        content = path.read_bytes()
        if _digest(content) == found[3]:
            return int(found[2]), content
    return 0, b""


def keep(key: str, rounds: int, model: bytes) -> None:
    """Keep the model after so many rounds, then drop the earlier ones of the same work."""
    folder = _folder.get()
    if folder is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{key}-{rounds:05d}-{_digest(model)}.ubj"
    draft = path.with_suffix(".part")
    draft.write_bytes(model)
    draft.replace(path)
    for earlier in folder.glob(f"{key}-*.ubj"):
        if earlier != path:
            earlier.unlink(missing_ok=True)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
