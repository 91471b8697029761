"""Endpoints through their life: created, updated under load, rolled back, gone without a trace."""

import json
import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mlops.backends import Job
from mlops.backends.local import LocalBackend
from mlops.errors import BackendError, NotFoundError
from mlops.operations import finish, wait_for
from tests.backends.conftest import (
    Trained,
    body,
    copy_with,
    kill_holder,
    pids_of,
    processes_of,
    run_python,
    version_in,
)
from tests.backends.load import Load, ask

NAME = "desk"


def invoking(backend: LocalBackend) -> Callable[[], str]:
    return lambda: version_in(backend.invoke(NAME, body()))


def replace_artifact(backend: LocalBackend, version: str, content: bytes) -> None:
    """Put something else where a version's artifact was."""
    Path(backend.version(version).artifact).write_bytes(content)


def test_from_training_to_deletion(
    backend: LocalBackend, start_training: Callable[..., Job], models: tuple[str, str]
) -> None:
    job = wait_for(backend, start_training("mine", num_round="7").name, timeout=60)
    version = finish(backend, job)
    assert version.job == "mine"

    began = time.monotonic()
    created = backend.deploy(NAME, version.name[:6])
    assert time.monotonic() - began < 10
    assert (created.status, created.version, created.previous) == ("InService", version.name, None)
    assert invoking(backend)() == version.name

    other = models[0]
    updated = backend.update(NAME, other)
    assert (updated.status, updated.version, updated.previous) == ("InService", other, version.name)
    assert updated.url == created.url
    assert {ask(created.url or "") for _ in range(20)} == {other}

    back = backend.rollback(NAME)
    assert (back.version, back.previous, back.url) == (version.name, other, created.url)
    assert invoking(backend)() == version.name
    assert backend.endpoints() == [back]

    backend.delete_endpoint(NAME)
    assert backend.endpoints() == []
    assert not processes_of(backend.home)
    assert not (backend.home / "endpoints" / NAME).exists()
    with pytest.raises(NotFoundError, match="There is no endpoint 'desk'"):
        backend.invoke(NAME, body())
    assert backend.version(other).name == other


@pytest.mark.parametrize("way", ["plain HTTP", "invoke"])
def test_no_request_fails_during_an_update(
    backend: LocalBackend, models: tuple[str, str], way: str
) -> None:
    old, new = models
    url = backend.deploy(NAME, old).url or ""
    with Load((lambda: ask(url)) if way == "plain HTTP" else invoking(backend)) as load:
        time.sleep(0.5)
        backend.update(NAME, new)
        after = len(load.versions)
        time.sleep(0.5)
        backend.rollback(NAME)
        time.sleep(0.3)
    assert not load.failures, load.failures[:5]
    assert len(load.versions) > 100
    assert load.versions[0] == old
    assert load.versions[-1] == old
    assert new in load.versions
    # What was under way when the update returned may still be counted; no more than that.
    assert load.versions[after + 32 : after + 35].count(old) == 0


def broken_tar(models: tuple[Trained, Trained], folder: Path) -> bytes:
    return models[1].artifact.read_bytes()[:2000]


def of_unknown_format(models: tuple[Trained, Trained], folder: Path) -> bytes:
    def change(unpacked: Path) -> None:
        path = unpacked / "metadata.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 99}))

    return copy_with(models[1].artifact, folder / "m.tar.gz", change).read_bytes()


def loads_but_does_not_answer(models: tuple[Trained, Trained], folder: Path) -> bytes:
    """A version whose trees expect other features than its scores make."""
    import numpy as np
    import xgboost

    def change(unpacked: Path) -> None:
        wide = xgboost.DMatrix(np.zeros((4, 50)), label=[0, 1, 0, 1])
        booster = xgboost.train({"objective": "binary:logistic"}, wide, 1)
        (unpacked / "model.ubj").write_bytes(bytes(booster.save_raw("ubj")))

    return copy_with(models[1].artifact, folder / "m.tar.gz", change).read_bytes()


def answers_as_another(models: tuple[Trained, Trained], folder: Path) -> bytes:
    """The artifact of another version in its place."""
    return models[0].artifact.read_bytes()


@pytest.mark.parametrize(
    "damage", [broken_tar, of_unknown_format, loads_but_does_not_answer, answers_as_another]
)
def test_an_update_to_what_is_no_good_keeps_the_old_one(
    backend: LocalBackend,
    models: tuple[str, str],
    trained: tuple[Trained, Trained],
    tmp_path: Path,
    damage: Callable[[tuple[Trained, Trained], Path], bytes],
) -> None:
    old, new = models
    url = backend.deploy(NAME, old).url or ""
    replace_artifact(backend, new, damage(trained, tmp_path))
    refusal = pytest.raises(BackendError, match=f"{old} goes on serving")
    with Load(lambda: ask(url)) as load, refusal as caught:
        backend.update(NAME, new)
    assert "Traceback" not in str(caught.value)
    assert not load.failures, load.failures[:5]
    assert set(load.versions) == {old}
    endpoint = backend.endpoint(NAME)
    assert (endpoint.status, endpoint.version, endpoint.previous) == ("InService", old, None)
    assert new in (endpoint.failure or "")
    assert len(list((backend.home / "endpoints" / NAME / "generations").iterdir())) == 1
    # The next good one is served, and the failure forgotten.
    replace_artifact(backend, new, trained[1].artifact.read_bytes())
    assert backend.update(NAME, new).failure is None


def test_a_deployment_of_what_is_no_good_leaves_nothing(
    backend: LocalBackend, models: tuple[str, str]
) -> None:
    replace_artifact(backend, models[0], b"rubbish")
    with pytest.raises(BackendError, match=r"was not created: .* is damaged"):
        backend.deploy(NAME, models[0])
    assert backend.endpoints() == []
    assert not processes_of(backend.home)


def test_of_two_deployments_of_one_name_one_wins(
    backend: LocalBackend, models: tuple[str, str]
) -> None:
    outcomes: list[object] = []

    def deploy(version: str) -> None:
        try:
            outcomes.append(backend.deploy(NAME, version))
        except BackendError as error:
            outcomes.append(str(error))

    threads = [threading.Thread(target=deploy, args=(version,)) for version in models]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    refused = [outcome for outcome in outcomes if isinstance(outcome, str)]
    assert len(refused) == 1
    assert "Another operation on the endpoint desk is under way" in refused[0]
    with pytest.raises(BackendError, match=r"exists already.*triage endpoints update desk"):
        backend.deploy(NAME, models[0])


def test_what_cannot_be_done_is_said(backend: LocalBackend, models: tuple[str, str]) -> None:
    with pytest.raises(NotFoundError, match="There is no model version 'beef'"):
        backend.deploy(NAME, "beef")
    backend.deploy(NAME, models[0])
    with pytest.raises(NotFoundError, match="There is no model version"):
        backend.update(NAME, "")
    with pytest.raises(BackendError, match="has served no other version"):
        backend.rollback(NAME)
    with pytest.raises(BackendError, match="larger than 6 MB"):
        backend.invoke(NAME, b" " * (6 * 1024 * 1024 + 1))
    with pytest.raises(BackendError, match=r"refused the request \(400\): The body is not valid"):
        backend.invoke(NAME, b"{Zebrafish")
    with pytest.raises(BackendError, match=r"refused the request \(415\): This endpoint reads"):
        backend.invoke(NAME, b"a,b", content_type="text/csv")


@pytest.mark.parametrize("name", ["../evil", "a/b", ".locks", "", "-a", "a" * 64, "a\nb"])
def test_names_that_are_none(backend: LocalBackend, models: tuple[str, str], name: str) -> None:
    with pytest.raises(BackendError, match="can't be the name of an endpoint"):
        backend.deploy(name, models[0])
    for act in (backend.endpoint, backend.rollback, backend.delete_endpoint):
        with pytest.raises(NotFoundError):
            act(name)
    assert not (backend.home / "endpoints").exists()


def test_a_deadline_is_kept(backend: LocalBackend, models: tuple[str, str]) -> None:
    import signal

    backend.deploy(NAME, models[0])
    servers = [line for line in processes_of(backend.home) if "server.py" in line]
    pids = [int(line.split()[1]) for line in servers]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        with pytest.raises(BackendError, match=r"did not answer within 0\.5 s"):
            backend.invoke(NAME, body(), timeout=0.5)
        assert time.monotonic() - began < 2
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    assert invoking(backend)() == models[0]


def test_an_endpoint_is_back_after_a_restart_of_the_machine(
    backend: LocalBackend, models: tuple[str, str]
) -> None:
    created = backend.deploy(NAME, models[0])
    backend.stop_endpoint(NAME)
    assert not processes_of(backend.home)
    listed = backend.endpoints()[0]
    assert (listed.status, listed.version) == ("Failed", models[0])
    assert "next request starts it again" in (listed.failure or "")
    assert not processes_of(backend.home), "looking at a list started something"
    assert invoking(LocalBackend(backend.home))() == models[0]
    assert backend.endpoint(NAME).url == created.url


def test_a_port_that_somebody_took_is_said_and_never_asked(
    backend: LocalBackend, models: tuple[str, str]
) -> None:
    created = backend.deploy(NAME, models[0])
    backend.stop_endpoint(NAME)
    port = int((created.url or "").rpartition(":")[2])
    with socket.create_server(("127.0.0.1", port)) as stranger:
        stranger.settimeout(0.1)
        with pytest.raises(BackendError, match=f"Port {port}.*can't be used"):
            backend.invoke(NAME, body())
        with pytest.raises(TimeoutError):
            stranger.accept()
    deadline = time.monotonic() + 10
    while backend.endpoint(NAME).status == "Failed" and time.monotonic() < deadline:
        time.sleep(0.05)
    assert invoking(backend)() == models[0]


def test_hosted_ends_with_its_block(backend: LocalBackend, models: tuple[str, str]) -> None:
    with backend.hosted(NAME, models[0]) as endpoint:
        assert ask(endpoint.url or "") == models[0]
        with backend.hosted(NAME, models[1]) as same:
            assert same == endpoint
        assert ask(endpoint.url or "") == models[0]
    assert not processes_of(backend.home)
    assert [item.name for item in backend.endpoints()] == [NAME]


def test_hosted_ends_with_its_process(backend: LocalBackend, models: tuple[str, str]) -> None:
    script = (
        "import time; from pathlib import Path; from mlops.backends.local import LocalBackend\n"
        f"with LocalBackend(Path({str(backend.home)!r})).hosted({NAME!r}, {models[0]!r}):\n"
        "    print('up', flush=True)\n"
        "    time.sleep(60)\n"
    )
    with run_python(script) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        assert pids_of(backend.home)
        process.kill()
    deadline = time.monotonic() + 15
    while processes_of(backend.home) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not processes_of(backend.home)


def test_an_update_whose_supervisor_is_killed(
    backend: LocalBackend, models: tuple[str, str]
) -> None:
    url = backend.deploy(NAME, models[0]).url or ""
    outcome: list[object] = []

    def update() -> None:
        try:
            outcome.append(backend.update(NAME, models[1]))
        except BackendError as error:
            outcome.append(str(error))

    folder = backend.home / "endpoints" / NAME
    with Load(lambda: ask(url)) as load:
        thread = threading.Thread(target=update)
        thread.start()
        while json.loads((folder / "endpoint.json").read_text())["status"] != "Updating":
            time.sleep(0.005)
        kill_holder(folder / "supervisor.lock")
        thread.join(timeout=60)
    assert not load.failures, load.failures[:5]
    assert len(outcome) == 1
    assert isinstance(outcome[0], str)
    assert f"{models[0]} goes on serving. Run the update again" in outcome[0]
    assert backend.update(NAME, models[1]).version == models[1]
    assert {ask(url) for _ in range(10)} == {models[1]}
