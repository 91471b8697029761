"""Where a note may come from, and that each gets one answer in the right place."""

import pytest

from bot import messages
from bot.sandbox.server import Sandbox
from bot.services import Services
from tests.bot.running import (
    CONSULT,
    SURGICAL,
    answer,
    answers,
    bots,
    buttons,
    is_card,
    settle,
    words,
)

MENTION = "<@U0BOT>"


def test_a_direct_message_gets_a_card(slack: Sandbox, bot: Services) -> None:
    slack.say("U0ANA", "D0ANA", SURGICAL)
    card = answer(slack, "D0ANA")
    assert is_card(card)
    assert "thread_ts" not in card
    shown = words(card)
    assert messages.clinician_decides() in shown
    assert f"Model: {bot.classifier.model_version}" in shown
    assert "Document: " in shown
    assert "→ Surgery" in shown or "→ Consultation" in shown


def test_a_message_in_a_dm_thread_is_answered_in_it(slack: Sandbox, bot: Services) -> None:
    first = slack.say("U0ANA", "D0ANA", "hello")
    answer(slack, "D0ANA")
    slack.say("U0ANA", "D0ANA", SURGICAL, thread_ts=first)
    card = answers(slack, "D0ANA", 2)[-1]
    assert is_card(card)
    assert card["thread_ts"] == first


@pytest.mark.parametrize("channel", ["C0REFERRALS", "G0SURGERY"])
def test_a_mention_is_answered_once_in_a_thread(
    slack: Sandbox, bot: Services, channel: str
) -> None:
    """It arrives twice, as `message` and as `app_mention`."""
    ts = slack.say("U0ANA", channel, f"{MENTION} {SURGICAL}")
    card = answer(slack, channel)
    assert is_card(card)
    assert card["thread_ts"] == ts
    assert "U0BOT" not in words(card)
    settle()
    assert len(bots(slack, channel)) == 1


def test_a_channel_message_without_a_mention_is_none_of_the_bots_business(
    slack: Sandbox, bot: Services
) -> None:
    slack.say("U0ANA", "C0REFERRALS", SURGICAL)
    settle()
    assert bots(slack, "C0REFERRALS") == []


@pytest.mark.parametrize("request_words", ["", "please triage this", "what do you think?"])
def test_a_mention_in_a_thread_is_about_its_first_message(
    slack: Sandbox, bot: Services, request_words: str
) -> None:
    first = slack.say("U0MEI", "C0REFERRALS", SURGICAL)
    slack.say("U0ANA", "C0REFERRALS", f"{MENTION} {request_words}", thread_ts=first)
    card = answer(slack, "C0REFERRALS")
    assert is_card(card)
    assert card["thread_ts"] == first


def test_thanks_in_a_thread_is_no_request(slack: Sandbox, bot: Services) -> None:
    first = slack.say("U0MEI", "C0REFERRALS", SURGICAL)
    slack.say("U0ANA", "C0REFERRALS", f"{MENTION} thanks!", thread_ts=first)
    assert not is_card(answer(slack, "C0REFERRALS"))


@pytest.mark.parametrize(
    "text", ["hi", "Thanks!", "help", "What can you do?", "please triage this"]
)
def test_small_talk_gets_the_short_guide(slack: Sandbox, bot: Services, text: str) -> None:
    slack.say("U0ANA", "D0ANA", text)
    assert words(answer(slack, "D0ANA")) == messages.how_to_ask()


def test_an_empty_mention_gets_the_short_guide(slack: Sandbox, bot: Services) -> None:
    ts = slack.say("U0ANA", "C0REFERRALS", MENTION)
    told = answer(slack, "C0REFERRALS")
    assert words(told) == messages.how_to_ask()
    assert told["thread_ts"] == ts


def test_the_placeholder_becomes_the_answer(slack: Sandbox, bot: Services) -> None:
    slack.say("U0ANA", "D0ANA", SURGICAL)
    card = answer(slack, "D0ANA")
    sent = [r for r in slack.requests if r.method.startswith("chat.")]
    assert [r.method for r in sent] == ["chat.postMessage", "chat.update"]
    assert sent[0].payload["text"] == messages.reading()
    assert sent[1].payload["ts"] == card["ts"]


def test_a_redelivered_event_is_answered_once(slack: Sandbox, bot: Services) -> None:
    slack.say("U0ANA", "D0ANA", SURGICAL)
    answer(slack, "D0ANA")
    for event in list(slack.events):
        slack.redeliver(event.event_id)
    settle()
    assert len(bots(slack, "D0ANA")) == 1


def test_an_event_whose_first_delivery_never_came_is_answered(
    slack: Sandbox, bot: Services
) -> None:
    """The retry header alone says nothing: this retry is the first that the bot sees."""
    slack.drop_connections()
    slack.say("U0ANA", "D0ANA", SURGICAL)
    assert is_card(answer(slack, "D0ANA", timeout=30))


def test_the_notification_holds_the_outcome_and_nothing_of_the_note(
    slack: Sandbox, bot: Services
) -> None:
    slack.say("U0ANA", "D0ANA", SURGICAL)
    card = answer(slack, "D0ANA")
    header = card["blocks"][0]["text"]["text"]
    assert card["text"] == header
    assert "colic" not in card["text"]


def test_buttons_hold_an_id_and_nothing_else(slack: Sandbox, bot: Services) -> None:
    slack.say("U0ANA", "D0ANA", CONSULT)
    found = buttons(answer(slack, "D0ANA"))
    assert found
    decision = bot.store.decisions.recent("U0ANA", 1)[0]
    assert {button["value"] for button in found} == {decision.id}


def test_a_note_can_neither_format_nor_ping(slack: Sandbox, bot: Services) -> None:
    hostile = (
        f"{SURGICAL} <!channel> *tender* `rigid` <https://example.org|gallstones> :skull: &amp;"
    )
    slack.say("U0ANA", "D0ANA", hostile)
    card = answer(slack, "D0ANA")
    for block in card["blocks"]:
        if block["type"] == "rich_text":
            continue
        assert "<!channel>" not in words(block)
        assert "gallstones" not in words(block)
    rich = next(block for block in card["blocks"] if block["type"] == "rich_text")
    assert {e["type"] for s in _sections(rich) for e in s["elements"]} == {"text"}


def _sections(rich: dict) -> list[dict]:
    listed = [e for e in rich["elements"] if e["type"] == "rich_text_list"]
    return [section for item in listed for section in item["elements"]]


def test_the_decision_is_recorded_without_the_note(slack: Sandbox, bot: Services) -> None:
    ts = slack.say("U0ANA", "C0REFERRALS", f"{MENTION} {SURGICAL}")
    card = answer(slack, "C0REFERRALS")
    decision = bot.store.decisions.recent("U0ANA", 1)[0]
    assert (decision.user, decision.channel) == ("U0ANA", "C0REFERRALS")
    assert (decision.reply_ts, decision.thread_ts) == (card["ts"], ts)
    assert decision.model_version == bot.classifier.model_version


def test_a_reconnection_loses_nothing(slack: Sandbox, bot: Services) -> None:
    slack.disconnect()
    slack.say("U0ANA", "D0ANA", SURGICAL)
    assert is_card(answer(slack, "D0ANA", timeout=20))


def test_the_bot_does_not_answer_itself(slack: Sandbox, bot: Services) -> None:
    slack.say("U0ANA", "D0ANA", SURGICAL)
    answer(slack, "D0ANA")
    settle()
    posts = [r for r in slack.requests if r.method == "chat.postMessage"]
    assert len(posts) == 1
