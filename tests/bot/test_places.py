"""Where notes are read, and who may run operations."""

from pathlib import Path

import pytest

from bot import messages
from bot.sandbox.seed import Conversation
from bot.sandbox.server import Sandbox
from bot.services import Services
from mlops.classifier import LocalClassifier
from tests.bot.running import SURGICAL, answer, answers, bots, is_card, running, settle, words

MENTION = "<@U0BOT>"


def test_an_unlisted_public_channel_gets_a_private_explanation(
    slack: Sandbox, bot: Services
) -> None:
    slack.say("U0ANA", "C0GENERAL", f"{MENTION} {SURGICAL}")
    told = answer(slack, "C0GENERAL", "U0ANA")
    assert words(told) == messages.not_here()
    assert told["is_ephemeral"]
    settle()
    assert bots(slack, "C0GENERAL", "U0MEI") == []
    assert len(bots(slack, "C0GENERAL", "U0ANA")) == 1
    assert bot.store.decisions.recent("U0ANA", 5) == []
    assert not [
        r for r in slack.requests if r.method in ("chat.postMessage", "conversations.history")
    ]


def test_a_group_direct_message_may_always(slack: Sandbox, bot: Services) -> None:
    people = {"U0ANA", "U0MEI", "U0BOT"}
    group = Conversation("C0GROUPDM", "mpdm-ana--mei--bot-1", "mpim", "", people)
    slack._hub.workspace.conversations[group.id] = group
    slack._hub.workspace.posts.setdefault(group.id, [])
    slack.say("U0ANA", group.id, f"{MENTION} {SURGICAL}")
    assert is_card(answer(slack, group.id))


@pytest.mark.parametrize(
    ("channel", "read"), [("G0SURGERY", True), ("C0GENERAL", False), ("C0REFERRALS", True)]
)
def test_without_conversations_info_the_event_says_what_a_channel_is(
    slack: Sandbox, bot: Services, channel: str, read: bool
) -> None:
    slack.unknown_methods.add("conversations.info")
    slack.say("U0ANA", channel, f"{MENTION} {SURGICAL}")
    assert is_card(answer(slack, channel, "U0ANA")) is read


def test_a_channel_of_unknown_privacy_is_not_read(slack: Sandbox, bot: Services) -> None:
    slack.unknown_methods.add("conversations.info")
    assert not bot.places.may_read("C0NOWHERE", "")
    assert not bot.places.may_read("C0NOWHERE", "channel")
    assert bot.places.may_read("C0NOWHERE", "group")


def test_a_channel_named_like_a_private_one_is_public_all_the_same(
    slack: Sandbox, bot: Services
) -> None:
    """`channel_name` is a person's choice; only Slack's reserved names say something."""
    slack._hub.workspace.conversations["C0GENERAL"].name = "group"
    slack.command("U0ANA", "C0GENERAL", "/triage", SURGICAL)
    assert "public" in words(answer(slack, "C0GENERAL", "U0ANA"))


@pytest.mark.parametrize(
    ("leads", "user", "allowed"),
    [
        (("U0LEO",), "U0LEO", True),
        (("U0LEO",), "U0ANA", False),
        (("S0LEADS",), "U0LEO", True),
        (("S0LEADS",), "U0ANA", False),
        (("S0NONE",), "U0LEO", False),
        (("leo", "Leo Brandt"), "U0LEO", False),
        ((), "U0LEO", False),
    ],
)
def test_leads_are_known_by_id(
    slack: Sandbox,
    home: Path,
    model: LocalClassifier,
    leads: tuple[str, ...],
    user: str,
    allowed: bool,
) -> None:
    with running(slack, home, model, triage_leads=leads) as services:
        assert services.roles.is_lead(user) is allowed


def test_a_user_group_that_can_not_be_looked_up_has_no_members(
    slack: Sandbox, home: Path, model: LocalClassifier
) -> None:
    slack.unknown_methods.add("usergroups.users.list")
    with running(slack, home, model, triage_leads=("S0LEADS",)) as services:
        assert not services.roles.is_lead("U0LEO")


def test_edits_and_joins_are_not_answered(slack: Sandbox, bot: Services) -> None:
    slack.say("U0ANA", "D0ANA", SURGICAL)
    card = answer(slack, "D0ANA")
    base = {"channel": "D0ANA", "channel_type": "im", "type": "message"}
    for event in (
        {"subtype": "message_changed", "hidden": True, "message": {"text": SURGICAL}},
        {"subtype": "channel_join", "user": "U0ANA", "text": "joined"},
        {"subtype": "bot_message", "bot_id": "B1", "text": SURGICAL},
        {"user": "U0BOT", "bot_id": "B0BOT", "text": SURGICAL},
        {"user": "U0BOT", "text": SURGICAL},
    ):
        sent = {**base, **event, "ts": f"{float(card['ts']) + 1:.6f}"}
        slack._serving.call(slack._hub.dispatcher.event, sent)
    settle()
    assert len(answers(slack, "D0ANA")) == 1
