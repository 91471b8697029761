"""Our reading of UBJSON against XGBoost's own JSON, and of bytes that are none."""

import json
import struct
import subprocess
import sys
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops.container.ubjson import read_ubjson
from tests.container.test_trees import booster_of

LEARNT = ("left_children", "right_children", "split_indices", "split_conditions", "sum_hessian")


def trees(model: dict) -> list[dict]:
    return model["learner"]["gradient_booster"]["model"]["trees"]


def test_a_booster_reads_as_xgboost_tells_it() -> None:
    booster = booster_of(3, seed=5)
    ours = read_ubjson(bytes(booster.save_raw("ubj")))
    theirs = json.loads(bytes(booster.save_raw("json")))
    told = theirs["learner"]["learner_model_param"]
    assert ours["learner"]["learner_model_param"] == told
    assert len(trees(ours)) == len(trees(theirs)) == 25
    for own, wanted in zip(trees(ours), trees(theirs), strict=True):
        for name in LEARNT:
            assert np.allclose(own[name], wanted[name], rtol=1e-6)


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"Z", None),
        (b"T", True),
        (b"i\xff", -1),
        (b"U\xff", 255),
        (b"I\x01\x00", 256),
        (b"d" + struct.pack(">f", 0.5), 0.5),
        (b"SU\x02ab", "ab"),
        (b"[FU\x01]", [False, 1]),
        (b"[#U\x02FT", [False, True]),
        (b"{U\x01a{U\x01b[]}}", {"a": {"b": []}}),
    ],
)
def test_values(data: bytes, value: object) -> None:
    assert read_ubjson(data) == value


@given(st.binary(max_size=40) | st.text("[{#$]}SUiLdTFZ\x00\x01", max_size=40).map(str.encode))
def test_any_bytes_come_to_an_end(data: bytes) -> None:
    """Some are UBJSON by chance."""
    with suppress(ValueError):
        read_ubjson(data)


@pytest.mark.parametrize(
    "data", [b"", b"{", b"x", b"[$dU\x09", b"[$d#U\x09ab", b"Si\xfe", b"{U\x01", b"SU\x01\xff"]
)
def test_bytes_that_are_none_are_a_sentence(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"^This is not UBJSON\.$"):
        read_ubjson(data)


def test_serving_does_not_import_xgboost() -> None:
    code = "import sys, mlops.container.inference; sys.exit('xgboost' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
