"""Slash commands, the form, and the message shortcut."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bot import messages
from bot.blocks.modals import FILES, NOTE
from bot.sandbox.server import Sandbox
from bot.services import Services
from mlops.classifier import LocalClassifier
from tests import documents
from tests.bot.running import (
    CONSULT,
    SURGICAL,
    Slowly,
    answer,
    answers,
    bots,
    is_card,
    running,
    settle,
    words,
)


@pytest.mark.parametrize("channel", ["C0REFERRALS", "G0SURGERY", "D0ANA"])
def test_a_note_after_the_command_is_answered_to_its_author_alone(
    slack: Sandbox, bot: Services, channel: str
) -> None:
    assert slack.command("U0ANA", channel, "/triage", SURGICAL).ok
    card = answer(slack, channel, "U0ANA")
    assert is_card(card)
    assert card["is_ephemeral"]
    if channel != "D0ANA":
        assert bots(slack, channel, "U0LEO") == []


def test_the_command_reads_nothing_in_a_public_channel_that_is_not_listed(
    slack: Sandbox, bot: Services
) -> None:
    slack.command("U0ANA", "C0GENERAL", "/triage", SURGICAL)
    assert "public" in words(answer(slack, "C0GENERAL", "U0ANA"))
    assert bot.store.decisions.recent("U0ANA", 5) == []


@pytest.mark.parametrize("text", ["help", "thanks", "please"])
def test_help_and_small_talk_get_the_guide(slack: Sandbox, bot: Services, text: str) -> None:
    slack.command("U0ANA", "C0GENERAL", "/triage", text)
    assert words(answer(slack, "C0GENERAL", "U0ANA")) == messages.how_to_ask()


def open_form(slack: Sandbox, user: str = "U0ANA") -> str:
    slack.command(user, "C0GENERAL", "/triage", "")
    return str(slack.wait_for(lambda: slack.views(user))[0]["id"])


def test_the_command_alone_opens_a_form_and_answers_directly(slack: Sandbox, bot: Services) -> None:
    view = open_form(slack)
    assert slack.submit("U0ANA", view, {NOTE: SURGICAL}) == {}
    assert slack.views("U0ANA") == []
    assert is_card(answer(slack, "D0ANA"))
    assert bots(slack, "C0GENERAL", "U0ANA") == []


def test_the_form_takes_files(slack: Sandbox, bot: Services) -> None:
    view = open_form(slack)
    file = slack.upload("U0ANA", "letter.pdf", documents.pdf(CONSULT))
    slack.submit("U0ANA", view, {NOTE: SURGICAL, FILES: [file]})
    first, second = answers(slack, "D0ANA", 2)
    assert is_card(first)
    assert "File: letter.pdf" in words(second)


def test_an_empty_form_says_so_and_stays_open(slack: Sandbox, bot: Services) -> None:
    view = open_form(slack)
    told = slack.submit("U0ANA", view, {})
    assert told == {"response_action": "errors", "errors": {NOTE: messages.form_empty()}}
    assert len(slack.views("U0ANA")) == 1


def test_a_form_that_can_not_be_opened_is_said(slack: Sandbox, bot: Services) -> None:
    slack.fail_next("views.open", error="expired_trigger_id")
    slack.command("U0ANA", "C0GENERAL", "/triage")
    assert words(answer(slack, "C0GENERAL", "U0ANA")).endswith(messages.form_failed())


def test_a_burst_of_commands_is_acknowledged_within_a_second(
    slack: Sandbox, home: Path, model: LocalClassifier
) -> None:
    slow = Slowly(model, 0.3)
    with running(slack, home, slow):

        def ask(number: int) -> float:
            began = time.monotonic()
            assert slack.command("U0ANA", "C0REFERRALS", "/triage", f"{SURGICAL} {number}").ok
            return time.monotonic() - began

        with ThreadPoolExecutor(60) as people:
            waits = list(people.map(ask, range(60)))
        assert max(waits) < 1.0, max(waits)
        cards = answers(slack, "C0REFERRALS", 60, "U0ANA", timeout=30)
        assert len(cards) == 60


def test_the_shortcut_answers_in_the_messages_thread(slack: Sandbox, bot: Services) -> None:
    ts = slack.say("U0MEI", "C0REFERRALS", SURGICAL)
    assert slack.shortcut("U0ANA", "C0REFERRALS", ts, "triage_note").ok
    card = answer(slack, "C0REFERRALS")
    assert is_card(card)
    assert card["thread_ts"] == ts


def test_the_shortcut_reads_files(slack: Sandbox, bot: Services) -> None:
    file = slack.upload("U0MEI", "letter.docx", documents.word(SURGICAL))
    ts = slack.say("U0MEI", "C0REFERRALS", "New one", files=[file])
    slack.shortcut("U0ANA", "C0REFERRALS", ts, "triage_note")
    cards = answers(slack, "C0REFERRALS")
    assert "File: letter.docx" in words(cards[-1])


def test_the_shortcut_on_the_bots_own_card_finds_no_note(slack: Sandbox, bot: Services) -> None:
    slack.say("U0ANA", "D0ANA", SURGICAL)
    card = answer(slack, "D0ANA")
    slack.shortcut("U0ANA", "D0ANA", card["ts"], "triage_note")
    assert words(answers(slack, "D0ANA", 2)[-1]) == messages.nothing_in_message()


def test_the_shortcut_obeys_the_channel_rule(slack: Sandbox, bot: Services) -> None:
    ts = slack.say("U0MEI", "C0GENERAL", SURGICAL)
    slack.shortcut("U0ANA", "C0GENERAL", ts, "triage_note")
    assert "public" in words(answer(slack, "C0GENERAL", "U0ANA"))


def test_the_shortcut_where_the_bot_is_not_answers_directly(slack: Sandbox, bot: Services) -> None:
    slack._hub.workspace.conversations["G0SURGERY"].members.discard("U0BOT")
    ts = slack.say("U0LEO", "G0SURGERY", SURGICAL)
    slack.shortcut("U0ANA", "G0SURGERY", ts, "triage_note")
    assert is_card(answer(slack, "D0ANA"))
    settle(0.2)
    assert bots(slack, "G0SURGERY") == []


def test_a_shortcut_that_nobody_listens_to_is_acknowledged(slack: Sandbox, bot: Services) -> None:
    ts = slack.say("U0ANA", "C0REFERRALS", "hello")
    assert slack.shortcut("U0ANA", "C0REFERRALS", ts, "no_such_shortcut").ok
    assert "another version" in words(answer(slack, "C0REFERRALS", "U0ANA"))
