"""A small model of the whole shape, fitted once in a run, and what is asked of it."""

from pathlib import Path

import pytest

from mlops.container.augmentation import with_background, with_crops
from mlops.container.fit_scores import RECIPES
from mlops.container.fitting import Fitted, fit
from mlops.container.inference import model_fn
from mlops.container.lexicon import Lexicon
from mlops.container.model import Model, save_model
from mlops.container.reading import Reader
from mlops.container.table import Row, Table, make_table
from mlops.container.train import parse_arguments
from mlops.data import load_corpus

RECORDS = 150
HYPERPARAMETERS = parse_arguments(["--num_round", "40", "--min_child_weight", "3"])


@pytest.fixture(scope="session")
def rows() -> list[Row]:
    """Pairs of referral texts from all specialties, a few of each kind of training text."""
    corpus = load_corpus()
    pairs = list(dict.fromkeys(record.pair for record in corpus))
    step = 2 * len(pairs) // RECORDS
    chosen = set(pairs[::step])
    kinds = ("corpus", "corpus", "mtsamples-decision", "mtsamples-plan", "mtsamples-filed")
    kind_of = {pair: kinds[place % len(kinds)] for place, pair in enumerate(sorted(chosen))}
    return [
        Row(r.text, int(r.label == "Surgery"), r.pair, kind_of[r.pair], 1.0)
        for r in corpus
        if r.pair in chosen
    ]


@pytest.fixture(scope="session")
def fitted(rows: list[Row]) -> Fitted:
    """The model and what it was fitted on."""
    return fit(rows, HYPERPARAMETERS)


@pytest.fixture(scope="session")
def table(rows: list[Row]) -> Table:
    """What was read of the records, and of those made of them."""
    made = with_background(with_crops(rows, 0), 0)
    return make_table(made, Lexicon.from_files(), tuple(RECIPES), 0)


@pytest.fixture(scope="session")
def model_dir(fitted: Fitted, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The artifact, unpacked."""
    folder = tmp_path_factory.mktemp("small") / "model"
    save_model(folder, fitted.model)
    return folder


@pytest.fixture(scope="session")
def model(model_dir: Path) -> Model:
    """The model as an endpoint loads it."""
    return model_fn(str(model_dir))


@pytest.fixture(scope="session")
def reader(model: Model) -> Reader:
    """Reads with the words and phrases of that model."""
    return model.reader
