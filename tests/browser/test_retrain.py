"""A lead retrains from the page; another lead approves; the new version answers a note."""

import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, expect

from bot.demo import running
from bot.sandbox.server import Sandbox
from mlops.backends.local import LocalBackend
from mlops.data import load_corpus
from tests.bot.retrains import LONG
from tests.browser.chat import CARD_MS, Chat
from tests.browser.conftest import OpenPage
from tests.browser.test_demo import SURGICAL
from tests.trained import Trained

RUN_MS = LONG * 1000
CHANNEL = "#G0SURGERY"


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


def card_of(chat: Chat, heading: str | re.Pattern[str]) -> Locator:
    """The run's card in the conversation, once its title is this."""
    title = chat.page.get_by_role("heading", name=heading)
    card = chat.log.get_by_role("article").filter(has=title).last
    expect(card).to_be_visible(timeout=RUN_MS)
    return card


def test_the_story(demo: Sandbox, trained: Trained, open_page: OpenPage) -> None:
    leo = open_page(demo, "U0LEO", where=CHANNEL)
    leo.say("/retrain")
    form = leo.page.get_by_role("dialog", name="Retrain")
    form.get_by_role("radio", name="A Kaggle-shaped CSV on S3").check()
    expect(form.get_by_role("textbox", name="Address on S3")).to_be_visible()
    form.get_by_role("radio", name="The shipped corpus").check()
    expect(form.get_by_role("textbox", name="Address on S3")).to_have_count(0)
    form.get_by_role("textbox", name="Hyperparameters").fill("eta=2")
    form.get_by_role("button", name="Start").click()
    expect(form).to_contain_text("must be a number from 0.001 to 1")
    form.get_by_role("textbox", name="Hyperparameters").fill("")
    form.get_by_role("button", name="Start").click()
    expect(leo.modal).to_have_count(0)

    card = card_of(leo, "Retraining")
    expect(card).to_contain_text(f"Data checked: {len(load_corpus()):,} notes", timeout=CARD_MS)
    expect(card.get_by_role("button", name="Stop")).to_be_visible()

    card = card_of(leo, "A new version waits for approval")
    for done in ("Trained", "Evaluated", "Compared with the champion"):
        expect(card).to_contain_text(done)
    table = card.get_by_role("table")
    expect(table.get_by_role("columnheader")).to_have_text(
        ["Figure (95 % interval)", "Champion", "Challenger", "Difference"]
    )
    expect(table.get_by_role("row", name=re.compile("AUC, referral texts"))).to_have_text(
        re.compile(r"0\.\d{3} \(0\.\d\d.*0\.\d{3} \(0\.\d\d")
    )
    expect(card).to_contain_text(f"Champion: {trained.version}")
    version = re.search(r"Challenger: (\w{12})", card.inner_text())
    assert version is not None
    card.get_by_role("button", name=re.compile("1 reply")).click()
    pictures = leo.thread.get_by_role("img", name=re.compile("^(ROC|Reliability|Confusion)"))
    expect(pictures).to_have_count(3)
    for picture in pictures.all():
        # Loaded, and large enough to read something in it.
        assert picture.evaluate("(image) => image.complete && image.naturalWidth") > 400
    leo.thread.get_by_role("button", name=re.compile("^Enlarge: ROC")).click()
    expect(leo.modal.get_by_role("img", name=re.compile("^ROC"))).to_be_visible()
    leo.page.keyboard.press("Escape")
    with leo.page.expect_download() as saved:
        leo.thread.get_by_role("link", name=re.compile("Full report")).click()
    assert "referral texts" in saved.value.path().read_text()

    ana = open_page(demo, "U0ANA", where=CHANNEL)
    card_of(ana, "A new version waits for approval").get_by_role("button", name="Approve").click()
    ana.modal.get_by_role("button", name="Deploy", exact=True).click()
    told = ana.page.get_by_role("article").filter(has_text="Only visible to you")
    expect(told.first).to_contain_text("Only team leads can do this", timeout=CARD_MS)

    ida = open_page(demo, "U0IDA", where=CHANNEL)
    card_of(ida, "A new version waits for approval").get_by_role("button", name="Approve").click()
    ida.modal.get_by_role("button", name="Deploy", exact=True).click()
    card = card_of(ida, "The new version serves")
    expect(card).to_contain_text(re.compile("@Ida Novak approved today at"))
    expect(card.get_by_role("button", name=re.compile("Approve|Reject|Stop"))).to_have_count(0)

    mei = open_page(demo, "U0MEI")
    mei.say(SURGICAL)
    expect(mei.card()).to_contain_text(f"Model: {version[1]}")
    assert demo.problems == []
