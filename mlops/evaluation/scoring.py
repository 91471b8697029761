"""What a model says of many notes: the one place where an evaluation runs a model."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mlops.backends.package import unpack_artifact
from mlops.container.inference import model_fn, predict_fn
from mlops.container.model import Model
from mlops.evaluation.metrics import Bools, Floats, Ints

EVEN = 0.5


@dataclass(frozen=True)
class Scores:
    """Answers as arrays, one entry per note.

    Attributes:
        probabilities: P(Surgery); what a model can't read at all is an even chance.
        decided: Whether it recommended, rather than left the note to people; None: it always does.
    """

    probabilities: Floats
    decided: Bools | None = None

    def take(self, rows: Ints | Bools) -> "Scores":
        """Some of the answers."""
        decided = None if self.decided is None else self.decided[rows]
        return Scores(self.probabilities[rows], decided)


def load_artifact(artifact: Path) -> Model:
    """The model of a `model.tar.gz`.

    Raises:
        BackendError: if the archive is damaged or unsafe.
        ModelError: if what is in it can't be read.
    """
    with tempfile.TemporaryDirectory(prefix="triage-model-") as folder:
        unpack_artifact(artifact, Path(folder))
        return model_fn(folder)


def answers(model: Model, texts: Sequence[str]) -> list[dict[str, Any]]:
    """The model's answers, in the form of an endpoint's `predictions`."""
    notes = [{"id": str(number), "text": text} for number, text in enumerate(texts)]
    return predict_fn(notes, model)


def score(model: Model, texts: Sequence[str]) -> Scores:
    """Probabilities and decisions of a model for notes that it was not fitted on."""
    given = answers(model, texts)
    return Scores(
        np.array([EVEN if a["probability"] is None else a["probability"] for a in given]),
        np.array([a["recommendation"] != "Needs review" for a in given], dtype=bool),
    )
