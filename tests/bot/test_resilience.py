"""A server that lacks methods, loses answers or limits rates: the note gets its answer once."""

from pathlib import Path

import pytest

from bot import messages
from bot.blocks import Rendered
from bot.sandbox.server import Sandbox
from bot.services import Services
from bot.slack import Slack
from mlops.classifier import LocalClassifier
from tests.bot.running import (
    SURGICAL,
    answer,
    answers,
    bots,
    is_card,
    running,
    settings_for,
    settle,
    words,
)

OPTIONAL = [
    "auth.test",
    "conversations.info",
    "conversations.replies",
    "conversations.history",
    "users.info",
    "assistant.threads.setStatus",
    "assistant.threads.setSuggestedPrompts",
    "reactions.add",
    "chat.update",
    "chat.delete",
    "chat.postEphemeral",
    "chat.getPermalink",
    "files.info",
    "usergroups.users.list",
    "views.publish",
]


@pytest.mark.parametrize("method", OPTIONAL)
def test_an_unknown_method_does_not_stop_an_answer(
    slack: Sandbox, home: Path, model: LocalClassifier, method: str
) -> None:
    slack.unknown_methods.add(method)
    with running(slack, home, model):
        slack.say("U0ANA", "D0ANA", SURGICAL)
        slack.say("U0ANA", "G0SURGERY", f"<@U0BOT> {SURGICAL}")
        for channel in ("D0ANA", "G0SURGERY"):
            cards = slack.wait_for(lambda c=channel: [m for m in bots(slack, c) if is_card(m)])
            assert len(cards) == 1
    assert slack.problems == []


def test_all_of_them_together(slack: Sandbox, home: Path, model: LocalClassifier) -> None:
    slack.unknown_methods.update(OPTIONAL)
    with running(slack, home, model):
        slack.say("U0ANA", "D0ANA", SURGICAL)
        slack.wait_for(lambda: [m for m in bots(slack, "D0ANA") if is_card(m)])
        slack.command("U0ANA", "D0ANA", "/triage", SURGICAL)
        slack.wait_for(lambda: [m for m in bots(slack, "D0ANA", "U0ANA") if m.get("is_ephemeral")])


def test_without_chat_update_the_card_is_posted_and_the_placeholder_goes(
    slack: Sandbox, bot: Services
) -> None:
    slack.unknown_methods.add("chat.update")
    slack.say("U0ANA", "D0ANA", SURGICAL)
    slack.wait_for(lambda: any(is_card(m) for m in bots(slack, "D0ANA")))
    assert is_card(answer(slack, "D0ANA"))


@pytest.mark.parametrize("status", [500, 503])
def test_a_post_whose_answer_is_lost_is_not_repeated(
    slack: Sandbox, bot: Services, status: int
) -> None:
    slack.fail_next("chat.postMessage", status=status, after=True)
    slack.say("U0ANA", "D0ANA", SURGICAL)
    assert is_card(answer(slack, "D0ANA"))
    settle()
    assert len(bots(slack, "D0ANA")) == 1


def test_a_post_that_failed_is_repeated(slack: Sandbox, bot: Services) -> None:
    slack.fail_next("chat.postMessage", status=500)
    slack.say("U0ANA", "D0ANA", SURGICAL)
    assert is_card(answer(slack, "D0ANA"))


def test_a_rate_limit_is_waited_out(slack: Sandbox, bot: Services) -> None:
    slack.fail_next("chat.postMessage", retry_after=1)
    slack.fail_next("chat.update", retry_after=1)
    slack.say("U0ANA", "D0ANA", SURGICAL)
    assert is_card(answer(slack, "D0ANA"))


def test_blocks_that_are_refused_leave_the_outcome(slack: Sandbox, home: Path) -> None:
    client = Slack(settings_for(slack, home))
    slack.fail_next("chat.postMessage", error="invalid_blocks")
    posted, code = client.post("D0ANA", Rendered("Surgery, 87 % confidence", [{"type": "divider"}]))
    assert posted is not None
    assert code == ""
    assert [m["text"] for m in bots(slack, "D0ANA")] == ["Surgery, 87 % confidence"]


def test_without_ephemerals_a_refusal_comes_directly(slack: Sandbox, bot: Services) -> None:
    slack.unknown_methods.add("chat.postEphemeral")
    slack.say("U0ANA", "C0GENERAL", f"<@U0BOT> {SURGICAL}")
    assert words(answer(slack, "D0ANA")) == messages.not_here()
    assert bots(slack, "C0GENERAL", "U0ANA") == []


def test_a_response_url_that_fails_is_replaced(slack: Sandbox, bot: Services) -> None:
    slack.fail_next("response_url", status=500)
    slack.command("U0ANA", "C0REFERRALS", "/triage", SURGICAL)
    card = answer(slack, "C0REFERRALS", "U0ANA")
    assert is_card(card)
    assert card["is_ephemeral"]


class Broken:
    """A model with a defect, whose error holds the note."""

    model_version = "0123456789ab"

    def classify(self, notes: list) -> list:
        raise ValueError(f"can't handle {notes[0].text}")


def test_a_defect_ends_in_a_sentence(
    slack: Sandbox, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with running(slack, home, Broken()):  # type: ignore[arg-type]
        slack.say("U0ANA", "D0ANA", SURGICAL)
        assert words(answer(slack, "D0ANA")).endswith(messages.unexpected())
    assert "colic" not in caplog.text
    assert "ValueError" in caplog.text


def test_a_database_that_fails_while_recording_costs_no_answer(
    slack: Sandbox, bot: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_args: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(bot.store.decisions, "record", full)
    slack.say("U0ANA", "D0ANA", SURGICAL)
    card = answer(slack, "D0ANA")
    assert messages.not_recorded() in words(card)
    assert "Agree" not in words(card)


def test_a_note_deleted_before_the_answer_is_let_go(
    slack: Sandbox, home: Path, model: LocalClassifier
) -> None:
    slack.fail_next("chat.postMessage", error="thread_not_found")
    with running(slack, home, model) as bot:
        slack.say("U0ANA", "C0REFERRALS", f"<@U0BOT> {SURGICAL}")
        settle()
        assert bots(slack, "C0REFERRALS") == []
        assert bots(slack, "D0ANA") == []
        assert bot.store.deliveries.take_over() == []


def test_too_many_notes_are_told_so(
    slack: Sandbox, bot: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bot.notes, "submit", lambda _task: False)
    slack.say("U0ANA", "D0ANA", SURGICAL)
    assert words(answers(slack, "D0ANA")[0]).endswith(messages.busy())
