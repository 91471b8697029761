"""The split into train, validation and test: whole clusters, by a seed."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence

from mlops.data.records import Record

PARTS = ("train", "validation", "test")
SHARES = (0.8, 0.1, 0.1)


def split(records: Sequence[Record], seed: int) -> dict[str, list[Record]]:
    """Assign whole clusters to train (80 %), validation and test (10 % each).

    Clusters are shuffled by a hash of seed and name within their stratum (sources and labels), so
    that each part has its share of every kind, and a cluster's place depends on nothing but its
    stratum.
    """
    groups: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        groups[record.group].append(record)
    strata: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for name, members in groups.items():
        stratum = tuple(sorted({f"{m.source.partition('-')[0]}/{m.label}" for m in members}))
        strata[stratum].append(name)
    part_of: dict[str, str] = {}
    for stratum in sorted(strata):
        names = sorted(strata[stratum], key=lambda name: (_rank(seed, name), name))
        first = round(SHARES[0] * len(names))
        second = round((SHARES[0] + SHARES[1]) * len(names))
        for position, name in enumerate(names):
            part_of[name] = PARTS[(position >= first) + (position >= second)]
    parts: dict[str, list[Record]] = {part: [] for part in PARTS}
    for record in records:
        parts[part_of[record.group]].append(record)
    return parts


def _rank(seed: int, name: str) -> bytes:
    return hashlib.sha256(f"{seed}:{name}".encode()).digest()
