"""Linear scores: what was folded into words says what the regression said, and shares add up."""

import numpy as np
import pytest

from mlops.container.fit_scores import RECIPES, apply_weights, fit_weights, fold, make_columns
from mlops.container.model import Model
from mlops.container.reading import Reader
from mlops.container.scores import content
from mlops.container.table import Row, Table

ODD = [
    "",
    "pain",
    "pain pain pain, no pain",
    "Zoofloppia of the grommeloid, unseen wordage, denies zoofloppia",
    "1 2 3 4",
    "no no no not none",
    "Mother had cancer; cancer, denies cancer. Cancer",
]


@pytest.fixture(scope="module")
def is_content(model: Model) -> np.ndarray:
    return content(model.vocabulary)


def scores_of(model: Model, text: str, is_content: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The scores of a text, and what each word adds to each of them, shape (n, K)."""
    reading = model.reader.read(text)
    found = model.scores.read(reading, is_content)
    shares = [found.by_word(0, slice(None), gains) for gains in np.eye(len(RECIPES))]
    return found.values[0], np.array(shares).T


def test_folded_scores_are_those_of_the_training_columns(table: Table, rows: list[Row]) -> None:
    columns = make_columns(table)
    weights, intercepts = fit_weights(table, columns, np.ones(len(table), bool), 3.0)
    assert (np.abs(weights).sum(axis=0) > 0).all(), "each recipe has to learn for this to say much"
    wanted = apply_weights(columns, weights, intercepts)
    # With every word kept nothing is lost.
    folded = fold(table, columns, weights, intercepts, table.vocabulary)
    reader, is_content = Reader(table.vocabulary, table.lexicon), content(table.vocabulary)
    texts = [row.text for row in rows]
    found = folded.read(reader.read(*texts), is_content)
    assert np.abs(found.values - wanted[: len(rows)]).max() < 1e-5


def test_shares_and_intercepts_make_the_scores(
    model: Model, rows: list[Row], is_content: np.ndarray
) -> None:
    texts = [*ODD, *(row.text for row in rows[:40])]
    found = model.scores.read(model.reader.read(*texts), is_content)
    for note, text in enumerate(texts):
        alone, shares = scores_of(model, text, is_content)
        assert np.abs(found.values[note] - alone).max() < 1e-9
        assert np.abs(model.scores.intercepts + shares.sum(axis=0) - alone).max() < 1e-5


def test_an_unknown_word_counts_by_its_pieces(model: Model, is_content: np.ndarray) -> None:
    known, fresh = "hernia", "herniaxyz"
    assert model.vocabulary.exact(known)[0]
    assert not model.vocabulary.exact(fresh)[0]
    _, shares = scores_of(model, f"{fresh} qqqqqqq", is_content)
    assert np.abs(shares[0]).max() > 0
    assert not shares[1].any()


def test_a_drug_taken_for_years_says_nothing(model: Model, is_content: np.ndarray) -> None:
    texts = [f"Irreducible hernia, takes {drug}" for drug in ("ramipril", "Lipitor", "metformin")]
    found = [scores_of(model, text, is_content) for text in texts]
    for scores, shares in found:
        assert (scores == found[0][0]).all()
        assert not shares[-2:].any()


def test_words_set_aside_say_nothing(model: Model, is_content: np.ndarray) -> None:
    named, _ = scores_of(model, "Dear Dr Hernia, knee pain", is_content)
    other, _ = scores_of(model, "Dear Dr Qqqqqqq, knee pain", is_content)
    assert (named == other).all()
