"""What a model's own cross-validation said of each note it was later trained on.

A version that was trained on all there is has no test part left: judged on notes that it knows, it
would beat any challenger. Its artifact therefore carries, for each of those notes, the answer of a
model that had not seen the note's cluster, under a digest of the text.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from mlops.backends.package import unpack_artifact
from mlops.evaluation.scoring import Scores

FILE = "out_of_fold.json"
Answers = Mapping[str, tuple[float, bool]]


def digest(text: str) -> str:
    """48 bits of a text's SHA-256: enough to know it again, too little to say anything of it."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def write_held_out(folder: Path, scored: Iterable[tuple[Sequence[str], Scores]]) -> None:
    """Write the out-of-fold answers beside a model's other files.

    Args:
        folder: The model's, before it is packed.
        scored: Texts and their answers.
    """
    kept = {}
    for texts, scores in scored:
        decided = np.ones(len(texts), dtype=bool) if scores.decided is None else scores.decided
        for text, probability, said in zip(texts, scores.probabilities, decided, strict=True):
            kept[digest(text)] = [round(float(probability), 4), int(said)]
    (folder / FILE).write_text(json.dumps(kept, separators=(",", ":"), sort_keys=True))


def read_held_out(artifact: Path) -> Answers:
    """The out-of-fold answers of an artifact by digest; none if it carries none.

    Raises:
        BackendError: if the archive is damaged or unsafe.
    """
    with TemporaryDirectory(prefix="triage-model-") as folder:
        unpack_artifact(artifact, Path(folder))
        path = Path(folder) / FILE
        if not path.is_file():
            return {}
        return {
            key: (float(p), bool(said)) for key, (p, said) in json.loads(path.read_text()).items()
        }


def as_if_unseen(scores: Scores, texts: Sequence[str], held_out: Answers) -> Scores:
    """The answers, with the out-of-fold one wherever the model was trained on the text."""
    probabilities = scores.probabilities.copy()
    decided = np.ones(len(texts), dtype=bool) if scores.decided is None else scores.decided.copy()
    for row, text in enumerate(texts):
        known = held_out.get(digest(text))
        if known is not None:
            probabilities[row], decided[row] = known
    return replace(scores, probabilities=probabilities, decided=decided)
