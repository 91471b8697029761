"""A sandbox, the shipped model, and a bot between them."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.sandbox.server import Sandbox
from bot.services import Services
from mlops import operations
from mlops.backends.local import LocalBackend
from mlops.backends.local.registry import Registry
from mlops.classifier import LocalClassifier
from mlops.data import read_records, write_records
from mlops.shipped import ARTIFACT
from tests.bot.databases import database, postgres
from tests.bot.running import running
from tests.sharing import made_once
from tests.trained import Trained

__all__ = ["database", "postgres"]


@pytest.fixture(scope="session")
def model() -> LocalClassifier:
    """The model that ships with the package, in this process."""
    return LocalClassifier(ARTIFACT)


@pytest.fixture
def slack() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def bot(slack: Sandbox, home: Path, model: LocalClassifier) -> Iterator[Services]:
    """A bot that is connected; at the end nothing it sent may have broken Slack's rules."""
    with running(slack, home, model) as services:
        yield services
    assert slack.problems == []


@pytest.fixture
def trained(made: Trained, home: Path) -> Iterator[Trained]:
    """The test's own copy of it; what it deploys is stopped at the end."""
    shutil.copytree(made.home, home, dirs_exist_ok=True)
    yield Trained(home, made.version)
    backend = LocalBackend(home)
    for endpoint in backend.endpoints():
        backend.delete_endpoint(endpoint.name)


@pytest.fixture(scope="session")
def mirrored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The artifact of a version that was trained on labels the wrong way round."""
    folder = made_once(tmp_path_factory, "mirrored", mirror)
    return folder / "model.tar.gz"


def mirror(folder: Path) -> None:
    """Train on the shipped corpus with its labels exchanged."""
    home = folder / "home"
    backend = LocalBackend(home)
    dataset = operations.prepare_data(home)
    for part in ("train", "validation", "test"):
        path = dataset / f"{part}.jsonl"
        other = {"Surgery": "Consultation", "Consultation": "Surgery"}
        records = [replace(r, label=other[r.label]) for r in read_records(path)]
        write_records(path, records)
    job = operations.start_training(backend, dataset, hyperparameters={"num_round": "100"})
    version = operations.finish(backend, operations.wait_for(backend, job.name))
    shutil.copyfile(version.artifact, folder / "model.tar.gz")


@pytest.fixture
def backwards(mirrored: Path, trained: Trained) -> str:
    """That version, in the state folder of the test."""
    return Registry(trained.home).add(mirrored, None).name
