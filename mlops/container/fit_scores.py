"""Fitting the linear scores. Needs scikit-learn, which serving does not."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from mlops.container.gating import NAMES
from mlops.container.meanings import DIMENSIONS, learn_meanings
from mlops.container.reading import DENIED, PLAIN, STATES, Ints
from mlops.container.scores import DENIED_FLOOR, Floats, Scores, content, pieces_of
from mlops.container.table import BACKGROUND, CROP, DECISION, FILED, MTSAMPLES, PLAN, Table
from mlops.container.vocabulary import Vocabulary

# A word or pair has to stand in so many clusters, a piece of a word in one more.
MIN_CLUSTERS = 2
# Keeps a mean of vectors about as long as the other blocks are.
_MEANING_SCALE = 2.5


@dataclass(frozen=True)
class Recipe:
    """A linear score.

    Attributes:
        weights: What a record of a source weighs; 0: the score doesn't learn from it.
        elsewhere: What a record of any other source weighs: the corpus, and what users bring.
        meanings: Whether it reads meanings of words.
        register: Whether it tells referral texts from the notes of MTSamples, not the labels.
        tolerance: Of the fit; what shares its data with the product's own is fitted more closely.
    """

    weights: Mapping[str, float]
    elsewhere: float
    meanings: bool = False
    register: bool = False
    tolerance: float = 1e-3


# Each score knows one way of writing; the register tells which one it is.
_BY_NAME: dict[str, Recipe] = {
    "referral": Recipe(
        {FILED: 0.0, DECISION: 0.0, PLAN: 0.0, CROP: 0.0}, elsewhere=1.0, tolerance=1e-4
    ),
    "clinic": Recipe(
        {FILED: 0.0, DECISION: 0.3, PLAN: 1.0, CROP: 0.1, BACKGROUND: 0.0},
        elsewhere=0.2,
        meanings=True,
    ),
    "decision": Recipe(
        {FILED: 0.0, DECISION: 1.0, PLAN: 0.0, CROP: 0.2, BACKGROUND: 0.0},
        elsewhere=0.0,
        meanings=True,
    ),
    "filed": Recipe(
        {FILED: 1.0, DECISION: 0.0, PLAN: 0.0, CROP: 0.0, BACKGROUND: 0.0}, elsewhere=0.0
    ),
    "register": Recipe(
        {FILED: 0.0, DECISION: 1.0, PLAN: 1.0, CROP: 0.5},
        elsewhere=1.0,
        register=True,
    ),
}
# In the order that gating reads them in.
RECIPES = {name: _BY_NAME[name] for name in NAMES}
# Their direction is not medicine: what they say depends on the register.
FREE_SCORES = frozenset(RECIPES) - {"referral", "clinic"}


@dataclass(frozen=True)
class Columns:
    """The terms that are frequent enough, scaled, of every record; and how to fold weights back.

    Attributes:
        matrix: Shape (rows, columns); the blocks are words, pairs, pieces, meanings in that order.
        without_meanings: Columns before the last block.
    """

    matrix: sparse.csr_matrix
    without_meanings: int
    words: Ints
    word_idf: Floats
    pairs: Ints
    pair_idf: Floats
    piece_names: list[str]
    piece_idf: Floats
    of_words: sparse.csr_matrix
    vectors: Floats
    meaning_idf: Floats


def make_columns(table: Table, without: Collection[str] = ()) -> Columns:
    """Scale the terms of a table as `Scores.read` scales those of a note.

    Args:
        table: The records.
        without: Blocks to leave out: `pairs`, `pieces`, `meanings`.
    """
    size = len(table.vocabulary)
    words, word_idf = _frequent(table.words, table.groups, MIN_CLUSTERS)
    pairs, pair_idf = _frequent(table.pairs, table.groups, MIN_CLUSTERS)
    by_state = [table.words[:, state * size : (state + 1) * size] for state in range(STATES)]
    any_state = _any_state(table)
    of_words, piece_names = _pieces(table.vocabulary)
    pieces, piece_idf = _frequent(any_state @ of_words, table.groups, MIN_CLUSTERS + 1)
    of_words = of_words[:, pieces]
    piece_names = [piece_names[number] for number in pieces.tolist()]
    weighted = of_words @ sparse.diags(piece_idf)
    lengths = np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel()
    piece_block = _divided(any_state @ weighted, np.sqrt(any_state @ lengths))
    everywhere, idf = _frequent(any_state, table.groups, 1)
    documents = np.zeros(size, np.int64)
    documents[everywhere] = _clusters(any_state[:, everywhere], table.groups)
    vectors = learn_meanings(table.sequences, documents, size)
    meaning_idf = np.zeros(size)
    meaning_idf[everywhere] = idf
    meaning_idf[~vectors.any(axis=1)] = 0.0
    scaled = vectors * meaning_idf[:, None] * _MEANING_SCALE
    meant = [
        _divided(
            sparse.csr_matrix(by_state[state] @ scaled),
            np.maximum(by_state[state] @ meaning_idf, floor),
        )
        for state, floor in ((PLAIN, 0.0), (DENIED, DENIED_FLOOR))
    ]
    blocks = [
        _scaled(table.words[:, words], word_idf),
        _scaled(table.pairs[:, pairs], pair_idf) * ("pairs" not in without),
        piece_block * ("pieces" not in without),
    ]
    meant = [block * ("meanings" not in without) for block in meant]
    return Columns(
        matrix=sparse.hstack([*blocks, *meant]).tocsr(),
        without_meanings=sum(block.shape[1] for block in blocks),
        words=words,
        word_idf=word_idf,
        pairs=pairs,
        pair_idf=pair_idf,
        piece_names=piece_names,
        piece_idf=piece_idf,
        of_words=of_words,
        vectors=scaled,
        meaning_idf=meaning_idf,
    )


def fit_weights(
    table: Table, columns: Columns, rows: NDArray[np.bool_], c: float
) -> tuple[Floats, Floats]:
    """Logistic regressions of all recipes on some of the records.

    Returns:
        Weights, shape (columns, K), and intercepts, shape (K,). A score whose data has one label
        only is always zero.
    """
    weights = np.zeros((columns.matrix.shape[1], len(RECIPES)))
    intercepts = np.zeros(len(RECIPES))
    is_referral = (~np.isin(table.sources, MTSAMPLES)).astype(np.int64)
    for number, recipe in enumerate(RECIPES.values()):
        factor = np.array([recipe.weights.get(s, recipe.elsewhere) for s in table.sources])
        chosen = np.flatnonzero(rows & (factor > 0))
        target = (is_referral if recipe.register else table.labels)[chosen]
        if len(set(target.tolist())) < 2:
            continue
        width = columns.matrix.shape[1] if recipe.meanings else columns.without_meanings
        regression = LogisticRegression(C=c, max_iter=1000, tol=recipe.tolerance)
        # One thread: the last digits, and so the version, do not depend on the machine's cores.
        with threadpool_limits(1):
            regression.fit(
                columns.matrix[chosen, :width],
                target,
                sample_weight=(table.weights * factor)[chosen],
            )
        weights[:width, number] = regression.coef_[0]
        intercepts[number] = regression.intercept_[0]
    return weights, intercepts


def apply_weights(columns: Columns, weights: Floats, intercepts: Floats) -> Floats:
    """The scores of every record, shape (rows, K)."""
    return np.asarray(columns.matrix @ weights + intercepts)


def fold(
    table: Table, columns: Columns, weights: Floats, intercepts: Floats, kept: Vocabulary
) -> Scores:
    """The weights as `Scores` reads them.

    Args:
        table: What they were fitted on.
        columns: Its columns.
        weights: Of every column, shape (columns, K).
        intercepts: Shape (K,).
        kept: The vocabulary of the model, a part of the table's.
    """
    number = len(RECIPES)
    old = table.vocabulary
    renumber = np.array([kept.exact(name)[0] if name else 0 for name in old.names])
    renumber[: old.names.index(old.known()[0])] = np.arange(old.names.index(old.known()[0]))
    split_at = np.cumsum([len(columns.words), len(columns.pairs), len(columns.piece_names)])
    of_words, of_pairs, of_pieces, of_meanings = np.split(weights, split_at)
    states, words = np.divmod(columns.words, len(old))
    new = renumber[words]
    has = new > 0
    word_table = np.zeros((STATES, len(kept), number), np.float32)
    word_lengths = np.zeros((STATES, len(kept)), np.float32)
    word_table[states[has], new[has]] = (of_words * columns.word_idf[:, None])[has]
    word_lengths[states[has], new[has]] = columns.word_idf[has] ** 2
    first, second = np.divmod(table.pair_keys[columns.pairs], len(old))
    keys = renumber[first] * len(kept) + renumber[second]
    order = np.argsort(keys)
    order = order[((renumber[first] > 0) & (renumber[second] > 0))[order]]
    back = np.flatnonzero(renumber > 0)
    pieces = np.zeros((len(kept), number), np.float32)
    lengths = np.zeros(len(kept), np.float32)
    weighted = columns.of_words @ sparse.diags(columns.piece_idf)
    squares = np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel()
    is_content = content(old)
    pieces[renumber[back]] = (weighted @ of_pieces)[back] * is_content[back, None]
    lengths[renumber[back]] = squares[back] * is_content[back]
    meanings = np.zeros((2, len(kept), number), np.float32)
    meaning_lengths = np.zeros(len(kept), np.float32)
    for state in (PLAIN, DENIED):
        part = of_meanings[state * DIMENSIONS : (state + 1) * DIMENSIONS]
        meanings[state, renumber[back]] = (columns.vectors @ part)[back]
    meaning_lengths[renumber[back]] = columns.meaning_idf[back]
    return Scores(
        names=tuple(RECIPES),
        intercepts=intercepts.astype(np.float32),
        words=word_table,
        word_lengths=word_lengths,
        pair_keys=keys[order],
        pairs=(of_pairs * columns.pair_idf[:, None]).astype(np.float32)[order],
        pair_lengths=(columns.pair_idf**2).astype(np.float32)[order],
        pieces=pieces,
        piece_lengths=lengths,
        meanings=meanings,
        meaning_lengths=meaning_lengths,
        piece_index={name: place for place, name in enumerate(columns.piece_names)},
        piece_weights=(of_pieces * columns.piece_idf[:, None]).astype(np.float32),
        piece_squares=(columns.piece_idf**2).astype(np.float32),
    )


def frequent_words(
    table: Table, clusters: int = MIN_CLUSTERS, rows: NDArray[np.bool_] | None = None
) -> set[str]:
    """The words that stand in enough clusters of these rows (None: of all), in whatever state."""
    chosen = np.ones(len(table), bool) if rows is None else rows
    found = _clusters(_any_state(table)[chosen], table.groups[chosen])
    enough = np.flatnonzero(found >= clusters)
    return {table.vocabulary.names[number] for number in enough.tolist()}


def _any_state(table: Table) -> sparse.csr_matrix:
    """Which word stands in which record, in whatever state; shape (rows, V)."""
    size = len(table.vocabulary)
    parts = [table.words[:, state * size : (state + 1) * size] for state in range(STATES)]
    found = sum(parts[1:], parts[0])
    found.data[:] = 1.0
    return found


def _pieces(vocabulary: Vocabulary) -> tuple[sparse.csr_matrix, list[str]]:
    """Which word has which pieces, shape (V, pieces), and the pieces."""
    names: dict[str, int] = {}
    indices: list[int] = []
    starts = [0]
    is_content = content(vocabulary)
    for number, word in enumerate(vocabulary.names):
        if is_content[number]:
            indices += [names.setdefault(piece, len(names)) for piece in pieces_of(word)]
        starts.append(len(indices))
    shape = (len(vocabulary), len(names))
    return sparse.csr_matrix((np.ones(len(indices)), indices, starts), shape), list(names)


def _clusters(matrix: sparse.csr_matrix, groups: Ints) -> Ints:
    """In how many clusters each column stands."""
    rows = np.arange(len(groups))
    members = sparse.csr_matrix((np.ones(len(groups)), (groups, rows)))
    return np.asarray((members @ matrix > 0).sum(axis=0)).ravel().astype(np.int64)


def _frequent(matrix: sparse.csr_matrix, groups: Ints, clusters: int) -> tuple[Ints, Floats]:
    """Columns that stand in enough clusters, and the inverse document frequency of each."""
    columns = np.flatnonzero(_clusters(matrix, groups) >= clusters)
    documents = np.asarray((matrix > 0).sum(axis=0)).ravel()[columns]
    return columns, np.log((1 + matrix.shape[0]) / (1 + documents)) + 1


def _scaled(matrix: sparse.csr_matrix, idf: Floats) -> sparse.csr_matrix:
    weighted = matrix @ sparse.diags(idf)
    return _divided(weighted, np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel()))


def _divided(matrix: sparse.csr_matrix, by: Floats) -> sparse.csr_matrix:
    return sparse.diags(1.0 / np.where(by > 0, by, 1.0)) @ matrix
