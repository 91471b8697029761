"""The criteria of the gate: each looks at a challenger and says one sentence.

Deny by default: what can't be shown does not pass.
"""

import json
import re
import time
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from mlops.backends.package import unpack_artifact
from mlops.container.model import Model
from mlops.data.records import Record
from mlops.evaluation.behaviour import Conduct
from mlops.evaluation.comparison import Check, RungComparison
from mlops.evaluation.metrics import Interval
from mlops.evaluation.scoring import answers
from mlops.evaluation.wording import in_percent, percent, signed

# Longer than any n-gram or cue of a model; a run of note text that long is note text.
NOTE_RUN = 8
MAX_ARTIFACT_BYTES = 8_000_000
MAX_MILLISECONDS = 20.0
MAX_SLOWER = 1.5
MIN_CONDUCT = 0.95
TARGET_ERROR = 0.10
_TIMED = 60
_PICKLES = (".pkl", ".pickle", ".joblib", ".dill", ".pt", ".bin")
_WORD = re.compile(r"[a-z0-9]+")
_PRINTABLE = re.compile(rb"[\x20-\x7e\n\r\t]{24,}")


def not_worse(rungs: Sequence[RungComparison]) -> Check:
    """On no rung is the challenger's AUC below the champion's beyond the interval."""
    worse = [rung for rung in rungs if rung.difference.high < 0]
    if not worse:
        names = ", ".join(rung.name for rung in rungs)
        return Check(
            "as good as the champion",
            True,
            f"It is not worse than the champion beyond the interval on any of: {names}.",
        )
    said = "; ".join(
        f"{rung.name}: AUC {rung.challenger['auc'].value:.3f} against "
        f"{rung.champion['auc'].value:.3f}, {signed(rung.difference)}"
        for rung in worse
    )
    return Check("as good as the champion", False, f"It is worse than the champion on {said}.")


def beats_baseline(rung: str, challenger: float, baseline: float, by: Interval) -> Check:
    """Where it counts the challenger is better than plain logistic regression on TF-IDF."""
    passed = by.value > 0
    return Check(
        "better than the baseline",
        passed,
        f"On {rung} its AUC is {challenger:.3f} and that of logistic regression on the same "
        f"training records {baseline:.3f}, {signed(by)}.",
    )


def keeps_its_promise(rung: RungComparison) -> Check:
    """Among the decided the error is within the target, as far as the interval can tell."""
    error, coverage = rung.challenger["error_decided"], rung.challenger["coverage"]
    if not coverage.value:
        return Check("error when it decides", False, f"On {rung.name} it decides nothing.")
    return Check(
        "error when it decides",
        error.low <= TARGET_ERROR,
        f"On {rung.name} it decides {percent(coverage.value)} and is wrong in {in_percent(error)} "
        f"of those; the target is {percent(TARGET_ERROR)}.",
    )


def behaves(challenger: Sequence[Conduct], champion: Sequence[Conduct]) -> Check:
    """Every kind of behaviour holds in 95 % of its cases, or as often as the champion's."""
    bad = [
        new
        for new, old in zip(challenger, champion, strict=True)
        if new.rate < min(MIN_CONDUCT, old.rate)
    ]
    cases = sum(c.cases for c in challenger)
    held = cases - sum(len(c.failures) for c in challenger)
    if not bad:
        return Check("behaviour", True, f"{held} of {cases} behaviour cases hold.")
    said = ", ".join(f"{c.name} ({c.cases - len(c.failures)} of {c.cases})" for c in bad)
    return Check(
        "behaviour",
        False,
        f"{held} of {cases} behaviour cases hold; too few, and fewer than the champion's, of: "
        f"{said}.",
    )


@dataclass(frozen=True)
class Speed:
    """Milliseconds for a single note, evidence included: half of them, and all but 1 %."""

    median: float
    p99: float


def time_models(models: Sequence[Model], texts: Sequence[str]) -> list[Speed]:
    """Single notes, the models in turn, so that a busy machine slows them alike."""
    chosen = [texts[i % len(texts)] for i in range(_TIMED)]
    taken: list[list[float]] = [[] for _ in models]
    for text in [chosen[0], *chosen]:
        for number, model in enumerate(models):
            start = time.perf_counter()
            answers(model, [text])
            taken[number].append((time.perf_counter() - start) * 1e3)
    # The first is the warm-up.
    return [Speed(median(t[1:]), quantiles(t[1:], n=100)[98]) for t in taken]


def quick_enough(challenger: Speed, champion: Speed) -> Check:
    """A note is answered within 20 ms, or not much slower than the champion does it."""
    passed = challenger.median <= max(MAX_MILLISECONDS, MAX_SLOWER * champion.median)
    return Check(
        "latency",
        passed,
        f"A referral takes {challenger.median:.1f} ms (99 %: {challenger.p99:.1f} ms); the "
        f"champion takes {champion.median:.1f} ms, the limit is {MAX_MILLISECONDS:.0f} ms.",
    )


def keeps_notes_private(artifact: Path, notes: Sequence[Record]) -> Check:
    """The artifact is small, holds no pickle, and nothing that reads like one of the notes."""
    name = "privacy"
    size = artifact.stat().st_size
    if size > MAX_ARTIFACT_BYTES:
        return Check(
            name, False, f"Its artifact has {size / 1e6:.1f} MB; more than 8 MB is not weights."
        )
    with TemporaryDirectory(prefix="triage-model-") as folder:
        unpack_artifact(artifact, Path(folder))
        files = sorted(path for path in Path(folder).rglob("*") if path.is_file())
        for path in files:
            if _is_pickle(path):
                return Check(name, False, f"Its artifact holds a pickle ({path.name}).")
        known = {run for note in notes for run in _runs(note.text)}
        for path in files:
            if any(run in known for text in _texts(path) for run in _runs(text)):
                return Check(
                    name,
                    False,
                    f"Its file {path.name} holds {NOTE_RUN} or more words in a row of a note.",
                )
    return Check(
        name,
        True,
        f"Its {len(files)} files ({size / 1e6:.1f} MB) hold no pickle and no text of a note.",
    )


def _runs(text: str) -> Iterator[int]:
    words = _WORD.findall(text.lower())
    for start in range(len(words) - NOTE_RUN + 1):
        yield hash(tuple(words[start : start + NOTE_RUN]))


def _is_pickle(path: Path) -> bool:
    if path.suffix in _PICKLES:
        return True
    if path.suffix == ".npz":
        try:
            with np.load(path, allow_pickle=False) as arrays:
                return any(arrays[key].dtype.kind not in "biuf" for key in arrays.files)
        except (ValueError, zipfile.BadZipFile):
            return True
    head = path.read_bytes()[:2]
    return head[:1] == b"\x80" and head[1:2] in b"\x02\x03\x04\x05"


def _texts(path: Path) -> Iterator[str]:
    """Every string of a file: those of JSON one by one, of others each printable run."""
    content = path.read_bytes()
    if path.suffix == ".json":
        yield from _strings(json.loads(content))
    elif path.suffix != ".npz":
        for run in _PRINTABLE.findall(content):
            yield run.decode("ascii")


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _strings(item)
