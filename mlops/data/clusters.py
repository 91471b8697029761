"""Near-duplicate clusters, so that no note has a twin on the other side of a split.

Texts are sets of five-word shingles; MinHash (Broder 1997) with banding finds the pairs that are
worth comparing, and their exact Jaccard similarity decides. The same texts give the same clusters.
"""

import re
import zlib
from collections import defaultdict
from collections.abc import Sequence

import numpy as np

SHINGLE = 5
SIMILAR = 0.5
# A text mostly contained in a longer one is its twin too, though their Jaccard is small.
CONTAINED = 0.8
_BANDS, _ROWS = 48, 2
_PRIME = (1 << 31) - 1
_WORD = re.compile(r"[a-z0-9]+")


def shingles(text: str) -> frozenset[int]:
    """The hashed five-word shingles of a text; of a shorter text the whole."""
    words = _WORD.findall(text.lower())
    if len(words) <= SHINGLE:
        return frozenset([zlib.crc32(" ".join(words).encode())])
    return frozenset(
        zlib.crc32(" ".join(words[i : i + SHINGLE]).encode())
        for i in range(len(words) - SHINGLE + 1)
    )


def cluster(texts: Sequence[str], keys: Sequence[str]) -> list[str]:
    """The cluster of each text.

    Args:
        texts: Notes.
        keys: What must stay together whatever the texts say, such as the pair or the source row;
            one per text.

    Returns:
        One name per text: the smallest key of its cluster.
    """
    parents = {key: key for key in keys}

    def root(key: str) -> str:
        while parents[key] != key:
            parents[key] = parents[parents[key]]
            key = parents[key]
        return key

    sets = [shingles(text) for text in texts]
    for left, right in _candidates(sets):
        a, b = root(keys[left]), root(keys[right])
        if a != b and _similar(sets[left], sets[right]):
            parents[max(a, b)] = min(a, b)
    return [root(key) for key in keys]


def _similar(left: frozenset[int], right: frozenset[int]) -> bool:
    common = len(left & right)
    return common >= SIMILAR * (len(left) + len(right) - common) or common >= CONTAINED * min(
        len(left), len(right)
    )


def _candidates(sets: Sequence[frozenset[int]]) -> list[tuple[int, int]]:
    """Pairs that share a band of their MinHash signatures, or a rare shingle."""
    random = np.random.default_rng(20261123)
    slopes = random.integers(1, _PRIME, size=_BANDS * _ROWS, dtype=np.int64)
    offsets = random.integers(0, _PRIME, size=_BANDS * _ROWS, dtype=np.int64)
    pairs: set[tuple[int, int]] = set()
    buckets: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    holders: dict[int, list[int]] = defaultdict(list)
    for number, items in enumerate(sets):
        values = np.fromiter(sorted(items), dtype=np.int64, count=len(items)) % _PRIME
        signature = ((values[:, None] * slopes + offsets) % _PRIME).min(axis=0)
        for band in range(_BANDS):
            key = (band, signature[band * _ROWS : (band + 1) * _ROWS].tobytes())
            buckets[key].append(number)
        for item in items:
            holders[item].append(number)
    # Rare shingles find a short text inside a long one, which MinHash alone would miss.
    for members in [*buckets.values(), *(h for h in holders.values() if len(h) <= 4)]:
        first = members[0]
        pairs.update((first, other) for other in members[1:])
    return sorted(pairs)
