"""Boosting that is cut off, gone on with, and shared among machines."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlops.backends.local.processes import PACKAGE_ROOT
from mlops.container import checkpoints
from mlops.container.boosting import RUN, boost
from mlops.container.collective import Machines, is_sharded
from mlops.container.train import main

PARAMETERS = {
    "objective": "binary:logistic",
    "tree_method": "hist",
    "nthread": 1,
    "max_depth": 4,
    "subsample": 0.8,
    "colsample_bytree": 0.7,
    "monotone_constraints": (1, 1, 0, 0, 0, 0),
    "seed": 3,
}
ROUNDS = 3 * RUN + 20
# What a process does: the same rows, the machines and the folder from its environment.
SCRIPT = """
import hashlib, os, sys
from pathlib import Path
import numpy as np
from mlops.container.boosting import boost
from mlops.container.checkpoints import kept_in
from mlops.container.collective import Machines, gather_files, share, together
from tests.container.test_boosting import PARAMETERS, ROUNDS, rows
folder = os.environ.get("CHECKPOINTS")
with together(Machines.read()), kept_in(Path(folder) if folder else None):
    if "FILES" in os.environ:
        files = Path(os.environ["FILES"])
        own = files / str(share()[0])
        gathered = gather_files(own, own / "all")
        print(*sorted(path.read_text() for path in gathered.iterdir()))
    booster = boost(PARAMETERS, *rows(), ROUNDS)
raw = bytes(booster.save_raw("ubj"))
print(hashlib.sha256(raw).hexdigest(), booster.num_boosted_rounds())
"""


def rows(count: int = 3000) -> tuple[Any, Any, Any]:
    """Values, labels and weights of a problem that boosting can learn."""
    random = np.random.default_rng(7)
    values = random.normal(size=(count, 6)).astype(np.float32)
    labels = (values[:, 0] + values[:, 1] + random.normal(size=count) > 0).astype(int)
    return values, labels, random.uniform(0.5, 2.0, size=count)


def start(**variables: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, "PYTHONPATH": str(PACKAGE_ROOT), **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def said(process: "subprocess.Popen[str]") -> list[str]:
    """The lines of a process that ended well, without those of XGBoost's tracker."""
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    return [line for line in output.splitlines() if not line.startswith("[")]


def digest(booster: Any) -> str:
    return hashlib.sha256(bytes(booster.save_raw("ubj"))).hexdigest()


@pytest.fixture(scope="module")
def whole() -> str:
    """The model of an unbroken run that kept nothing."""
    return digest(boost(PARAMETERS, *rows(), ROUNDS))


def test_killed_in_the_middle_and_gone_on_with(tmp_path: Path, whole: str) -> None:
    process = start(CHECKPOINTS=str(tmp_path))
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("*.ubj")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.001)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    [kept] = tmp_path.glob("*.ubj")
    finished = int(kept.name.split("-")[1])
    assert 0 < finished < ROUNDS
    assert said(start(CHECKPOINTS=str(tmp_path))) == [f"{whole} {ROUNDS}"]


def test_every_place_to_stop_gives_the_same_model(tmp_path: Path, whole: str) -> None:
    with checkpoints.kept_in(tmp_path):
        for _ in range(2):  # the second time all is there already
            assert digest(boost(PARAMETERS, *rows(), ROUNDS)) == whole
        [kept] = tmp_path.glob("*.ubj")
        assert f"-{ROUNDS:05d}-" in kept.name


def test_a_checkpoint_that_was_cut_off_is_not_used(tmp_path: Path, whole: str) -> None:
    with checkpoints.kept_in(tmp_path):
        boost(PARAMETERS, *rows(), ROUNDS)
        [kept] = tmp_path.glob("*.ubj")
        kept.write_bytes(kept.read_bytes()[:-100])
        (tmp_path / "notes.ubj").write_bytes(b"of somebody else")
        assert digest(boost(PARAMETERS, *rows(), ROUNDS)) == whole


@pytest.mark.parametrize("change", ["seed", "rounds", "label", "weight"])
def test_the_checkpoint_of_other_work_is_not_used(tmp_path: Path, change: str) -> None:
    values, labels, weights = rows(300)
    with checkpoints.kept_in(tmp_path):
        boost(PARAMETERS, values, labels, weights, 2 * RUN)
        parameters = PARAMETERS | ({"seed": 4} if change == "seed" else {})
        rounds = RUN if change == "rounds" else 2 * RUN
        labels, weights = labels.copy(), weights.copy()
        labels[0] = 1 - labels[0] if change == "label" else labels[0]
        weights[0] += 1 if change == "weight" else 0
        found = digest(boost(parameters, values, labels, weights, rounds))
    assert found == digest(boost(parameters, values, labels, weights, rounds))


def test_two_machines_train_one_model(tmp_path: Path, whole: str) -> None:
    hosts = ["127.0.0.1", "127.0.0.2"]
    for number, content in enumerate(("north", "south")):
        (tmp_path / "files" / str(number)).mkdir(parents=True)
        (tmp_path / "files" / str(number) / f"{number}.jsonl").write_text(content)
    variables = {
        "SM_HOSTS": json.dumps(hosts),
        "TRAINING_JOB_NAME": f"together-{os.getpid()}",
        "CHECKPOINTS": str(tmp_path / "checkpoints"),
        "FILES": str(tmp_path / "files"),
    }
    answers = [said(p) for p in [start(SM_CURRENT_HOST=host, **variables) for host in hosts]]
    assert answers[0] == answers[1]
    # Each was sent one file and has both.
    files, model = answers[0]
    assert files == "north south"
    # It is not the model of one machine, whose sums are other ones, but as good.
    assert model.split()[0] != whole
    [kept] = (tmp_path / "checkpoints").glob("*.ubj")
    import xgboost

    values, labels, _ = rows()
    together = xgboost.Booster()
    together.load_model(bytearray(kept.read_bytes()))
    alone = boost(PARAMETERS, *rows(), ROUNDS)
    data = xgboost.DMatrix(values)
    shares = [booster.predict(data) for booster in (together, alone)]
    assert np.corrcoef(*shares)[0, 1] > 0.97
    right = [((share > 0.5) == labels).mean() for share in shares]
    assert abs(right[0] - right[1]) < 0.02
    # Half of the rows alone make another model: the machines did share.
    half = boost(PARAMETERS, *(array[::2] for array in rows()), ROUNDS)
    assert np.corrcoef(shares[0], half.predict(data))[0, 1] < np.corrcoef(*shares)[0, 1]


def test_the_machines_of_a_job() -> None:
    alone = Machines.read({})
    assert alone.first
    assert not alone.several
    assert Machines.read({"SM_HOSTS": '["algo-1"]', "SM_CURRENT_HOST": "algo-1"}) == alone
    variables = {
        "SM_HOSTS": '["algo-2", "algo-1"]',
        "SM_CURRENT_HOST": "algo-2",
        "TRAINING_JOB_NAME": "nightly",
    }
    second = Machines.read(variables)
    first = Machines.read(variables | {"SM_CURRENT_HOST": "algo-1"})
    assert second.hosts == ("algo-1", "algo-2")
    assert first.first
    assert not second.first
    assert first.port == second.port
    config = {"SM_INPUT_DATA_CONFIG": '{"train": {"S3DistributionType": "ShardedByS3Key"}}'}
    assert is_sharded("train", config)
    assert not is_sharded("validation", config)
    assert not is_sharded("train", {})


def test_what_goes_wrong_is_told_without_its_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SM_HOSTS", '["Zebrafish Quillfeather')
    before = signal.getsignal(signal.SIGTERM)
    try:
        assert main([]) == 1
    finally:
        signal.signal(signal.SIGTERM, before)
    error = capsys.readouterr().err
    assert error.startswith("Training failed (JSONDecodeError at json.decoder:")
    assert "Zebrafish" not in error
