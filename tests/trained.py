"""A version trained for tests: made once, quickly, and copied for each test that needs it."""

from dataclasses import dataclass
from pathlib import Path

from mlops import operations
from mlops.backends.local import LocalBackend

# Fewer trees than the default, so that what training gives by default is no worse.
LESS = {"num_round": "20"}


@dataclass(frozen=True)
class Trained:
    """A state folder with a version that nobody serves."""

    home: Path
    version: str


def train(home: Path) -> None:
    """Train on the shipped corpus, a little less than the default: a version of its own."""
    backend = LocalBackend(home)
    dataset = operations.prepare_data(home)
    job = operations.start_training(backend, dataset, hyperparameters=LESS)
    operations.finish(backend, operations.wait_for(backend, job.name))
