"""Training records as matrices: every note is read once, and folds are cut by cluster."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from mlops.container.clauses import Bools
from mlops.container.features import Plan, cue_features
from mlops.container.lexicon import Lexicon
from mlops.container.reading import STATES, Ints, Reader, Reading
from mlops.container.scores import Floats, content, terms_of
from mlops.container.text import split
from mlops.container.vocabulary import UNKNOWN, Vocabulary, plain

FOLDS = 5
# So many records are read together.
_TOGETHER = 64
# Sources that the fitting treats in their own way; every other one is taken for referral texts.
FILED, DECISION, PLAN, CROP = "mtsamples-filed", "mtsamples-decision", "mtsamples-plan", "crop"
MTSAMPLES = (FILED, DECISION, PLAN, CROP)
# Copies of referral texts with something else mixed in.
BACKGROUND = "background"
# Made of other records, to learn from.
MADE = (CROP, BACKGROUND)


@dataclass(frozen=True)
class Row:
    """One record as it is fitted on."""

    text: str = field(repr=False)
    label: int
    group: str
    source: str
    weight: float


@dataclass(frozen=True)
class Marks:
    """What is known of the training records without reading them.

    Attributes:
        labels, groups, sources, weights, folds: Of each record, shape (rows,).
    """

    labels: Ints
    groups: Ints
    sources: NDArray[np.str_]
    weights: Floats
    folds: Ints

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Table(Marks):
    """The training records as matrices of what is there (1) and what isn't.

    Attributes:
        words: Which word stands in which state, shape (rows, STATES * V).
        pair_keys: The pairs that occur, ascending; `pairs` has their columns.
        pairs: Shape (rows, pairs).
        sequences: The content words of each record in order, for what stands near what.
        features: All features but the scores, shape (rows, features - K).
    """

    vocabulary: Vocabulary
    lexicon: Lexicon
    words: sparse.csr_matrix
    pair_keys: Ints
    pairs: sparse.csr_matrix
    sequences: list[Ints] = field(repr=False)
    features: Floats


def fold_of(group: str, seed: int, folds: int = FOLDS) -> int:
    """The fold of a cluster: the same on every machine, whatever else is in the data."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{group}".encode()).digest()[:4]) % folds


def marks_of(rows: Sequence[Row], seed: int) -> Marks:
    """The labels, clusters, sources, weights and folds of records."""
    groups = {group: number for number, group in enumerate(sorted({r.group for r in rows}))}
    return Marks(
        labels=np.array([row.label for row in rows]),
        groups=np.array([groups[row.group] for row in rows]),
        sources=np.array([row.source for row in rows]),
        weights=np.array([row.weight for row in rows], dtype=np.float64),
        folds=np.array([fold_of(row.group, seed) for row in rows]),
    )


def make_table(
    rows: Sequence[Row], lexicon: Lexicon, score_names: tuple[str, ...], seed: int
) -> Table:
    """Read every record once."""
    names = {plain(word) for row in rows for word in split(row.text).words}
    vocabulary = Vocabulary(names | lexicon.words())
    reader, is_content = Reader(vocabulary, lexicon), content(vocabulary)
    plan = Plan.make(lexicon, score_names)
    columns: list[Ints] = []
    keys: list[Ints] = []
    sequences: list[Ints] = []
    features = np.zeros((len(rows), len(plan.names) - len(score_names)))
    for first in range(0, len(rows), _TOGETHER):
        batch = rows[first : first + _TOGETHER]
        reading = reader.read(*(row.text for row in batch))
        features[first : first + len(batch)], _ = cue_features(reading, plan)
        own, pairs = terms_of(reading, is_content)
        pairs[~_worth_learning(reading, is_content)] = -1
        for words in (slice(*note) for note in reading.ranges):
            columns.append(_distinct(own[words]))
            keys.append(_distinct(pairs[words]))
            numbers = reading.numbers[words]
            sequences.append(numbers[is_content[numbers]])
    pair_keys = np.unique(np.concatenate([np.zeros(0, np.int64), *keys]))
    return Table(
        **vars(marks_of(rows, seed)),
        vocabulary=vocabulary,
        lexicon=lexicon,
        words=_matrix(columns, STATES * len(vocabulary)),
        pair_keys=pair_keys,
        pairs=_matrix([np.searchsorted(pair_keys, found) for found in keys], len(pair_keys)),
        sequences=sequences,
        features=features,
    )


def _distinct(terms: Ints) -> Ints:
    """The terms from 0 up, each once."""
    return np.unique(terms[terms >= 0])


def _worth_learning(reading: Reading, is_content: Bools) -> Bools:
    """Where a pair begins whose words are both known, and one of them counts alone; shape (n,)."""
    known, content = reading.numbers != UNKNOWN, is_content.take(reading.numbers)
    worth = np.zeros(len(reading), bool)
    worth[:-1] = known[:-1] & known[1:] & (content[:-1] | content[1:])
    return worth


def _matrix(columns: Sequence[Ints], width: int) -> sparse.csr_matrix:
    starts = np.cumsum([0, *map(len, columns)])
    indices = np.concatenate([np.zeros(0, np.int64), *columns])
    return sparse.csr_matrix((np.ones(len(indices)), indices, starts), (len(columns), width))
