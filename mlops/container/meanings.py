"""Meanings of words: vectors of what stands near them, learnt from the training notes themselves.

Positive pointwise mutual information in a window, factored (Levy, Goldberg and Dagan 2015, TACL
3:211). Words of one meaning get vectors that point one way, so that a note may use words that no
labelled note has used.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import svds
from threadpoolctl import threadpool_limits

WINDOW = 5
DIMENSIONS = 64
# Contexts are smoothed by this power, as in the paper.
_SMOOTHING = 0.75


def learn_meanings(
    sequences: Sequence[NDArray[np.int64]], documents: NDArray[np.int64], size: int
) -> NDArray[np.float64]:
    """A vector of length one for each word that stands in enough records, else zeros.

    Args:
        sequences: The content words of each record, by number.
        documents: In how many clusters each word stands, shape (size,).
        size: Words in the vocabulary.

    Returns:
        Shape (size, DIMENSIONS).
    """
    vectors = np.zeros((size, DIMENSIONS))
    enough = 5 if len(sequences) > 500 else 2
    kept = np.flatnonzero(documents >= enough)
    if len(kept) <= DIMENSIONS + 1:
        return vectors
    place = np.full(size, -1)
    place[kept] = np.arange(len(kept))
    left, right = [], []
    for sequence in sequences:
        words = place[sequence]
        words = words[words >= 0]
        for distance in range(1, WINDOW + 1):
            left.append(words[:-distance])
            right.append(words[distance:])
    rows, columns = np.concatenate(left), np.concatenate(right)
    near = sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), (len(kept), len(kept)))
    near = (near + near.T).tocoo()
    often = np.bincount(near.row, near.data, len(kept))
    context = often**_SMOOTHING
    context /= context.sum()
    information = np.log(near.data / (np.maximum(often, 1)[near.row] * context[near.col]))
    positive = information > 0
    table = sparse.csr_matrix(
        (information[positive], (near.row[positive], near.col[positive])), near.shape
    )
    # A fixed start: the same records give the same vectors.
    start = np.random.default_rng(0).standard_normal(len(kept))
    with threadpool_limits(1):
        left_vectors, strengths, _ = svds(table, k=DIMENSIONS, v0=start, tol=1e-2)
    found = left_vectors * strengths
    found /= np.maximum(np.linalg.norm(found, axis=1), 1e-9)[:, None]
    vectors[kept] = found
    return vectors
