"""Linear scores of a note: weights on its words, pairs of words, pieces of words and word meanings.

Each score is a logistic regression, whatever it was fitted on; here everything is folded into one
weight per word and per pair, so that a score is a sum over the note, and each word's share of it is
known. A term that a note has several times counts once, and its places share it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlops.container.clauses import Bools, Ints
from mlops.container.pairs import Pairs
from mlops.container.reading import DENIED, OFF, PLAIN, STATES, Reading
from mlops.container.vocabulary import NUMBERS, UNKNOWN, Vocabulary
from mlops.container.wordlists import WORDS

Floats = NDArray[np.float64]
Table = NDArray[np.float32]

STOP = WORDS["stop"]
_MAX_REMEMBERED = 20_000
_PIECE_SIZES = (3, 4, 5)
# The meanings of what is denied are averaged over at least so much, lest one "no" decide.
DENIED_FLOOR = 25.0
# Blocks of terms: words, meanings of words as they stand, of denied ones, pieces of words, pairs.
# Each is divided by its length: the root of a sum of squares, or for meanings a sum.
_WORDS, _PIECES, _PAIRS = 0, 3, 4
_BLOCK_OF_MEANINGS = {PLAIN: 1, DENIED: 2}
_FLOORS = np.array([1e-9, 1e-9, DENIED_FLOOR, 1e-9, 1e-9])
_ROOTED = np.array([True, False, False, True, True])


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
    """Which words count alone.

    All but function words, names, drugs taken for years, plain numbers and unknown words.
    """
    marks = ~vocabulary.marks(STOP | WORDS["names"] | WORDS["long_term"])
    marks[UNKNOWN] = marks[NUMBERS.start] = False
    return marks


def terms_of(reading: Reading, is_content: Bools) -> tuple[Ints, Ints]:
    """What each word counts as alone, and together with the next one in its clause.

    Args:
        reading: Some notes.
        is_content: `content` of its vocabulary.

    Returns:
        Columns, state times vocabulary size plus number, and keys, the first number times the size
        plus the second; -1 where it counts as nothing. Shape (n,) each.
    """
    numbers, size = reading.numbers, len(is_content)
    columns = np.where(is_content.take(numbers), numbers + size * reading.states, -1)
    keys = numbers * size
    keys[:-1] += numbers[1:]
    keys = np.where(reading.clauses.joined, keys, -1)
    if reading.aside:
        aside = np.fromiter(reading.aside, np.int64)
        columns[aside] = keys[aside] = keys[aside - 1] = -1
    return columns, keys


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

    @classmethod
    def arrays(cls) -> tuple[str, ...]:
        """Names of the arrays, in the order of a file."""
        return tuple(f.name for f in fields(cls) if f.name not in ("names", "piece_index"))

    @classmethod
    def of(cls, names: Iterable[str], pieces: Iterable[str], arrays: Mapping[str, Any]) -> "Scores":
        """From what a file holds: names of the scores, known pieces in order, and the arrays.

        Raises:
            KeyError: if an array is missing.
        """
        return cls(names=tuple(names), piece_index=dict(zip(pieces, count())), **arrays)

    def read(self, reading: Reading, is_content: Bools) -> "Scored":
        """The scores of some notes.

        Args:
            reading: The notes.
            is_content: `content` of their vocabulary.
        """
        columns, keys = terms_of(reading, is_content)
        # What counts as nothing takes the last row of a table: nothing.
        words = self.word_table.take(columns, axis=0)
        own: dict[str, int] = {}
        for place, name in reading.unknown:
            words[place, self._piece_block] = self.by_pieces(name)
            columns[place] = own.setdefault(name, self._nothing + len(own))
        known = self.pair_index.find(keys)
        pairs = self.pair_table.take(known, axis=0)
        # Words and pairs have different numbers, and what counts as nothing has the last one.
        room = self._nothing + len(own)
        terms = np.stack((columns, known + room))
        shares, again = _share(terms, room + len(self.pair_table) + 1, reading, len(is_content))
        words[again, self._piece_block] = 0.0
        return self._add_up(reading, words, pairs, shares)

    def _add_up(self, reading: Reading, words: Table, pairs: Table, shares: Floats) -> "Scored":
        """The scores of notes from what their terms add, each shared among its places."""
        of_words, of_pairs = shares
        sums = np.empty((len(reading.ranges), _PAIRS + 1, len(self.names) + 1))
        for note, (start, stop) in zip(sums, reading.ranges, strict=True):
            note[:_PAIRS] = (of_words[start:stop] @ words[start:stop]).reshape(_PAIRS, -1)
            note[_PAIRS] = of_pairs[start:stop] @ pairs[start:stop]
        lengths = np.maximum(sums[:, :, -1], _FLOORS)
        np.sqrt(lengths, out=lengths, where=_ROOTED)
        blocks = sums[:, :, :-1] / lengths[:, :, None]
        return Scored(self.intercepts + blocks.sum(axis=1), words, pairs, shares, lengths)

    @cached_property
    def _piece_block(self) -> slice:
        """The columns of the word table that are of pieces."""
        width = len(self.names) + 1
        return slice(_PIECES * width, (_PIECES + 1) * width)

    @cached_property
    def _nothing(self) -> int:
        """How many columns there are; the next one counts as nothing."""
        return STATES * len(self.meaning_lengths)

    @cached_property
    def word_table(self) -> Table:
        """What a column adds to the scores, and to the length, of each block but the pairs.

        Shape (columns + 1, blocks * (K + 1)); the last row is of what counts as nothing.
        """
        states, size, kinds = self.words.shape
        table = np.zeros((self._nothing + 1, _PAIRS, kinds + 1), np.float32)
        by_state = table[:-1].reshape(states, size, _PAIRS, kinds + 1)
        by_state[:, :, _WORDS, :-1] = self.words
        by_state[:, :, _WORDS, -1] = self.word_lengths
        by_state[:, :, _PIECES, :-1] = self.pieces
        by_state[:, :, _PIECES, -1] = self.piece_lengths
        for state, block in _BLOCK_OF_MEANINGS.items():
            by_state[state, :, block, :-1] = self.meanings[state]
            by_state[state, :, block, -1] = self.meaning_lengths
        return table.reshape(len(table), -1)

    @cached_property
    def pair_index(self) -> Pairs:
        """Where each known pair stands."""
        return Pairs(self.pair_keys)

    @cached_property
    def pair_table(self) -> Table:
        """The same of each pair, and of what is none; shape (P + 1, K + 1)."""
        table = np.zeros((len(self.pairs) + 1, len(self.names) + 1), np.float32)
        table[:-1, :-1] = self.pairs
        table[:-1, -1] = self.pair_lengths
        return table

    def warm(self) -> None:
        """Make ready what the first note would wait for."""
        _ = self.word_table, self.pair_index, self.pair_table

    def by_pieces(self, word: str) -> Table:
        """What a word's known pieces add to the scores, and to the length; shape (K + 1,)."""
        remembered = self._remembered.get(word)
        if remembered is None:
            known = [self.piece_index[p] for p in pieces_of(word) if p in self.piece_index]
            remembered = np.append(
                self.piece_weights[known].sum(axis=0), self.piece_squares[known].sum()
            )
            if len(self._remembered) < _MAX_REMEMBERED:
                self._remembered[word] = remembered
        return remembered

    @cached_property
    def _remembered(self) -> dict[str, Table]:
        return {}


@dataclass(frozen=True)
class Scored:
    """The scores of B notes with n words.

    Attributes:
        values: In log-odds, shape (B, K).
        words: What the word at each place adds to the blocks and their lengths, before a block is
            divided by its length; shape (n, blocks * (K + 1)).
        pairs: The same of the pair of a word and the next, shape (n, K + 1).
        shares: Of each place in its word, and in its pair, shape (2, n).
        lengths: By which each block of a note is divided, shape (B, blocks + 1).
    """

    values: Floats
    words: Table
    pairs: Table
    shares: Floats
    lengths: Floats

    def by_word(self, note: int, words: slice, gains: Floats) -> Floats:
        """What each word of a note adds to a sum of its scores, shape (words,).

        Args:
            note: Its position.
            words: Where its words are.
            gains: What each score counts in that sum, shape (K,).
        """
        factors = np.zeros((_PAIRS + 1, len(gains) + 1))
        factors[:, :-1] = gains / self.lengths[note, :, None]
        of_words, of_pairs = self.shares[:, words]
        found: Floats = of_words * (self.words[words] @ factors[:_PAIRS].ravel())
        # A pair is of both its words.
        halves = of_pairs * (self.pairs[words] @ (factors[_PAIRS] / 2))
        found += halves
        found[1:] += halves[:-1]
        return found


def _share(terms: Ints, room: int, reading: Reading, size: int) -> tuple[Floats, Ints]:
    """How the places of a note that have the same term share it.

    Args:
        terms: Columns and pairs, shape (2, n); -1 for none.
        room: All terms are below it.
        reading: The notes.
        size: Of the vocabulary.

    Returns:
        One by how many places have the same term, shape (2, n); and the places of words that are
        denied or another's there but not everywhere in their note: such a word has its pieces
        once, where it is as it stands.
    """
    columns = terms[0]
    order = np.arange(terms.size).reshape(terms.shape)
    # Which place of a note speaks for all that have its term. What was there before is never
    # looked at, so nothing has to be cleared between notes.
    last = np.empty(room, np.int64)
    speakers = np.empty_like(order)
    again = []
    off = (reading.bits & OFF) != 0
    for start, stop in reading.ranges:
        own = terms[:, start:stop]
        last[own] = order[:, start:stop]
        speakers[:, start:stop] = last.take(own)
        places = (off[start:stop] & (own[0] < STATES * size)).nonzero()[0] + start
        for step in (size, 2 * size) if len(places) else ():
            earlier = columns.take(places) - step
            speaker = last.take(earlier, mode="clip")
            said = (speaker >= start) & (speaker < stop) & (earlier >= 0)
            said &= columns.take(speaker, mode="clip") == earlier
            again.append(places[said])
    counts = np.bincount(speakers.ravel()).take(speakers)
    return 1.0 / counts, np.concatenate([np.zeros(0, np.int64), *again])
