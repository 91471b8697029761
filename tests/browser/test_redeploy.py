"""A lead deploys a version from the Home tab's list, watches it, and rolls it back by a click."""

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
    """A demo's state folder in which the shipped version serves and another one waits."""
    home = tmp_path_factory.mktemp("redeploy") / "home"
    shutil.copytree(made.home, home)
    backend = LocalBackend(home)
    backend.deploy("referral-triage", "shipped")
    yield Trained(home, made.version)
    backend.delete_endpoint("referral-triage")


@pytest.fixture(scope="module")
def demo(trained: Trained) -> Iterator[Sandbox]:
    with running(trained.home, 0, lambda _: None) as slack:
        yield slack


def test_the_story(demo: Sandbox, trained: Trained, open_page: OpenPage) -> None:
    shipped = LocalBackend(trained.home).version("shipped").name
    leads.redeploying(demo, trained.version, shipped, open_page)
