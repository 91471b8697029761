"""Training records as matrices: every note is read once, and folds are cut by cluster."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from mlops.container.features import cue_balance
from mlops.container.lexicon import Lexicon
from mlops.container.terms import encode

FOLDS = 5
# Sources that the fitting treats in their own way.
FILED, DECISION, CROP = "mtsamples-filed", "mtsamples-decision", "crop"

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Row:
    """One record as it is fitted on."""

    text: str = field(repr=False)
    label: int
    group: str
    source: str
    weight: float


@dataclass(frozen=True)
class Table:
    """The training records as matrices, with the vocabulary of each kind of term."""

    labels: Ints
    groups: Ints
    sources: NDArray[np.str_]
    weights: Floats
    terms: sparse.csr_matrix
    term_names: list[str]
    pieces: sparse.csr_matrix
    piece_names: list[str]
    balance: Floats
    folds: Ints

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: Ints) -> "Table":
        """Some of the records; the vocabulary stays."""
        return replace(
            self,
            labels=self.labels[rows],
            groups=self.groups[rows],
            sources=self.sources[rows],
            weights=self.weights[rows],
            terms=self.terms[rows],
            pieces=self.pieces[rows],
            balance=self.balance[rows],
            folds=self.folds[rows],
        )


def fold_of(group: str, seed: int, folds: int = FOLDS) -> int:
    """The fold of a cluster: the same on every machine, whatever else is in the data."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{group}".encode()).digest()[:4]) % folds


def make_table(rows: Sequence[Row], lexicon: Lexicon, seed: int) -> Table:
    """Read every record once."""
    terms, pieces = _Counts(), _Counts()
    balance = np.zeros((len(rows), 1))
    for number, row in enumerate(rows):
        encoded = encode(row.text, lexicon)
        terms.add(encoded.terms)
        pieces.add(encoded.pieces)
        balance[number, 0] = cue_balance(encoded, lexicon)[0]
    names = {group: number for number, group in enumerate(sorted({r.group for r in rows}))}
    return Table(
        labels=np.array([row.label for row in rows]),
        groups=np.array([names[row.group] for row in rows]),
        sources=np.array([row.source for row in rows]),
        weights=np.array([row.weight for row in rows], dtype=np.float64),
        terms=terms.matrix(),
        term_names=list(terms.columns),
        pieces=pieces.matrix(),
        piece_names=list(pieces.columns),
        balance=balance,
        folds=np.array([fold_of(row.group, seed) for row in rows]),
    )


class _Counts:
    """Builds a sparse matrix of 1 + log count, row by row."""

    def __init__(self) -> None:
        self.columns: dict[str, int] = {}
        self._indices: list[int] = []
        self._data: list[int] = []
        self._starts = [0]

    def add(self, found: Mapping[str, Sequence[object]]) -> None:
        for term, places in found.items():
            self._indices.append(self.columns.setdefault(term, len(self.columns)))
            self._data.append(len(places))
        self._starts.append(len(self._indices))

    def matrix(self) -> sparse.csr_matrix:
        data = 1.0 + np.log(np.array(self._data, dtype=np.float64))
        shape = (len(self._starts) - 1, len(self.columns))
        return sparse.csr_matrix((data, self._indices, self._starts), shape=shape)
