"""A lead deploys a version from the Home tab's list, watches it, and rolls it back by a click."""

import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, expect

from bot.demo import running
from bot.sandbox.server import Sandbox
from mlops.backends.local import LocalBackend
from tests.browser.chat import CARD_MS, Chat
from tests.browser.conftest import OpenPage
from tests.browser.test_demo import SURGICAL
from tests.trained import Trained

DEPLOYED_MS = 60_000


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


def card_of(chat: Chat, heading: str) -> Locator:
    title = chat.page.get_by_role("heading", name=heading)
    card = chat.log.get_by_role("article").filter(has=title).last
    expect(card).to_be_visible(timeout=DEPLOYED_MS)
    return card


def test_the_story(demo: Sandbox, trained: Trained, open_page: OpenPage) -> None:
    leo = open_page(demo, "U0LEO")
    leo.page.get_by_role("tab", name="Home").click()
    leo.page.get_by_role("button", name="Redeploy…").click()
    versions = leo.page.get_by_role("dialog", name="Model versions")
    expect(versions).to_contain_text("serves now", timeout=CARD_MS)
    expect(versions).to_contain_text(re.compile(r"AUC 0\.\d{3}"))
    versions.get_by_role("button", name="Deploy").click()
    sure = leo.page.get_by_role("dialog", name="Deploy?")
    expect(sure).to_contain_text(f"Version {trained.version} will answer every note")
    sure.get_by_role("button", name="Deploy").click()
    expect(versions).to_contain_text("is being deployed", timeout=CARD_MS)
    versions.get_by_role("button", name="Close").first.click()

    leo.page.get_by_role("tab", name="Messages").click()
    card = card_of(leo, "The new version serves and is watched")
    expect(card).to_contain_text("got no answer", timeout=CARD_MS)
    mei = open_page(demo, "U0MEI")
    mei.say(SURGICAL)
    expect(mei.card()).to_contain_text(f"Model: {trained.version}")

    card.get_by_role("button", name="Roll back").click()
    leo.page.get_by_role("dialog", name="Roll back?").get_by_role(
        "button", name="Roll back"
    ).click()
    back = card_of(leo, "Went back to the version before")
    expect(back).to_contain_text("@Leo Brandt rolled it back")
    expect(back.get_by_role("button", name="Roll back")).to_have_count(0)
    mei.say(f"{SURGICAL} Again.")
    expect(mei.card()).not_to_contain_text(f"Model: {trained.version}")
    leo.page.get_by_role("tab", name="Home").click()
    expect(leo.page.get_by_role("main")).to_contain_text("Last 30 days")
    assert demo.problems == []
