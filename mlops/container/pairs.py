"""A table of known pairs of words that finds many pairs at once.

Each pair lies in one of two places that it names itself (cuckoo hashing, Pagh and Rodler 2004,
Journal of Algorithms 51:122), so that two looks tell, for all pairs of a note together.
"""

import numpy as np
from numpy.typing import NDArray

from mlops.container.clauses import Ints

# Odd, and far from any pattern in keys; the second is as good as any.
FACTORS = np.array([[0x9E3779B97F4A7C15], [0xC2B2AE3D27D4EB4F]], np.uint64)
# Room for a hundred thousand pairs within a processor's cache.
SKETCH_BITS = 20
# Places per pair, so that few are wanted twice.
_ROOM = 4
_ROUNDS = 200


def sketch(keys: Ints) -> NDArray[np.uint64]:
    """Bits of which each pair sets one: a look at its bit tells of most pairs that they are none.

    The number of a pair's bit is the first `SKETCH_BITS` bits of its key times the first factor.

    Args:
        keys: A number for each pair, none below zero, shape (P,).
    """
    bits = (keys.view(np.uint64) * FACTORS[0]) >> np.uint64(64 - SKETCH_BITS)
    found = np.zeros(2**SKETCH_BITS // 64, np.uint64)
    np.bitwise_or.at(found, bits >> np.uint64(6), np.uint64(1) << (bits & np.uint64(63)))
    return found


class Pairs:
    """Where pairs stand in a list.

    Args:
        keys: A number for each pair, ascending and none below zero, shape (P,).

    Raises:
        ValueError: if they don't ascend.
    """

    def __init__(self, keys: Ints) -> None:
        if (keys[1:] <= keys[:-1]).any():
            # One that is there thrice would never find a place.
            raise ValueError("The pairs don't ascend.")
        self._count = len(keys)
        # What stands nowhere is the one after the last.
        self._keys = np.append(keys, -1)
        self._bits = max(4, int(_ROOM * self._count).bit_length())
        while not self._fill(keys):
            self._bits += 1

    def find(self, keys: Ints) -> Ints:
        """The position of each pair in the list; P if it is not there."""
        places = self._table.take(self._slots(keys))
        first, second = self._keys.take(places) == keys
        return np.where(first, places[0], np.where(second, places[1], self._count))

    def _slots(self, keys: Ints) -> Ints:
        """The two places of each pair, shape (2, pairs)."""
        slots = keys.view(np.uint64) * FACTORS
        slots >>= self._shift
        return slots.view(np.int64)

    def _fill(self, keys: Ints) -> bool:
        """Put each pair into one of its places; False if they don't fit."""
        self._shift = np.uint64(64 - self._bits)
        slots = self._slots(keys)
        self._table: NDArray[np.int32] = np.full(2**self._bits, self._count, np.int32)
        turn = np.zeros(self._count, np.int64)
        waiting = np.arange(self._count, dtype=np.int32)
        for _ in range(_ROUNDS):
            if not len(waiting):
                return True
            wanted = slots[turn[waiting], waiting]
            before = self._table[wanted]
            # Of those that want the same place the last one gets it.
            self._table[wanted] = waiting
            won = self._table[wanted] == waiting
            out = before[won]
            waiting = np.concatenate([waiting[~won], out[out < self._count]])
            turn[waiting] ^= 1
        return False
