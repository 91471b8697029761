"""What every test gets: no test can touch a person's files, tokens or cloud account."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlops.backends.local import LocalBackend
from mlops.settings import get_settings
from tests.sharing import made_once, shared_folder
from tests.trained import Trained, train

OURS = ("SLACK_", "TRIAGE_", "SAGEMAKER_", "AWS_", "SM_", "DATABASE_URL")


@pytest.fixture(autouse=True)
def home(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """A state folder of the test's own, and an environment without our variables."""
    for name in os.environ:
        if name.startswith(OURS):
            monkeypatch.delenv(name)
    # Trainings on the same data read it once, whichever test they are of.
    monkeypatch.setenv("TRIAGE_PREPARED", str(shared_folder(tmp_path_factory) / "prepared"))
    folder = tmp_path / "home"
    monkeypatch.setenv("TRIAGE_HOME", str(folder))
    # A .env file of the person who runs the tests must not be read either.
    monkeypatch.chdir(tmp_path)
    for proxy in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY"):
        monkeypatch.delenv(proxy, raising=False)
    get_settings.cache_clear()
    yield folder
    get_settings.cache_clear()


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A state folder with a trained version, made once: copy it before changing anything in it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRIAGE_PREPARED", str(shared_folder(tmp_path_factory) / "prepared"))
        made = made_once(tmp_path_factory, "trained", lambda folder: train(folder / "home"))
    home = made / "home"
    return Trained(home, next(v.name for v in LocalBackend(home).versions() if not v.shipped))
