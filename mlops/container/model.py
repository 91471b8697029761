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
from mlops.container.errors import ModelError
from mlops.container.linear import LinearScore

# Raised whenever an older `inference.py` could not read what a newer `train.py` writes.
FORMAT = 1
BOOSTER, ARRAYS, TERMS, METADATA = "model.ubj", "weights.npz", "terms.json", "metadata.json"


@dataclass(frozen=True)
class Model:
    """Everything needed to answer.

    Attributes:
        version: 12 hex digits made from the content.
        scores: The linear scores by name, in the order of the features they make.
        calibration: From the margin of the trees to a probability.
        abstain: Probabilities strictly between these two are `Needs review`.
    """

    version: str
    booster: xgboost.Booster
    scores: dict[str, LinearScore]
    calibration: Calibration
    abstain: tuple[float, float]
    metadata: dict[str, Any]


def save_model(folder: Path, model: Model) -> str:
    """Write an artifact into `folder` and return its version.

    The same model gives the same bytes: nothing of the time or the machine is written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, Any] = {}
    terms: dict[str, list[str]] = {}
    for name, score in model.scores.items():
        terms[name] = list(score.index)
        arrays[f"{name}_idf"] = score.idf.astype(np.float32)
        arrays[f"{name}_weights"] = score.weights.astype(np.float32)
        arrays[f"{name}_intercept"] = np.float64(score.intercept)
    np.savez_compressed(folder / ARRAYS, **arrays)
    (folder / TERMS).write_text(json.dumps(terms, ensure_ascii=True, separators=(",", ":")))
    (folder / BOOSTER).write_bytes(bytes(model.booster.save_raw("ubj")))
    metadata = {
        **model.metadata,
        "format": FORMAT,
        "calibration": {"slope": model.calibration.slope, "offset": model.calibration.offset},
        "abstain": list(model.abstain),
    }
    metadata.pop("model_version", None)
    digest = hashlib.sha256(json.dumps(metadata, sort_keys=True).encode())
    for name in (BOOSTER, ARRAYS, TERMS):
        digest.update((folder / name).read_bytes())
    metadata["model_version"] = digest.hexdigest()[:12]
    (folder / METADATA).write_text(json.dumps(metadata, indent=1, sort_keys=True) + "\n")
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
        terms = json.loads((folder / TERMS).read_text(encoding="utf-8"))
        scores = {}
        with np.load(folder / ARRAYS, allow_pickle=False) as arrays:
            for name, words in terms.items():
                scores[name] = LinearScore(
                    {word: column for column, word in enumerate(words)},
                    arrays[f"{name}_idf"],
                    arrays[f"{name}_weights"],
                    float(arrays[f"{name}_intercept"]),
                )
        booster = xgboost.Booster(params={"nthread": 1})
        booster.load_model(bytearray((folder / BOOSTER).read_bytes()))
        return Model(
            version=str(metadata["model_version"]),
            booster=booster,
            scores=scores,
            calibration=Calibration(**metadata["calibration"]),
            abstain=(float(metadata["abstain"][0]), float(metadata["abstain"][1])),
            metadata=metadata,
        )
    except FileNotFoundError as error:
        raise ModelError(
            f"The model has no {Path(str(error.filename)).name}. Nothing was loaded. "
            "Train or deploy it again."
        ) from None
    except (KeyError, TypeError, OSError, zipfile.BadZipFile, xgboost.core.XGBoostError) as error:
        raise ModelError(
            f"The model's files are damaged ({type(error).__name__}). Nothing was loaded. "
            "Train or deploy it again."
        ) from None
