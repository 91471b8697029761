"""Linear scores of a note: weights on its words, pairs of words, pieces of words and word meanings.

Each score is a logistic regression, whatever it was fitted on; here everything is folded into one
weight per word and per pair, so that a score is a sum over the note, and each word's share of it is
known.
"""

from dataclasses import dataclass
from functools import cached_property
from math import fsum

import numpy as np
from numpy.typing import NDArray

from mlops.container.reading import DENIED, PLAIN, Ints, Reading
from mlops.container.text import CLAUSE
from mlops.container.vocabulary import NUMBERS, UNKNOWN, Vocabulary
from mlops.container.wordlists import WORDS

Floats = NDArray[np.float64]
Table = NDArray[np.float32]

STOP = WORDS["stop"]
_MAX_REMEMBERED = 20_000
_PIECE_SIZES = (3, 4, 5)


def pieces_of(word: str) -> tuple[str, ...]:
    """Runs of 3 to 5 letters inside a word, its ends marked; none of a number.

    >>> pieces_of("leg")
    (' le', 'leg', 'eg ', ' leg', 'leg ', ' leg ')
    """
    if not word[:1].isalpha():
        return ()
    padded = f" {word} "
    found = (
        padded[start : start + size]
        for size in _PIECE_SIZES
        for start in range(max(1, len(padded) - size + 1))
    )
    return tuple(dict.fromkeys(found))


def content(vocabulary: Vocabulary) -> NDArray[np.bool_]:
    """Which words count alone: all but function words, plain numbers and unknown ones."""
    marks = np.array([name not in STOP for name in vocabulary.names])
    marks[UNKNOWN] = marks[NUMBERS.start] = False
    return marks


@dataclass(frozen=True)
class Terms:
    """The different terms of a note; each stands for all the places it has.

    Attributes:
        columns: State times vocabulary size plus word number, each once.
        of_word: For each word of the note its position in `columns`, or -1.
        counts: How often each of them occurs.
        keys: Pairs of neighbours in a clause, as first number times size plus second; each once.
        of_pair: For each pair of neighbours its position in `keys`, or -1; shape (n - 1,).
        pair_counts: How often each of them occurs.
    """

    columns: Ints
    of_word: Ints
    counts: Ints
    keys: Ints
    of_pair: Ints
    pair_counts: Ints


def terms_of(reading: Reading, is_content: NDArray[np.bool_]) -> Terms:
    """The terms of a note.

    Args:
        reading: The note.
        is_content: `content` of its vocabulary.
    """
    numbers, size = reading.numbers, len(is_content)
    counted = is_content[numbers] & ~reading.aside
    columns = np.where(counted, numbers + size * reading.states(), -1)
    first, second = numbers[:-1], numbers[1:]
    joined = (reading.kinds[1:] != CLAUSE) & (counted[:-1] | counted[1:])
    joined &= (first != UNKNOWN) & (second != UNKNOWN)
    joined &= ~(reading.aside[:-1] | reading.aside[1:])
    keys = np.where(joined, first * size + second, -1)
    return Terms(*_distinct(columns), *_distinct(keys))


def _distinct(values: Ints) -> tuple[Ints, Ints, Ints]:
    """The values from 0 up, each once, where each stands among them (-1: nowhere), and how often.

    What `np.unique` does, without what it does for other arrays.
    """
    if not len(values):
        return values, values, values
    order = values.argsort()
    ordered = values[order]
    starts = np.empty(len(values), bool)
    starts[0] = True
    np.not_equal(ordered[1:], ordered[:-1], out=starts[1:])
    ranks = starts.cumsum()
    places = np.empty_like(order)
    places[order] = ranks - 1
    counts = np.bincount(ranks)[1:]
    found = ordered[starts]
    if found[0] < 0:
        return found[1:], places - 1, counts[1:]
    return found, places, counts


@dataclass(frozen=True)
class Scores:
    """The linear scores of a model, K of them over a vocabulary of V words.

    Attributes:
        names: Of the scores.
        intercepts: Shape (K,).
        words: Weight of a word in each state, shape (STATES, V, K).
        word_lengths: Its squared inverse document frequency, shape (STATES, V).
        pair_keys: Known pairs in ascending order, shape (P,).
        pairs: Their weights, shape (P, K).
        pair_lengths: Their squared inverse document frequency, shape (P,).
        pieces: Weight of a word by the pieces in it, shape (V, K).
        piece_lengths: Their squared inverse document frequency, summed, shape (V,).
        meanings: Weight of a word by its meaning, as it stands or denied, shape (2, V, K).
        meaning_lengths: Inverse document frequency of words whose meaning is known, shape (V,).
        piece_index: Pieces that are known, for words that are not.
        piece_weights: Shape (pieces, K).
        piece_squares: Their squared inverse document frequency, shape (pieces,).
    """

    names: tuple[str, ...]
    intercepts: Table
    words: Table
    word_lengths: Table
    pair_keys: Ints
    pairs: Table
    pair_lengths: Table
    pieces: Table
    piece_lengths: Table
    meanings: Table
    meaning_lengths: Table
    piece_index: dict[str, int]
    piece_weights: Table
    piece_squares: Table

    def read(self, reading: Reading, is_content: NDArray[np.bool_]) -> tuple[Floats, Floats]:
        """The scores of a note, and what each word adds to them.

        Args:
            reading: The note.
            is_content: `content` of its vocabulary.

        Returns:
            Scores, shape (K,), and shares of words, shape (n, K); both are in log-odds, and the
            shares and the intercepts add up to the scores.
        """
        size = len(is_content)
        terms = terms_of(reading, is_content)
        columns, kinds = terms.columns, len(self.names)
        numbers = columns % size
        words, lengths = self._flat
        added = words.take(columns, axis=0) / _root(lengths.take(columns))
        added += self._by_meaning(columns, numbers, size)
        unknown = self._unknown(reading)
        # A word that stands in two states has its pieces once. Without a second state the numbers
        # are the columns, each once.
        whole = not len(columns) or columns[-1] < size
        once = slice(None) if whole else _first_of_each(numbers)
        different = numbers[once]
        length = float(self.piece_lengths.take(different).sum()) + fsum(u[1] for u in unknown)
        root = max(length, 1e-9) ** 0.5
        added[once] += self.pieces.take(different, axis=0) / root
        # What stands nowhere among the terms takes the last row: nothing.
        by_term = np.zeros((len(columns) + 1, kinds))
        np.divide(added, terms.counts[:, None], out=by_term[:-1])
        shares: Floats = by_term.take(terms.of_word, axis=0)
        for places, _, weight in unknown:
            shares[places] += weight / root / len(places)
        self._add_pairs(terms, shares)
        return self.intercepts + shares.sum(axis=0), shares

    @cached_property
    def _flat(self) -> tuple[Table, Table]:
        """Weights and lengths of words by column."""
        return self.words.reshape(-1, len(self.names)), self.word_lengths.ravel()

    def _by_meaning(self, columns: Ints, numbers: Ints, size: int) -> Floats:
        added = np.zeros((len(numbers), len(self.names)))
        lengths = self.meaning_lengths.take(numbers)
        # Columns ascend, so each state is one run of them.
        denied, elsewhere = columns.searchsorted((size, 2 * size)).tolist()
        for state, run in ((PLAIN, slice(0, denied)), (DENIED, slice(denied, elsewhere))):
            total = float(lengths[run].sum())
            if total:
                floor = 0.0 if state == PLAIN else DENIED_FLOOR
                weights = self.meanings[state].take(numbers[run], axis=0)
                added[run] = weights / max(total, floor)
        return added

    def _add_pairs(self, terms: Terms, shares: Floats) -> None:
        if not len(terms.keys) or not len(self.pair_keys):
            return
        found = self.pair_keys.searchsorted(terms.keys)
        found[found == len(self.pair_keys)] = 0
        known = self.pair_keys.take(found) == terms.keys
        lengths = np.where(known, self.pair_lengths.take(found), 0.0)
        found[~known] = 0
        added = self.pairs.take(found, axis=0) / _root(lengths)
        # What no pair, or no known one, begins takes the last row: nothing.
        halves = np.zeros((len(terms.keys) + 1, len(self.names)))
        np.divide(added, (2 * terms.pair_counts)[:, None], out=halves[:-1])
        halves[:-1][~known] = 0.0
        half = halves.take(terms.of_pair, axis=0)
        shares[:-1] += half
        shares[1:] += half

    def _unknown(self, reading: Reading) -> list[tuple[list[int], float, Floats]]:
        """Words that the vocabulary lacks: their places, and what their pieces say."""
        places: dict[str, list[int]] = {}
        unknown = (reading.numbers == UNKNOWN) & ~reading.aside
        for place in np.flatnonzero(unknown).tolist():
            places.setdefault(reading.words.words[place], []).append(place)
        found = []
        for word, where in places.items():
            length, weight = self._by_pieces(word)
            if length:
                found.append((where, length, weight))
        return found

    def _by_pieces(self, word: str) -> tuple[float, Floats]:
        """The squared length of a word's known pieces, and the sum of their weights."""
        remembered = self._remembered.get(word)
        if remembered is None:
            known = [self.piece_index[p] for p in pieces_of(word) if p in self.piece_index]
            length = float(self.piece_squares[known].sum())
            remembered = length, self.piece_weights[known].sum(axis=0).astype(np.float64)
            if len(self._remembered) < _MAX_REMEMBERED:
                self._remembered[word] = remembered
        return remembered

    @cached_property
    def _remembered(self) -> dict[str, tuple[float, Floats]]:
        return {}


# The meanings of what is denied are averaged over at least so much, lest one "no" decide.
DENIED_FLOOR = 25.0


def _first_of_each(numbers: Ints) -> Ints:
    order = numbers.argsort(kind="stable")
    ordered = numbers[order]
    starts = np.ones(len(numbers), bool)
    np.not_equal(ordered[1:], ordered[:-1], out=starts[1:])
    return order[starts]


def _root(squares: Floats | Table) -> float:
    root: float = max(float(squares.sum()), 1e-9) ** 0.5
    return root
