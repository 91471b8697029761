"""What fitting learns before it grows a tree: kept by one training, found by the next.

The trials of a search differ in how trees are grown. Reading the records and fitting the linear
scores takes most of a training's time and is the same for all of them, so that the first one does
it for the others. Where nobody gives them a folder in common, each does it for itself.

A file holds numbers, and the words that the model's artifact has too: no text of a record.
"""

import fcntl
import hashlib
import io
import json
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy
import sklearn

from mlops.container.folders import ScopedFolder
from mlops.container.lexicon import Lexicon
from mlops.container.scores import Floats, Scores
from mlops.container.table import Row
from mlops.container.vocabulary import Vocabulary

# So many files stay: a search may vary what they depend on, without an end.
_KEPT = 8
_DIGEST_BYTES = hashlib.sha256().digest_size
_folder = ScopedFolder("prepared_folder")
kept_in = _folder.kept_in


@dataclass(frozen=True)
class Prepared:
    """What trees are grown on, and the parts of the model that do not depend on them.

    Attributes:
        held_out: The scores of each record from models that did not see its cluster, shape
            (rows, K).
        features: All features but the scores, shape (rows, features - K).
        scores: Fitted on everything.
        vocabulary: The words that the model keeps.
        clinical: Words that tell a clinical note from another text.
    """

    held_out: Floats
    features: Floats
    scores: Scores
    vocabulary: Vocabulary
    clinical: frozenset[str]


def find_or_make(
    rows: Sequence[Row],
    lexicon: Lexicon,
    hyperparameters: Mapping[str, float],
    make: Callable[[], Prepared],
) -> Prepared:
    """What was kept of the same work; else it is made and kept.

    Of several processes that need the same, one makes it and the others wait. If it is killed, the
    next one makes it. A folder that can't be used costs time and nothing else.

    Args:
        rows: The records, those that were made of others included.
        lexicon: The phrases.
        hyperparameters: Those that it depends on.
        make: Does the work.
    """
    folder = _folder.get()
    if folder is None:
        return make()
    path = folder / f"{_key(rows, lexicon, hyperparameters)}.npz"
    found = _read(path)
    if found is not None:
        return found
    with _alone(path.with_suffix(".lock")) as alone:
        found = _read(path)
        if found is None:
            found = make()
            if alone:
                _keep(path, found)
    return found


def _key(rows: Sequence[Row], lexicon: Lexicon, hyperparameters: Mapping[str, float]) -> str:
    """Hash of all that decides the outcome, 16 hex digits."""
    digest = hashlib.sha256(_code())
    versions = [platform.python_version(), *(m.__version__ for m in (np, scipy, sklearn))]
    asked = [versions, lexicon.to_json(), dict(hyperparameters)]
    digest.update(json.dumps(asked, sort_keys=True).encode())
    for row in rows:
        record = [row.text, row.label, row.group, row.source, row.weight]
        digest.update(json.dumps(record).encode())
    return digest.hexdigest()[:16]


def _code() -> bytes:
    """Hash of the container's code and word lists: what other code made is of no use."""
    digest = hashlib.sha256()
    here = Path(__file__).parent
    for path in sorted(here.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            content = path.read_bytes()
            digest.update(f"{path.relative_to(here).as_posix()}\0{len(content)}\0".encode())
            digest.update(content)
    return digest.digest()


@contextmanager
def _alone(path: Path) -> Iterator[bool]:
    """Hold a lock, whose folder is made if need be; whether that was possible."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = path.open("ab")
    except OSError:
        yield False
        return
    with lock:
        try:
            # The kernel lets go of it at the end of the process, whatever ends it.
            fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError:
            alone = False
        else:
            alone = True
        yield alone


def _read(path: Path) -> Prepared | None:
    """What a file holds; None if there is none, or not the whole of it."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    body = memoryview(content)[_DIGEST_BYTES:]
    if hashlib.sha256(body).digest() != content[:_DIGEST_BYTES]:
        return None
    with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
        words = json.loads(arrays["words"].tobytes())
        return Prepared(
            held_out=arrays["held_out"],
            features=arrays["features"],
            scores=Scores.of(
                words["scores"],
                words["pieces"],
                {n: arrays[f"scores-{n}"] for n in Scores.arrays()},
            ),
            vocabulary=Vocabulary(words["vocabulary"]),
            clinical=frozenset(words["clinical"]),
        )


def _keep(path: Path, prepared: Prepared) -> None:
    """Write a file whole or not at all, then drop the oldest of other work."""
    scores = prepared.scores
    words = {
        "scores": scores.names,
        "pieces": list(scores.piece_index),
        "vocabulary": prepared.vocabulary.known(),
        "clinical": sorted(prepared.clinical),
    }
    buffer = io.BytesIO()
    np.savez(
        buffer,
        words=np.frombuffer(json.dumps(words).encode(), np.uint8),
        held_out=prepared.held_out,
        features=prepared.features,
        **{f"scores-{name}": getattr(scores, name) for name in Scores.arrays()},
    )
    body = buffer.getbuffer()
    draft = path.with_suffix(".part")
    try:
        with draft.open("wb") as file:
            file.write(hashlib.sha256(body).digest())
            file.write(body)
        draft.replace(path)
        others = [other for other in path.parent.glob("*.npz") if other != path]
        others.sort(key=lambda other: other.stat().st_mtime, reverse=True)
        for other in others[_KEPT - 1 :]:
            other.unlink(missing_ok=True)
    except OSError:
        draft.unlink(missing_ok=True)
