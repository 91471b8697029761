"""Small datasets and real artifacts for the evaluation; trained once in a run."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from mlops.backends.package import pack_artifact
from mlops.container.job import run_job
from mlops.container.train import parse_arguments
from mlops.data import Record, load_corpus, write_records
from mlops.data.split import split

SPECIALTIES = 6
QUICK = ["--num_round", "40"]


@pytest.fixture(scope="session")
def records() -> list[Record]:
    """Referral texts of some specialties, as a dataset has them."""
    corpus = load_corpus()
    chosen = sorted({record.specialty for record in corpus})[:SPECIALTIES]
    return [
        Record(c.id, c.text, c.label, c.pair, "corpus", specialty=c.specialty)
        for c in corpus
        if c.specialty in chosen
    ]


@pytest.fixture(scope="session")
def dataset(records: list[Record], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset folder with a test part large enough to tell a model from a coin."""
    folder = tmp_path_factory.mktemp("evaluation") / "dataset"
    folder.mkdir()
    parts = split(records, seed=0)
    # A third is held out rather than a tenth: there are few.
    groups = sorted({record.group for record in records})
    held = set(groups[::3])
    parts["test"] = [record for record in records if record.group in held]
    parts["train"] = [record for record in records if record.group not in held]
    for name, members in parts.items():
        write_records(folder / f"{name}.jsonl", members)
    return folder


Train = Callable[[str, Sequence[Record]], Path]


@pytest.fixture(scope="session")
def train(tmp_path_factory: pytest.TempPathFactory) -> Train:
    """Trains on records through the container's own job and packs the artifact."""

    def make(name: str, rows: Sequence[Record]) -> Path:
        folder = tmp_path_factory.mktemp(name)
        (folder / "train").mkdir()
        write_records(folder / "train" / "records.jsonl", rows)
        run_job(
            train=folder / "train",
            validation=None,
            model_dir=folder / "model",
            hyperparameters=parse_arguments(QUICK),
            say=lambda _: None,
        )
        pack_artifact(folder / "model", folder / "model.tar.gz")
        return folder / "model.tar.gz"

    return make


@pytest.fixture(scope="session")
def good(train: Train, dataset: Path) -> Path:
    """An artifact trained on the dataset's training part."""
    return train("good", _train_part(dataset))


@pytest.fixture(scope="session")
def shuffled(train: Train, dataset: Path) -> Path:
    """One that learnt the wrong labels: each pair's are exchanged."""
    other = {"Surgery": "Consultation", "Consultation": "Surgery"}
    rows = [replace(record, label=other[record.label]) for record in _train_part(dataset)]
    return train("shuffled", rows)


def _train_part(dataset: Path) -> list[Record]:
    lines = (dataset / "train.jsonl").read_text().splitlines()
    return [Record(**json.loads(line)) for line in lines]
