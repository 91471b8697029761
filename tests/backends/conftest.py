"""Real jobs, real artifacts, real servers; and the promise that nothing is left running."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mlops.backends import Job, TrainRequest
from mlops.backends.local import LocalBackend, locks
from mlops.backends.local.processes import PACKAGE_ROOT
from mlops.backends.local.registry import Registry
from mlops.data import build_dataset
from mlops.operations import wait_for

# Text that must not turn up anywhere but in the endpoint's memory.
CANARY = "Zebrafish Quillfeather, 61, irreducible femoral hernia"
QUICK = {"num_round": "5", "max_depth": "2"}


def body(text: str = CANARY) -> bytes:
    """A request with one note."""
    return json.dumps({"instances": [{"id": "n1", "text": text}]}).encode()


def version_in(answer: bytes) -> str:
    """The model version that gave an answer."""
    return str(json.loads(answer)["predictions"][0]["model_version"])


def processes_of(folder: Path) -> list[str]:
    """Command lines of the running processes that name a folder, zombies left out."""
    listed = subprocess.run(
        ["ps", "-ww", "-eo", "stat=,pid=,args="], capture_output=True, text=True, check=True
    ).stdout
    return [
        line
        for line in listed.splitlines()
        if str(folder) in line and not line.startswith("Z") and " ps -ww" not in line
    ]


def is_running(pid: int) -> bool:
    """Whether a process is there and not just a name on a list of the dead."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def nothing_runs(folder: Path) -> bool:
    """Whether no process names a folder; one that is at its end may come to it."""
    deadline = time.monotonic() + 5
    while processes_of(folder) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not processes_of(folder)


def kill_holder(lock: Path) -> int:
    """`kill -9` the process that holds a lock, and return its id once it is dead."""
    pid = locks.holder(lock)
    assert pid is not None, f"nobody holds {lock}"
    os.kill(pid, signal.SIGKILL)
    assert locks.wait_released(lock, 5)
    return pid


def kill_all(home: Path) -> None:
    """`kill -9` every process of a state folder, and wait until they are dead."""
    for pid in pids_of(home):
        os.kill(pid, signal.SIGKILL)
    assert nothing_runs(home)


def run_python(script: str, **options: Any) -> "subprocess.Popen[bytes]":
    """Start a process with this package on its path."""
    return subprocess.Popen(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONPATH": str(PACKAGE_ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **options,
    )


@dataclass(frozen=True)
class Trained:
    """A model that a real job made."""

    version: str
    artifact: Path


@pytest.fixture(autouse=True)
def own_folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each job has its own folder for what its trainings share, as it is for users."""
    monkeypatch.delenv("TRIAGE_PREPARED")


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of the shipped corpus, cut small: these tests are not about the model."""
    folder = tmp_path_factory.mktemp("data") / "dataset"
    build_dataset(folder, kaggle=None)
    for part, lines in (("train", 160), ("validation", 40)):
        path = folder / f"{part}.jsonl"
        kept = path.read_text(encoding="utf-8").splitlines(keepends=True)[:lines]
        path.write_text("".join(kept), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, dataset: Path) -> tuple[Trained, Trained]:
    """Two different models, each from a job of its own."""
    home = tmp_path_factory.mktemp("trained")
    backend = LocalBackend(home)
    jobs = [
        backend.train(
            TrainRequest(dataset / "train.jsonl", dataset / "validation.jsonl", QUICK | more, name)
        )
        for name, more in (("first", {}), ("second", {"eta": "0.5"}))
    ]
    done = [wait_for(backend, job.name, timeout=60) for job in jobs]
    assert [job.status for job in done] == ["Completed", "Completed"], done
    versions = [backend.register(job.name) for job in done]
    first, second = (Trained(v.name, Path(v.artifact)) for v in versions)
    assert first.version != second.version
    return first, second


@pytest.fixture
def backend(home: Path) -> Iterator[LocalBackend]:
    """A backend on the test's own state folder; whatever the test started is ended."""
    backend = LocalBackend(home)
    yield backend
    for endpoint in backend.endpoints():
        backend.delete_endpoint(endpoint.name)
    for job in backend.jobs():
        if not job.done:
            backend.stop_job(job.name)
            wait_for(backend, job.name, timeout=30)
    assert nothing_runs(home)


@pytest.fixture
def models(backend: LocalBackend, trained: tuple[Trained, Trained]) -> tuple[str, str]:
    """The two models as versions of the test's backend."""
    registry = Registry(backend.home)
    for model in trained:
        registry.add(model.artifact, None)
    return trained[0].version, trained[1].version


@pytest.fixture
def start_training(backend: LocalBackend, dataset: Path) -> Callable[..., Job]:
    """Start a training job on the small dataset."""

    def start(name: str = "", **hyperparameters: str) -> Job:
        return backend.train(
            TrainRequest(
                dataset / "train.jsonl",
                dataset / "validation.jsonl",
                hyperparameters or QUICK,
                name,
            )
        )

    return start


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], None]:
    """Wait until something holds, ten seconds at most."""

    def wait(holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 10
        while not holds():
            assert time.monotonic() < deadline
            time.sleep(0.02)

    return wait


@pytest.fixture(autouse=True)
def no_secrets_in_children(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test runs with a token around, which no process of ours may get."""
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-secret-of-the-tests")


def environment_of(pid: int) -> dict[str, str]:
    """The variables of a running process."""
    raw = Path(f"/proc/{pid}/environ").read_bytes()
    return dict(item.split("=", 1) for item in raw.decode().split("\0") if "=" in item)


def copy_with(artifact: Path, target: Path, change: Callable[[Path], None]) -> Path:
    """A copy of an artifact after `change` has had its way with its unpacked files."""
    from mlops.backends.package import pack_artifact, unpack_artifact

    folder = target.with_name(target.name + "-unpacked")
    unpack_artifact(artifact, folder)
    change(folder)
    pack_artifact(folder, target)
    shutil.rmtree(folder)
    return target


def pids_of(folder: Path) -> list[int]:
    """Ids of the running processes that name a folder."""
    own = os.getpid()
    return [pid for pid in (int(line.split()[1]) for line in processes_of(folder)) if pid != own]
