"""Agree and Correct…: who said what is on the card, once, whoever clicked when."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from bot import messages
from bot.blocks.card import AGREE, CORRECT
from bot.blocks.modals import ANSWER, FILES, NOTE, REASON
from bot.sandbox.people import CantDo
from bot.sandbox.server import Sandbox
from bot.services import Services
from bot.store.decisions import Decisions
from mlops.classifier import LocalClassifier
from mlops.result import Evidence, Recommendation
from tests.bot.running import CONSULT, SURGICAL, Json, answer, bots, buttons, running, words

NEVER = "Nobody would write this; the model has nothing to go on, as a test wants it."


class Sure:
    """Answers the same to every note: what these tests need is a card, whichever it is."""

    model_version = "0123456789ab"

    def __init__(self, recommendation: Any = "Surgery") -> None:
        self._recommendation = recommendation

    def classify(self, notes: Any) -> list[Recommendation]:
        decided = self._recommendation != "Needs review"
        return [
            Recommendation(
                note.id,
                self._recommendation,
                0.87 if decided else 0.5,
                0.87 if decided else None,
                "referral",
                (Evidence(0, 11, note.text[:11], 1.2),),
                self.model_version,
            )
            for note in notes
        ]


@pytest.fixture
def bot(slack: Sandbox, home: Path) -> Any:
    with running(slack, home, Sure()) as services:
        yield services
    assert slack.problems == []


def ask(slack: Sandbox, channel: str = "C0REFERRALS", user: str = "U0ANA") -> Json:
    mention = "" if channel.startswith("D") else "<@U0BOT> "
    slack.say(user, channel, mention + SURGICAL)
    return answer(slack, channel)


def decided(slack: Sandbox, channel: str, user: str | None = None) -> Json:
    """The card once its buttons are gone."""

    def found() -> Json | None:
        cards = [m for m in bots(slack, channel, user) if "Model:" in words(m)]
        return cards[-1] if cards and not buttons(cards[-1]) else None

    card = slack.wait_for(found)
    assert card is not None
    return card


def form(slack: Sandbox, user: str) -> Json:
    return slack.wait_for(lambda: slack.views(user))[0]


def test_agree_is_on_the_card_and_in_the_database(slack: Sandbox, bot: Services) -> None:
    card = ask(slack)
    assert [button["text"]["text"] for button in buttons(card)] == ["Agree", "Correct…"]
    assert slack.click("U0ANA", "C0REFERRALS", card["ts"], AGREE).ok
    after = decided(slack, "C0REFERRALS")
    assert "<@U0ANA> agreed" in words(after)
    assert after["ts"] == card["ts"]
    kept = [b for b in card["blocks"] if b["type"] != "actions"]
    assert words(after["blocks"][: len(kept)]) == words(kept)
    verdict = bot.store.decisions.recent("U0ANA", 1)[0].verdict
    assert verdict is not None
    assert (verdict.verb, verdict.answer, verdict.user) == ("agreed", "Surgery", "U0ANA")


def test_a_click_on_a_card_that_has_just_appeared_counts(
    slack: Sandbox, bot: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a form, whose answer is elsewhere than it was asked for; the database is slow."""
    write = Decisions.set_reply

    def slowly(*arguments: Any) -> None:
        time.sleep(1.0)
        write(*arguments)

    monkeypatch.setattr(Decisions, "set_reply", slowly)
    slack.command("U0ANA", "D0ANA", "/triage")
    slack.submit("U0ANA", form(slack, "U0ANA")["id"], {NOTE: SURGICAL, FILES: []})
    slack.click("U0ANA", "D0ANA", answer(slack, "D0ANA")["ts"], AGREE)
    assert "<@U0ANA> agreed" in words(decided(slack, "D0ANA"))


def test_correct_asks_what_is_right_and_why(slack: Sandbox, bot: Services) -> None:
    card = ask(slack)
    assert slack.click("U0LEO", "C0REFERRALS", card["ts"], CORRECT).ok
    view = form(slack, "U0LEO")
    decision = bot.store.decisions.recent("U0ANA", 1)[0]
    assert "biliary" not in str(view)
    assert decision.id in view["private_metadata"]
    slack.submit("U0LEO", view["id"], {ANSWER: "Consultation", REASON: "negation"})
    after = words(decided(slack, "C0REFERRALS"))
    assert "<@U0LEO> corrected this to *Consultation*" in after
    assert "Negation misread" in after
    assert slack.views("U0LEO") == []


def test_the_first_answer_counts(slack: Sandbox, bot: Services) -> None:
    card = ask(slack)
    slack.click("U0LEO", "C0REFERRALS", card["ts"], CORRECT)
    view = form(slack, "U0LEO")
    slack.click("U0ANA", "C0REFERRALS", card["ts"], AGREE)
    decided(slack, "C0REFERRALS")
    slack.submit("U0LEO", view["id"], {ANSWER: "Consultation", REASON: "other"})
    told = slack.wait_for(
        lambda: [m for m in bots(slack, "C0REFERRALS", "U0LEO") if m.get("is_ephemeral")]
    )
    assert messages.already_decided("U0ANA") in words(told)
    after = words(decided(slack, "C0REFERRALS"))
    assert "<@U0ANA> agreed" in after
    assert "corrected" not in after


def test_clicks_at_the_same_moment(slack: Sandbox, bot: Services) -> None:
    card = ask(slack)
    people = ["U0ANA", "U0LEO", "U0MEI"] * 4
    with ThreadPoolExecutor(12) as pool:
        acks = list(pool.map(lambda u: _try_click(slack, u, card["ts"]), people))
    assert any(acks)
    after = words(decided(slack, "C0REFERRALS"))
    verdict = bot.store.decisions.recent("U0ANA", 1)[0].verdict
    assert verdict is not None
    assert after.count("agreed") == 1
    assert f"<@{verdict.user}> agreed" in after


def _try_click(slack: Sandbox, user: str, ts: str) -> bool:
    try:
        return slack.click(user, "C0REFERRALS", ts, AGREE).ok
    except CantDo:  # the buttons are gone already
        return False


def test_an_ephemeral_card_changes_too(slack: Sandbox, bot: Services) -> None:
    """Slack does not send its content back with the click."""
    slack.command("U0ANA", "C0REFERRALS", "/triage", SURGICAL)
    card = answer(slack, "C0REFERRALS", "U0ANA")
    slack.click("U0ANA", "C0REFERRALS", card["ts"], AGREE)
    after = decided(slack, "C0REFERRALS", "U0ANA")
    assert "<@U0ANA> agreed" in words(after)
    assert "What led there" in words(after)
    assert len(bots(slack, "C0REFERRALS", "U0ANA")) == 1


def test_an_ephemeral_card_is_corrected(slack: Sandbox, bot: Services) -> None:
    slack.command("U0ANA", "C0REFERRALS", "/triage", SURGICAL)
    card = answer(slack, "C0REFERRALS", "U0ANA")
    slack.click("U0ANA", "C0REFERRALS", card["ts"], CORRECT)
    slack.submit("U0ANA", form(slack, "U0ANA")["id"], {ANSWER: "Cannot tell", REASON: "document"})
    after = decided(slack, "C0REFERRALS", "U0ANA")
    assert "corrected this to *Cannot tell*" in words(after)


def test_an_ephemeral_card_after_a_restart(slack: Sandbox, home: Path) -> None:
    """The process that posted it is gone, and with it the words around the evidence."""
    with running(slack, home, Sure()):
        slack.command("U0ANA", "C0REFERRALS", "/triage", SURGICAL)
        card = answer(slack, "C0REFERRALS", "U0ANA")
    with running(slack, home, Sure()):
        slack.wait_for(lambda: slack.connections == 1)
        slack.click("U0ANA", "C0REFERRALS", card["ts"], AGREE)
        after = words(decided(slack, "C0REFERRALS", "U0ANA"))
    assert "Surgery, 87 % confidence" in after
    assert "<@U0ANA> agreed" in after


def test_a_correction_whose_card_was_posted_before_a_restart(slack: Sandbox, home: Path) -> None:
    with running(slack, home, Sure()):
        card = ask(slack)
        slack.click("U0LEO", "C0REFERRALS", card["ts"], CORRECT)
        view = form(slack, "U0LEO")
    with running(slack, home, Sure()):
        slack.wait_for(lambda: slack.connections == 1)
        slack.submit("U0LEO", view["id"], {ANSWER: "Consultation", REASON: "missed"})
        after = words(decided(slack, "C0REFERRALS"))
    assert "corrected this to *Consultation*" in after
    assert "What led there" in after


def test_needs_review_is_decided_not_agreed_with(slack: Sandbox, home: Path) -> None:
    with running(slack, home, Sure("Needs review")):
        card = ask(slack, "D0ANA")
        assert [button["text"]["text"] for button in buttons(card)] == ["Decide…"]
        assert messages.review_close() in words(card)
        slack.click("U0ANA", "D0ANA", card["ts"], CORRECT)
        view = form(slack, "U0ANA")
        assert view["title"]["text"] == "Decide"
        slack.submit("U0ANA", view["id"], {ANSWER: "Surgery", REASON: "urgency"})
        assert "corrected this to *Surgery*" in words(decided(slack, "D0ANA"))


def test_a_click_whose_record_is_gone(slack: Sandbox, home: Path, tmp_path: Path) -> None:
    with running(slack, home, Sure()):
        card = ask(slack)
    with running(slack, tmp_path / "another", Sure()):
        slack.wait_for(lambda: slack.connections == 1)
        slack.click("U0ANA", "C0REFERRALS", card["ts"], AGREE)
        told = slack.wait_for(
            lambda: [m for m in bots(slack, "C0REFERRALS", "U0ANA") if m.get("is_ephemeral")]
        )
    assert messages.decision_unknown() in words(told)


def test_a_forged_button_of_another_conversation_changes_nothing(
    slack: Sandbox, bot: Services
) -> None:
    ask(slack, "D0MEI", "U0MEI")
    foreign = bot.store.decisions.recent("U0MEI", 1)[0]
    card = ask(slack)
    post = slack._hub.workspace.find("C0REFERRALS", card["ts"])
    assert post is not None
    for button in buttons(post.message):
        button["value"] = foreign.id
    slack.click("U0ANA", "C0REFERRALS", card["ts"], AGREE)
    told = slack.wait_for(
        lambda: [m for m in bots(slack, "C0REFERRALS", "U0ANA") if m.get("is_ephemeral")]
    )
    assert messages.decision_unknown() in words(told)
    again = bot.store.decisions.get(foreign.id)
    assert again is not None
    assert again.verdict is None


def test_the_shipped_model_is_agreed_with_too(
    slack: Sandbox, home: Path, model: LocalClassifier
) -> None:
    with running(slack, home, model):
        slack.say("U0ANA", "D0ANA", CONSULT)
        card = answer(slack, "D0ANA")
        action = AGREE if len(buttons(card)) == 2 else CORRECT
        assert slack.click("U0ANA", "D0ANA", card["ts"], action).ok
