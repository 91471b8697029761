"""Pairs in a table: all that are there are found, and nothing else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops.container.pairs import Pairs

KEYS = st.integers(0, 2**62) | st.integers(0, 300)


@given(st.sets(KEYS, max_size=200), st.lists(KEYS | st.just(-1), max_size=100))
def test_pairs_are_where_they_stand(known: set[int], sought: list[int]) -> None:
    keys = np.array(sorted(known), np.int64)
    pairs = Pairs(keys)
    assert pairs.find(keys).tolist() == list(range(len(keys)))
    place = {key: number for number, key in enumerate(keys.tolist())}
    found = pairs.find(np.array(sought, np.int64)).tolist()
    assert found == [place.get(key, len(keys)) for key in sought]


def test_many_pairs_find_their_places() -> None:
    keys = np.unique(np.random.default_rng(0).integers(0, 2**40, 200_000))
    assert (Pairs(keys).find(keys) == np.arange(len(keys))).all()


def test_a_pair_that_is_there_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="ascend"):
        Pairs(np.array([1, 1]))
