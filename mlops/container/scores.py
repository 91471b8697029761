"""Fitting the linear scores. Needs scikit-learn, which serving does not."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from mlops.container.linear import Block, LinearScore
from mlops.container.table import CROP, DECISION, FILED, Floats, Ints, Table

MIN_CLUSTERS = 3


@dataclass(frozen=True)
class Recipe:
    """A linear score.

    Attributes:
        weights: What a record of a source weighs; 0: the score doesn't learn from it.
        elsewhere: What a record of any other source weighs: the corpus, and what users bring.
        pieces: Whether it reads pieces of words too.
    """

    weights: Mapping[str, float]
    elsewhere: float
    pieces: bool


# Each score knows one way of writing: short referrals, decision-time sections, whole notes.
RECIPES: dict[str, Recipe] = {
    "referral": Recipe({FILED: 0.0, DECISION: 0.0, CROP: 0.0}, elsewhere=1.0, pieces=True),
    "decision": Recipe({FILED: 0.0, DECISION: 1.0, CROP: 0.3}, elsewhere=1.0, pieces=True),
    "filed": Recipe({FILED: 1.0, DECISION: 0.0, CROP: 0.0}, elsewhere=0.0, pieces=False),
}


def fit_score(table: Table, recipe: Recipe, c: float) -> LinearScore:
    """Logistic regression on TF-IDF of terms that occur in at least three clusters."""
    factor = np.array([recipe.weights.get(source, recipe.elsewhere) for source in table.sources])
    rows = np.flatnonzero(factor)
    if len(set(table.labels[rows].tolist())) < 2:
        return _silent()
    part = table.take(rows)
    weights = part.weights * factor[rows]
    kinds = [(part.terms, table.term_names)]
    if recipe.pieces:
        kinds.append((part.pieces, table.piece_names))
    blocks: list[tuple[Ints, Floats]] = []
    matrices = []
    for matrix, _ in kinds:
        columns, idf = frequent_columns(matrix, part.groups)
        blocks.append((columns, idf))
        matrices.append(_scaled(matrix, columns, idf))
    regression = LogisticRegression(C=c, max_iter=2000)
    regression.fit(sparse.hstack(matrices).tocsr(), part.labels, sample_weight=weights)
    coefficients = regression.coef_[0]
    made, start = [], 0
    for (columns, idf), (_, names) in zip(blocks, kinds, strict=True):
        end = start + len(columns)
        index = {names[column]: i for i, column in enumerate(columns.tolist())}
        made.append(
            Block(index, idf.astype(np.float32), coefficients[start:end].astype(np.float32))
        )
        start = end
    if not recipe.pieces:
        made.append(_empty_block())
    return LinearScore(made[0], made[1], float(regression.intercept_[0]))


def frequent_columns(matrix: sparse.csr_matrix, groups: Ints) -> tuple[Ints, Floats]:
    """Columns of terms in at least three clusters, and the inverse frequency of each."""
    present = matrix.astype(bool).astype(np.float64)
    rows = np.arange(len(groups))
    members = sparse.csr_matrix((np.ones(len(groups)), (groups, rows)))
    clusters = np.asarray((members @ present > 0).sum(axis=0)).ravel()
    enough = min(MIN_CLUSTERS, max(1, len(set(groups.tolist())) // 10))
    columns = np.flatnonzero(clusters >= enough)
    documents = np.asarray(present.sum(axis=0)).ravel()[columns]
    idf = np.log((1 + len(groups)) / (1 + documents)) + 1
    return columns, idf.astype(np.float32).astype(np.float64)


def _scaled(matrix: sparse.csr_matrix, columns: Ints, idf: Floats) -> sparse.csr_matrix:
    weighted = matrix[:, columns] @ sparse.diags(idf)
    norms = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
    norms[norms == 0] = 1.0
    return sparse.diags(1.0 / norms) @ weighted


def _empty_block() -> Block:
    return Block({}, np.zeros(0, np.float32), np.zeros(0, np.float32))


def _silent() -> LinearScore:
    """The score of a source that the data does not have: always zero."""
    return LinearScore(_empty_block(), _empty_block(), 0.0)


def apply_score(score: LinearScore, table: Table) -> Floats:
    """The score of every record of a table."""
    total = np.full(len(table), score.intercept)
    for block, matrix, names in (
        (score.terms, table.terms, table.term_names),
        (score.pieces, table.pieces, table.piece_names),
    ):
        if block.index:
            places = {name: i for i, name in enumerate(names)}
            columns = np.array([places[name] for name in block.index])
            total += _scaled(matrix, columns, block.idf.astype(np.float64)) @ block.weights
    return total
