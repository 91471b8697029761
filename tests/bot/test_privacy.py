"""A word planted in notes is in Slack's messages and nowhere else."""

import logging
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from bot.blocks.card import AGREE, CORRECT
from bot.blocks.modals import ANSWER, FILES, NOTE, REASON
from bot.sandbox.server import Sandbox
from bot.store import open_store
from mlops.classifier import LocalClassifier
from mlops.errors import SettingsError
from tests import documents
from tests.bot.running import (
    SURGICAL,
    answer,
    answers,
    bots,
    buttons,
    is_card,
    running,
    settings_for,
)
from tests.bot.test_restart import kill, process

CANARY = "quagmirebird"
NOTE_TEXT = f"{SURGICAL} {CANARY}, tender and rigid."


def everything_below(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def use_everything(slack: Sandbox) -> None:
    """One note through every way in, and a click on each answer."""
    slack.say("U0ANA", "D0ANA", NOTE_TEXT)
    slack.say("U0ANA", "D0ANA", files=[slack.upload("U0ANA", "a.txt", NOTE_TEXT.encode())])
    junk = CANARY.encode() + documents.junk()
    slack.say("U0ANA", "D0ANA", files=[slack.upload("U0ANA", "b.txt", junk)])
    slack.say("U0ANA", "D0ANA", f"{CANARY} und das ist kein englischer Text über einen Patienten")
    cards = answers(slack, "D0ANA", 4)
    ts = slack.say("U0ANA", "C0REFERRALS", f"<@U0BOT> {NOTE_TEXT}")
    answers(slack, "C0REFERRALS", 1)
    slack.shortcut("U0MEI", "C0REFERRALS", ts, "triage_note")
    slack.command("U0LEO", "D0LEO", "/triage", NOTE_TEXT)
    whispered = answer(slack, "D0LEO", "U0LEO")
    slack.click("U0LEO", "D0LEO", whispered["ts"], CORRECT)
    view = slack.wait_for(lambda: slack.views("U0LEO"))[0]
    assert CANARY not in str(view)
    slack.submit("U0LEO", view["id"], {ANSWER: "Cannot tell", REASON: "other"})
    slack.command("U0MEI", "D0MEI", "/triage")
    form = slack.wait_for(lambda: slack.views("U0MEI"))[0]
    slack.submit("U0MEI", form["id"], {NOTE: NOTE_TEXT, FILES: []})
    answers(slack, "D0MEI", 1)
    answers(slack, "C0REFERRALS", 2)
    for card in filter(is_card, cards):
        action = AGREE if len(buttons(card)) == 2 else CORRECT
        slack.click("U0ANA", "D0ANA", card["ts"], action)
    slack.open_home("U0ANA")
    slack.wait_for(lambda: slack.home("U0ANA"))


OPTED_IN = {"triage_keep_notes": True, "triage_notes_key": Fernet.generate_key().decode()}


@pytest.mark.parametrize("settings", [{}, OPTED_IN], ids=["nothing kept", "opted in"])
def test_no_note_text_leaves_slack(
    slack: Sandbox,
    home: Path,
    model: LocalClassifier,
    caplog: pytest.LogCaptureFixture,
    settings: dict[str, Any],
) -> None:
    """Even with every logger set to say all it can; what is kept for training is ciphertext."""
    caplog.set_level(logging.DEBUG)
    with running(slack, home, model, **settings) as bot:
        use_everything(slack)
        if settings:
            # One of them can't tell, the others can: nothing is learnt before a lead settles it.
            (differ,) = slack.wait_for(bot.store.disagreements.open)
            slack.wait_for(lambda: len(bot.store.labels.all()) >= 2)
            assert bot.store.labels.records() == []
            bot.store.disagreements.settle(differ.decision, "Surgery", "U0LEO", "D0LEO")
            assert CANARY in bot.store.labels.records()[0].text
        else:
            assert bot.store.labels.all() == []
    assert CANARY not in caplog.text
    assert CANARY.encode() not in everything_below(home)
    home_view = slack.home("U0ANA")
    assert CANARY not in str(home_view)
    # It is in the cards, as evidence's context may hold it, and in nothing that is said about them.
    for message in bots(slack, "D0ANA") + bots(slack, "C0REFERRALS") + bots(slack, "D0MEI"):
        assert CANARY not in message["text"]
        for button in buttons(message):
            assert CANARY not in str(button)
    for request in slack.requests:
        if request.method.startswith("views."):
            assert CANARY not in str(request.payload)


def test_a_process_says_nothing_on_its_streams(slack: Sandbox, home: Path) -> None:
    with process(slack, home) as bot:
        use_everything(slack)
        kill(slack, bot)
        assert bot.stderr is not None
        said = bot.stderr.read()
    assert "Connected to" in said
    assert CANARY not in said
    assert slack.bot_token not in said
    assert CANARY.encode() not in everything_below(home)


def test_the_database_keeps_a_keyed_hash(
    slack: Sandbox, home: Path, model: LocalClassifier
) -> None:
    with running(slack, home, model):
        for _ in range(2):
            slack.say("U0ANA", "D0ANA", NOTE_TEXT)
        answers(slack, "D0ANA", 2)
    with sqlite3.connect(home / "triage.db") as database:
        hashes = [row[0] for row in database.execute("SELECT text_hmac FROM decisions")]
    assert len(hashes) == 2
    assert len(set(hashes)) == 1
    assert len(hashes[0]) == 64


def test_a_url_with_a_password_is_not_repeated(slack: Sandbox, home: Path) -> None:
    with pytest.raises(SettingsError) as raised:
        open_store(settings_for(slack, home, database_url="nosuch://u:hunter2@h/d"))
    assert "hunter2" not in str(raised.value)
