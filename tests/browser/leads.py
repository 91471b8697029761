"""What team leads do on the page with versions, told once for every backend that a bot may have."""

import re

from playwright.sync_api import Locator, expect

from bot.sandbox.server import Sandbox
from mlops.data import load_corpus
from tests.bot.retrains import LONG
from tests.browser.chat import CARD_MS, Chat
from tests.browser.conftest import OpenPage
from tests.browser.test_demo import SURGICAL

RUN_MS = LONG * 1000
CHANNEL = "#G0SURGERY"


def card_of(chat: Chat, heading: str | re.Pattern[str]) -> Locator:
    """The card of a run or a redeployment in the conversation, once its title is this."""
    title = chat.page.get_by_role("heading", name=heading)
    card = chat.log.get_by_role("article").filter(has=title).last
    expect(card).to_be_visible(timeout=RUN_MS)
    return card


def expect_answers(chat: Chat, version: str, note: str = SURGICAL) -> None:
    """A coordinator's note is answered by this version."""
    chat.say(note)
    expect(chat.card()).to_contain_text(f"Model: {version}")


def go_to(chat: Chat, tab: str) -> None:
    """Change between the app's Home tab and its messages."""
    chat.page.get_by_role("tab", name=tab).click()


def retraining(slack: Sandbox, champion: str, open_page: OpenPage) -> None:
    """From the form to the new version serving, and back to the one that served before.

    Args:
        slack: Where a bot is connected.
        champion: The version that serves now; what training gives is not worse.
        open_page: As in `conftest`.
    """
    leo = open_page(slack, "U0LEO", where=CHANNEL)
    _ask(leo)
    card = card_of(leo, "Retraining")
    expect(card).to_contain_text(f"Data checked: {len(load_corpus()):,} notes", timeout=CARD_MS)
    expect(card.get_by_role("button", name="Stop")).to_be_visible()
    challenger = _read_comparison(leo, champion)

    ana = open_page(slack, "U0ANA", where=CHANNEL)
    _approve(ana)
    told = ana.page.get_by_role("article").filter(has_text="Only visible to you")
    expect(told.first).to_contain_text("Only team leads can do this", timeout=CARD_MS)
    ida = open_page(slack, "U0IDA", where=CHANNEL)
    _approve(ida)
    card = card_of(ida, "The new version serves")
    expect(card).to_contain_text(re.compile("@Ida Novak approved today at"))
    expect(card.get_by_role("button", name=re.compile("Approve|Reject|Stop"))).to_have_count(0)
    mei = open_page(slack, "U0MEI")
    expect_answers(mei, challenger)

    leo.say("/redeploy rollback")
    expect(card_of(leo, "Went back to the version before")).to_contain_text(
        f"{champion} answers every note again"
    )
    expect_answers(mei, champion)
    assert slack.problems == []


def _ask(leo: Chat) -> None:
    """Fill in the form, at first with something wrong."""
    leo.say("/retrain")
    form = leo.page.get_by_role("dialog", name="Retrain")
    form.get_by_role("radio", name="A Kaggle-shaped CSV on S3").check()
    expect(form.get_by_role("textbox", name="Address on S3")).to_be_visible()
    form.get_by_role("radio", name="The shipped corpus", exact=True).check()
    expect(form.get_by_role("textbox", name="Address on S3")).to_have_count(0)
    form.get_by_role("textbox", name="Hyperparameters").fill("eta=2")
    form.get_by_role("button", name="Start").click()
    expect(form).to_contain_text("must be a number from 0.001 to 1")
    form.get_by_role("textbox", name="Hyperparameters").fill("")
    form.get_by_role("button", name="Start").click()
    expect(leo.modal).to_have_count(0)


def _read_comparison(leo: Chat, champion: str) -> str:
    """Table, pictures and report of a challenger that may serve; its name."""
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
    expect(card).to_contain_text(f"Champion: {champion}")
    challenger = re.search(r"Challenger: (\w{12})", card.inner_text())
    assert challenger is not None
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
    return challenger[1]


def _approve(chat: Chat) -> None:
    card_of(chat, "A new version waits for approval").get_by_role("button", name="Approve").click()
    chat.modal.get_by_role("button", name=re.compile("^Deploy")).click()


def deploy(leo: Chat, version: str, serves: str) -> None:
    """Choose a version in the list behind the Home tab's button.

    Args:
        leo: A lead's page, in the app's conversation.
        version: What is to serve.
        serves: What serves now.
    """
    go_to(leo, "Home")
    leo.page.get_by_role("button", name="Redeploy…").click()
    versions = leo.page.get_by_role("dialog", name="Model versions")
    expect(_line(versions, serves)).to_contain_text("serves now", timeout=CARD_MS)
    line = _line(versions, version)
    expect(line).to_contain_text(re.compile(r"AUC 0\.\d{3}"))
    line.get_by_role("button", name="Deploy").click()
    sure = leo.page.get_by_role("dialog", name="Deploy?")
    expect(sure).to_contain_text(f"Version {version} will answer every note")
    sure.get_by_role("button", name="Deploy").click()
    expect(versions).to_contain_text("is being deployed", timeout=CARD_MS)
    versions.get_by_role("button", name="Close").first.click()
    go_to(leo, "Messages")


def _line(versions: Locator, version: str) -> Locator:
    """What the list says of one version."""
    return versions.locator(".block-section").filter(has_text=version)


def redeploying(slack: Sandbox, version: str, serves: str, open_page: OpenPage) -> None:
    """Another version serves and is watched, until a click goes back.

    Args:
        slack: Where a bot is connected.
        version: Deployed from the list; about as good as what serves.
        serves: The version that serves now.
        open_page: As in `conftest`.
    """
    leo = open_page(slack, "U0LEO")
    deploy(leo, version, serves)
    card = card_of(leo, "The new version serves and is watched")
    expect(card).to_contain_text("got no answer", timeout=CARD_MS)
    mei = open_page(slack, "U0MEI")
    expect_answers(mei, version)

    card.get_by_role("button", name="Roll back").click()
    sure = leo.page.get_by_role("dialog", name="Roll back?")
    sure.get_by_role("button", name="Roll back").click()
    back = card_of(leo, "Went back to the version before")
    expect(back).to_contain_text("@Leo Brandt rolled it back")
    expect(back.get_by_role("button", name="Roll back")).to_have_count(0)
    expect_answers(mei, serves)
    go_to(leo, "Home")
    expect(leo.page.get_by_role("main")).to_contain_text("Last 30 days")
    assert slack.problems == []
