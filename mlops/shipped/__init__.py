"""The model version that comes with the package, so that a fresh machine classifies at once."""

from pathlib import Path

FOLDER = Path(__file__).parent
ARTIFACT = FOLDER / "model.tar.gz"
METRICS = FOLDER / "metrics.json"
MODEL_CARD = FOLDER / "model_card.md"
