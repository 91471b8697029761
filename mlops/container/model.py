"""The model as data: how it is written, read and versioned. No pickle, so loading runs no code."""

import gc
import hashlib
import json
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlops.container.calibration import Calibration
from mlops.container.compiled import compiled
from mlops.container.document import DocumentTypes
from mlops.container.errors import ModelError
from mlops.container.features import Plan
from mlops.container.lexicon import Lexicon
from mlops.container.reading import Reader
from mlops.container.scores import Floats, Scores, content
from mlops.container.thresholds import Threshold, threshold_for
from mlops.container.trees import Trees
from mlops.container.vocabulary import Vocabulary

if TYPE_CHECKING:
    from mlops.container.kernel import Kernel

# Raised whenever an older `inference.py` could not read what a newer `train.py` writes.
FORMAT = 3
BOOSTER, ARRAYS, WORDS, METADATA = "model.ubj", "weights.npz", "words.json", "metadata.json"


@dataclass(frozen=True)
class Model:
    """Everything needed to answer.

    Attributes:
        version: 12 hex digits made from the content; '' before it is saved.
        vocabulary: The words it knows.
        lexicon: The phrases it was trained with; a later lexicon does not change it.
        scores: Its linear scores.
        means: Each score's average over the training records, shape (K,).
        trees: XGBoost's; their features are those of `plan`.
        calibration: From the margin of the trees, and the register, to a probability.
        thresholds: From which confidence on it decides, by the error rate aimed at.
        target: The error rate aimed at.
        clinical: Words that tell a clinical note from another text.
        metadata: Where the model comes from.
    """

    version: str
    vocabulary: Vocabulary
    lexicon: Lexicon
    scores: Scores
    means: Floats
    trees: Trees
    calibration: Calibration
    thresholds: tuple[Threshold, ...]
    target: float
    clinical: frozenset[str]
    metadata: dict[str, Any]

    @cached_property
    def reader(self) -> Reader:
        """Reads notes with this model's words and phrases."""
        return Reader(self.vocabulary, self.lexicon)

    @cached_property
    def plan(self) -> Plan:
        """The features."""
        return Plan.make(self.lexicon, self.scores.names)

    @cached_property
    def is_content(self) -> Any:
        """Which words count alone."""
        return content(self.vocabulary)

    @cached_property
    def documents(self) -> DocumentTypes:
        """Tells the kind of a document."""
        return DocumentTypes(self.vocabulary, self.lexicon, self.clinical)

    @cached_property
    def kernel(self) -> "Kernel | None":
        """Sees notes as the other modules do, but fast; None where it was not compiled."""
        return compiled(self)

    @property
    def threshold(self) -> Threshold:
        """The one in force."""
        return threshold_for(self.thresholds, self.target)

    @property
    def abstain(self) -> tuple[float, float]:
        """Probabilities strictly between these two are `Needs review`."""
        least = self.threshold.confidence
        return round(1 - least, 4), least

    def warm(self) -> "Model":
        """Make ready what the first note would wait for."""
        _ = self.reader, self.plan, self.is_content, self.documents
        if not self.kernel:
            self.scores.warm()
        return self


def save_model(folder: Path, model: Model) -> str:
    """Write an artifact into `folder` and return its version.

    The same model gives the same bytes: nothing of the time or the machine is written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    words = {
        "vocabulary": model.vocabulary.known(),
        "pieces": list(model.scores.piece_index),
        "clinical": sorted(model.clinical),
        "lexicon": model.lexicon.to_json(),
    }
    np.savez_compressed(
        folder / ARRAYS, **{name: getattr(model.scores, name) for name in Scores.arrays()}
    )
    (folder / WORDS).write_text(json.dumps(words, separators=(",", ":")), encoding="ascii")
    (folder / BOOSTER).write_bytes(model.trees.ubj)
    metadata = {
        **{key: value for key, value in model.metadata.items() if key != "model_version"},
        "format": FORMAT,
        "calibration": asdict(model.calibration),
        "thresholds": [asdict(threshold) for threshold in model.thresholds],
        "error_target": model.target,
        "scores": list(model.scores.names),
        "means": model.means.tolist(),
        "features": list(model.plan.names),
    }
    metadata["model_version"] = _version(folder, metadata)
    (folder / METADATA).write_text(
        json.dumps(metadata, indent=1, sort_keys=True) + "\n", encoding="utf-8"
    )
    return str(metadata["model_version"])


def _version(folder: Path, metadata: Mapping[str, Any]) -> str:
    """The version that the content makes."""
    rest = {key: value for key, value in metadata.items() if key != "model_version"}
    digest = hashlib.sha256(json.dumps(rest, sort_keys=True).encode())
    for name in (BOOSTER, ARRAYS, WORDS):
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()[:12]


@contextmanager
def _uncollected() -> Iterator[None]:
    """Nothing is looked through for garbage: what is read stays, and there is a lot of it."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@_uncollected()
def load_model(folder: Path, target: float | None = None) -> Model:
    """Read an artifact.

    Args:
        folder: Where it was unpacked.
        target: The error rate among the decided that is aimed at; None: as it was trained.

    Raises:
        ModelError: if it is incomplete, damaged, or of a format this code can't read.
    """
    try:
        metadata = json.loads((folder / METADATA).read_text(encoding="utf-8"))
        if metadata["format"] != FORMAT:
            raise ModelError(
                f"This model is of format {metadata['format']} and this code reads format "
                f"{FORMAT}. Nothing was loaded. Serve it with the code version that trained it "
                f"({metadata.get('code_version', 'unknown')}), or train it again."
            )
        if _version(folder, metadata) != metadata["model_version"]:
            raise ModelError(
                "The model's files are damaged: they are not what was trained. Nothing was loaded. "
                "Train or deploy it again."
            )
        words = json.loads((folder / WORDS).read_text(encoding="utf-8"))
        with np.load(folder / ARRAYS, allow_pickle=False) as arrays:
            scores = Scores.of(
                metadata["scores"], words["pieces"], {n: arrays[n] for n in Scores.arrays()}
            )
        model = Model(
            version=str(metadata["model_version"]),
            vocabulary=Vocabulary(words["vocabulary"]),
            lexicon=Lexicon.from_json(words["lexicon"]),
            scores=scores,
            means=np.array(metadata["means"], np.float64),
            trees=Trees.of((folder / BOOSTER).read_bytes()),
            calibration=Calibration(**metadata["calibration"]),
            thresholds=tuple(Threshold(**entry) for entry in metadata["thresholds"]),
            target=float(metadata["error_target"] if target is None else target),
            clinical=frozenset(words["clinical"]),
            metadata=metadata,
        )
        counted = model.trees.features
        if model.plan.names != tuple(metadata["features"]) or counted != len(model.plan.names):
            raise ModelError(
                "This model counts other features than this code. Nothing was loaded. Serve it "
                f"with the code version that trained it ({metadata.get('code_version', '?')}), "
                "or train it again."
            )
        return model.warm()
    except ModelError:
        raise
    except FileNotFoundError as error:
        raise ModelError(
            f"The model has no {Path(str(error.filename)).name}. Nothing was loaded. "
            "Train or deploy it again."
        ) from None
    except _DAMAGE as error:
        raise ModelError(
            f"The model's files are damaged ({type(error).__name__}). Nothing was loaded. "
            "Train or deploy it again."
        ) from None


_DAMAGE = (
    ValueError,
    KeyError,
    TypeError,
    IndexError,
    AttributeError,
    OSError,
    EOFError,
    zipfile.BadZipFile,
)
