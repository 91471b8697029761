"""`kill -9` of every process of an endpoint: each is noticed, and started again."""

import json
import os
import signal
import time
from pathlib import Path

import pytest

from mlops.backends.local import LocalBackend, locks
from tests.backends.conftest import body, kill_all, kill_holder, pids_of, version_in
from tests.backends.load import Load, ask

NAME = "desk"


@pytest.fixture
def folder(backend: LocalBackend, models: tuple[str, str]) -> Path:
    """The folder of an endpoint that serves the first model."""
    backend.deploy(NAME, models[0])
    return backend.home / "endpoints" / NAME


def generation(folder: Path) -> Path:
    state = json.loads((folder / "endpoint.json").read_text())
    return folder / "generations" / str(state["generation"])


def workers(folder: Path) -> list[int]:
    master = locks.holder(generation(folder) / "master.lock")
    children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
    return [int(pid) for pid in children]


def wait_until_whole(folder: Path, expected: int = 4) -> None:
    """Until there are a supervisor, a master and two workers, and none of them is new."""
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        whole = (
            locks.holder(folder / "supervisor.lock")
            and locks.holder(generation(folder) / "master.lock")
            and len(pids_of(folder.parents[1])) == expected
        )
        if whole:
            return
        time.sleep(0.05)
    raise AssertionError(f"not whole again: {pids_of(folder.parents[1])}")


def test_a_worker(backend: LocalBackend, folder: Path, models: tuple[str, str]) -> None:
    url = backend.endpoint(NAME).url or ""
    before = workers(folder)
    os.kill(before[0], signal.SIGKILL)
    for _ in range(50):
        assert ask(url) == models[0]
    deadline = time.monotonic() + 10
    while len(set(workers(folder)) - {before[0]}) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    after = workers(folder)
    assert len(after) == 2
    assert before[0] not in after


def test_a_worker_under_load_through_invoke(
    backend: LocalBackend, folder: Path, models: tuple[str, str]
) -> None:
    with Load(lambda: version_in(backend.invoke(NAME, body()))) as load:
        for _ in range(3):
            time.sleep(0.4)
            os.kill(workers(folder)[0], signal.SIGKILL)
        time.sleep(0.5)
    assert not load.failures, load.failures[:5]
    assert set(load.versions) == {models[0]}


def test_the_master(backend: LocalBackend, folder: Path, models: tuple[str, str]) -> None:
    url = backend.endpoint(NAME).url or ""
    with Load(lambda: ask(url)) as load:
        time.sleep(0.2)
        old = generation(folder)
        dead = kill_holder(old / "master.lock")
        deadline = time.monotonic() + 15
        while generation(folder) == old and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.3)
    assert not load.failures, load.failures[:5]
    assert locks.holder(generation(folder) / "master.lock") not in (None, dead)
    wait_until_whole(folder)


def test_the_supervisor_comes_back_by_itself(
    backend: LocalBackend, folder: Path, models: tuple[str, str]
) -> None:
    url = backend.endpoint(NAME).url or ""
    time.sleep(3.2)  # a master looks after its supervisor from its third second on
    with Load(lambda: ask(url)) as load:
        dead = kill_holder(folder / "supervisor.lock")
        deadline = time.monotonic() + 15
        while not locks.is_held(folder / "supervisor.lock") and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.3)
    assert not load.failures, load.failures[:5]
    assert locks.holder(folder / "supervisor.lock") not in (None, dead)
    wait_until_whole(folder)
    # And it can do its work: it has the socket and the server of the one before it.
    with Load(lambda: ask(url)) as load:
        assert backend.update(NAME, models[1]).url == url
    assert not load.failures, load.failures[:5]
    wait_until_whole(folder)


def test_supervisor_and_master_at_once(
    backend: LocalBackend, folder: Path, models: tuple[str, str]
) -> None:
    url = backend.endpoint(NAME).url
    master = locks.holder(generation(folder) / "master.lock")
    supervisor = locks.holder(folder / "supervisor.lock")
    assert master
    assert supervisor
    os.kill(supervisor, signal.SIGKILL)
    os.kill(master, signal.SIGKILL)
    for _ in range(10):
        assert version_in(backend.invoke(NAME, body())) == models[0]
    assert backend.endpoint(NAME).url == url
    wait_until_whole(folder)


def test_everything_at_once(backend: LocalBackend, folder: Path, models: tuple[str, str]) -> None:
    url = backend.endpoint(NAME).url
    kill_all(backend.home)
    assert version_in(backend.invoke(NAME, body())) == models[0]
    assert backend.endpoint(NAME).url == url
    wait_until_whole(folder)


def test_a_server_that_cannot_start_again_says_so(
    backend: LocalBackend, folder: Path, models: tuple[str, str]
) -> None:
    artifact = Path(backend.version(models[0]).artifact)
    content = artifact.read_bytes()
    artifact.write_bytes(b"rubbish")
    kill_all(backend.home)
    endpoint = backend.endpoint(NAME)
    assert endpoint.status == "Failed"
    assert "is damaged" in (endpoint.failure or "")
    artifact.write_bytes(content)
    deadline = time.monotonic() + 20
    while backend.endpoint(NAME).status == "Failed" and time.monotonic() < deadline:
        time.sleep(0.1)
    assert version_in(backend.invoke(NAME, body())) == models[0]
    assert backend.endpoint(NAME).failure is None


def test_a_version_that_fails_can_be_updated_away(
    backend: LocalBackend, folder: Path, models: tuple[str, str]
) -> None:
    Path(backend.version(models[0]).artifact).write_bytes(b"rubbish")
    kill_all(backend.home)
    assert backend.endpoint(NAME).status == "Failed"
    updated = backend.update(NAME, models[1])
    assert (updated.status, updated.version) == ("InService", models[1])
    assert version_in(backend.invoke(NAME, body())) == models[1]
