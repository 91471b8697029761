"""The model as data: how it is written, read and versioned. No pickle, so loading runs no code."""

import hashlib
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xgboost

from mlops.container.calibration import Calibration
from mlops.container.document import MIN_WORDS
from mlops.container.errors import ModelError
from mlops.container.lexicon import Lexicon
from mlops.container.linear import Block, Gain, LinearScore

# Raised whenever an older `inference.py` could not read what a newer `train.py` writes.
FORMAT = 1
BOOSTER, ARRAYS, VOCABULARY, METADATA = (
    "model.ubj",
    "weights.npz",
    "vocabulary.json",
    "metadata.json",
)
_KINDS = ("terms", "pieces")


@dataclass(frozen=True)
class Model:
    """Everything needed to answer.

    Attributes:
        version: 12 hex digits made from the content; '' before it is saved.
        booster: The trees; their features are the scores in order, then the balance of cues.
        gains: One per feature, for evidence.
        calibration: From the margin of the trees to a probability.
        abstain: Probabilities strictly between these two are `Needs review`.
        lexicon: The cues that the model was trained with; a later lexicon does not change it.
        clinical: Words that tell a clinical note from another text.
        metadata: Where the model comes from.
    """

    version: str
    booster: xgboost.Booster
    scores: dict[str, LinearScore]
    gains: tuple[Gain, ...]
    calibration: Calibration
    abstain: tuple[float, float]
    lexicon: Lexicon
    clinical: frozenset[str]
    metadata: dict[str, Any]
    min_words: int = MIN_WORDS


def save_model(folder: Path, model: Model) -> str:
    """Write an artifact into `folder` and return its version.

    The same model gives the same bytes: nothing of the time or the machine is written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, Any] = {}
    words: dict[str, Any] = {
        "clinical": sorted(model.clinical),
        "cues": model.lexicon.to_json(),
        "scores": {},
    }
    for name, score in model.scores.items():
        words["scores"][name] = {}
        for kind in _KINDS:
            block: Block = getattr(score, kind)
            words["scores"][name][kind] = list(block.index)
            arrays[f"{name}_{kind}_idf"] = block.idf.astype(np.float32)
            arrays[f"{name}_{kind}_weights"] = block.weights.astype(np.float32)
    np.savez_compressed(folder / ARRAYS, **arrays)
    (folder / VOCABULARY).write_text(json.dumps(words, separators=(",", ":")), encoding="ascii")
    (folder / BOOSTER).write_bytes(bytes(model.booster.save_raw("ubj")))
    metadata = {
        **{key: value for key, value in model.metadata.items() if key != "model_version"},
        "format": FORMAT,
        "calibration": {"slope": model.calibration.slope, "offset": model.calibration.offset},
        "abstain": list(model.abstain),
        "intercepts": {name: score.intercept for name, score in model.scores.items()},
        "gains": [[gain.mean, gain.slope] for gain in model.gains],
    }
    digest = hashlib.sha256(json.dumps(metadata, sort_keys=True).encode())
    for name in (BOOSTER, ARRAYS, VOCABULARY):
        digest.update((folder / name).read_bytes())
    metadata["model_version"] = digest.hexdigest()[:12]
    (folder / METADATA).write_text(
        json.dumps(metadata, indent=1, sort_keys=True) + "\n", encoding="utf-8"
    )
    return str(metadata["model_version"])


def load_model(folder: Path) -> Model:
    """Read an artifact.

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
        words = json.loads((folder / VOCABULARY).read_text(encoding="utf-8"))
        scores = {}
        with np.load(folder / ARRAYS, allow_pickle=False) as arrays:
            for name, kinds in words["scores"].items():
                blocks = [
                    Block(
                        {word: column for column, word in enumerate(kinds[kind])},
                        arrays[f"{name}_{kind}_idf"],
                        arrays[f"{name}_{kind}_weights"],
                    )
                    for kind in _KINDS
                ]
                intercept = float(metadata["intercepts"][name])
                scores[name] = LinearScore(blocks[0], blocks[1], intercept)
        booster = xgboost.Booster(params={"nthread": 1})
        booster.load_model(bytearray((folder / BOOSTER).read_bytes()))
        return Model(
            version=str(metadata["model_version"]),
            booster=booster,
            scores=scores,
            gains=tuple(Gain(float(mean), float(slope)) for mean, slope in metadata["gains"]),
            calibration=Calibration(**metadata["calibration"]),
            abstain=(float(metadata["abstain"][0]), float(metadata["abstain"][1])),
            lexicon=Lexicon.from_json(words["cues"]),
            clinical=frozenset(words["clinical"]),
            metadata=metadata,
        )
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
    xgboost.core.XGBoostError,
)
