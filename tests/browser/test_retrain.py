"""A lead retrains from the page; another lead approves; the new version answers a note."""

import shutil
from collections.abc import Iterator

import pytest

from bot.demo import running
from bot.sandbox.server import Sandbox
from mlops.backends.local import LocalBackend
from tests.browser import leads
from tests.browser.conftest import OpenPage
from tests.trained import Trained


@pytest.fixture(scope="module")
def trained(made: Trained, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trained]:
    """A demo's state folder in which a champion serves that is no better than what training gives.

    The shipped version has seen more than the corpus, and may well be better.
    """
    home = tmp_path_factory.mktemp("retrain") / "home"
    shutil.copytree(made.home, home)
    backend = LocalBackend(home)
    backend.deploy("referral-triage", made.version)
    yield Trained(home, made.version)
    backend.delete_endpoint("referral-triage")


@pytest.fixture(scope="module")
def demo(trained: Trained) -> Iterator[Sandbox]:
    with running(trained.home, 0, lambda _: None) as slack:
        yield slack


def test_the_story(demo: Sandbox, trained: Trained, open_page: OpenPage) -> None:
    leads.retraining(demo, trained.version, open_page)
