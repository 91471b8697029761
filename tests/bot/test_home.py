"""The Home tab: what the app does, what serves, and one's own notes without their text."""

import re
from pathlib import Path
from typing import Any

import pytest

from bot.blocks.board import REDEPLOY, RETRAIN, SETTLE
from bot.blocks.versions import BACK_NOW
from bot.board import figures
from bot.sandbox.server import Sandbox
from bot.services import Services
from bot.store.traffic import Event
from mlops.backends.local import LocalBackend
from mlops.classifier import LocalClassifier
from mlops.errors import BackendError
from tests.bot.events import past
from tests.bot.retrains import results
from tests.bot.running import SURGICAL, Json, answer, bots, running, settle, words
from tests.trained import Trained


def home_of(slack: Sandbox, user: str) -> str:
    slack.open_home(user)
    return words(slack.wait_for(lambda: slack.home(user))["blocks"])


def test_it_shows_how_to_ask_and_what_serves(slack: Sandbox, bot: Services) -> None:
    shown = home_of(slack, "U0MEI")
    assert "/triage" in shown
    assert f"Version `{bot.classifier.model_version}` answers" in shown
    assert "None yet" in shown
    assert "/retrain" not in shown


def test_it_shows_own_notes_without_text(slack: Sandbox, bot: Services) -> None:
    slack.say("U0ANA", "D0ANA", SURGICAL)
    header = answer(slack, "D0ANA")["text"]
    shown = home_of(slack, "U0ANA")
    assert header.partition(",")[0].partition(":")[0] in shown
    assert "no answer yet" in shown
    assert "1 read" in shown
    assert "colic" not in shown
    assert "1 read" not in home_of(slack, "U0MEI")


def test_leads_see_operations(slack: Sandbox, bot: Services) -> None:
    shown = home_of(slack, "U0LEO")
    assert "For team leads" in shown
    assert "/retrain" in shown


def test_opening_it_posts_nothing(slack: Sandbox, bot: Services) -> None:
    home_of(slack, "U0ANA")
    slack.open_home("U0ANA", "messages")
    settle(0.3)
    assert bots(slack, "D0ANA") == []
    assert any(r.method == "assistant.threads.setSuggestedPrompts" for r in slack.requests)


class Down:
    """A model that can't be asked."""

    @property
    def model_version(self) -> str:
        raise BackendError("The endpoint referral-triage does not answer. Look at it.")

    def classify(self, notes: object) -> list[object]:
        raise BackendError("The endpoint referral-triage does not answer. Look at it.")


def test_a_model_that_is_down_is_said_at_home_and_to_a_note(slack: Sandbox, home: Path) -> None:
    with running(slack, home, Down()):  # type: ignore[arg-type]
        assert "can’t be reached" in home_of(slack, "U0ANA")
        slack.say("U0ANA", "D0ANA", SURGICAL)
        assert "does not answer" in words(answer(slack, "D0ANA"))
    assert slack.problems == []


def test_the_figures_of_the_shipped_model(
    slack: Sandbox, home: Path, model: LocalClassifier
) -> None:
    """The local backend knows the shipped version and when it was made."""
    with running(slack, home, model) as services:
        known = services.backend.version(model.model_version)
        shown = home_of(slack, "U0ANA")
    assert f"AUC {known.metrics['auc']:.3f}" in shown
    assert "measured" in shown


def test_a_lead_sees_how_it_goes(slack: Sandbox, trained: Trained) -> None:
    """Weeks of notes; in the last one they are longer, and more of them are for surgery."""
    with running(slack, trained.home, None, triage_watch_minutes=5.0) as bot:
        count = past(bot, "0123456789ab")
        bot.store.traffic.failed("BackendError")
        slack.command("U0LEO", "G0SURGERY", "/redeploy", trained.version)
        slack.wait_for(lambda: [r.state for r in bot.store.redeploys.latest(1)] == ["watching"], 60)
        bot.store.lock.set("U0IDA", "audit", "G0SURGERY")
        shown = home_of(slack, "U0LEO")
        assert re.search(
            rf"`{trained.version}` answers since .*, decided by <@U0LEO>\. AUC 0\.\d+", shown
        )
        assert "locked by <@U0IDA>" in shown
        assert "The new version serves and is watched>: asked by <@U0LEO>" in shown
        notes = re.search(r"\*Notes\*\n(\d+), (\d+) % needed review", shown)
        assert notes is not None
        assert 0 < int(notes[1]) < count
        assert re.search(r"\d+ % of \d+ verdicts", shown)
        assert "*Without an answer*\n1" in shown
        assert re.search(r"half within 0\.\d s, 95 % within 0\.\d s", shown)
        assert len(re.findall(r"^\w{3} \d\d \w{3}  █*░* ?\d+$", shown, re.MULTILINE)) == 7
        assert len(re.findall(r"from \d\d \w{3}  [█░]{10}  \d+ % of \d+", shown)) >= 5
        assert re.search(r":warning: Surgery recommended: \*\d+ %\*, before \d+ %", shown)
        assert re.search(r":warning: Length, .*characters\*, before", shown)
        assert ":white_check_mark: Written before a decision: *100 %*" in shown
        assert "How to ask" in shown
        # None of it is for others.
        assert "needed review\n" not in home_of(slack, "U0MEI")
    assert slack.problems == []


def test_the_buttons_of_the_home_tab(slack: Sandbox, trained: Trained) -> None:
    with running(slack, trained.home, None, triage_watch_minutes=0.0) as bot:
        LocalBackend(trained.home).deploy("referral-triage", trained.version)
        LocalBackend(trained.home).update("referral-triage", "shipped")
        home_of(slack, "U0LEO")
        home = slack.home("U0LEO")
        assert home is not None
        slack.click_view("U0LEO", home["id"], RETRAIN)
        form = slack.wait_for(lambda: slack.views("U0LEO"))[0]
        assert form["callback_id"] == "retrain_form"
        assert '"U0LEO"' in form["private_metadata"]
        slack.close_view("U0LEO", form["id"])
        slack.click_view("U0LEO", home["id"], REDEPLOY)
        listed = slack.wait_for(lambda: slack.views("U0LEO"))[0]
        slack.wait_for(lambda: "AUC" in words(slack.views("U0LEO")[0]["blocks"]))
        slack.close_view("U0LEO", listed["id"])
        slack.click_view("U0LEO", home["id"], BACK_NOW)
        slack.wait_for(
            lambda: bot.backend.endpoint("referral-triage").version == trained.version, 60
        )
        # The card is in the lead's own conversation with the app.
        assert "Went back" in words(slack.wait_for(lambda: ended(slack, "D0LEO"))[0])
    assert slack.problems == []


def ended(slack: Sandbox, channel: str) -> list[Json]:
    return [m for m in bots(slack, channel) if "Went back" in words(m)]


def test_the_buttons_of_an_old_home_tab(slack: Sandbox, trained: Trained) -> None:
    """Somebody who is no lead any more still has the page that they saw as one."""
    with running(slack, trained.home, None) as bot:
        LocalBackend(trained.home).deploy("referral-triage", trained.version)
        LocalBackend(trained.home).update("referral-triage", "shipped")
        past(bot, "0123456789ab", 1)
        bot.store.decisions.judge("past-1-0", "agreed", "Surgery", None, "U0ANA")
        bot.store.decisions.judge("past-1-0", "corrected", "Consultation", None, "U0MEI")
        home_of(slack, "U0LEO")
        home = slack.home("U0LEO")
        assert home is not None
        bot.roles.leads = ()
        tried = {RETRAIN: "retrain", REDEPLOY: "redeploy", BACK_NOW: "rollback", SETTLE: "settle"}
        for action, name in tried.items():
            slack.click_view("U0LEO", home["id"], action)
            line = ("U0LEO", name, "refused: not a lead")
            slack.wait_for(lambda wanted=line: wanted in results(bot))
        assert slack.views("U0LEO") == []
        assert bot.store.redeploys.latest(1) == []


NOW = 1_795_500_000.0


def event(days_ago: float, **more: Any) -> Event:
    values = {"recommendation": "Surgery", "probability": 0.9, "document_type": "referral"}
    values |= {"latency_ms": 200, "characters": 500, "agreed": None}
    return Event(NOW - days_ago * 86_400, **(values | more))


def test_figures_of_nothing() -> None:
    empty = figures([], NOW)
    assert (empty.notes, empty.median_ms, empty.drift) == (0, None, ())
    assert [day.decided for day in empty.days] == [0] * 7


def test_figures_are_counted_by_day_and_week() -> None:
    events = [event(29, agreed=True), event(8, agreed=False), event(1.2), event(0.1)]
    events.append(event(0.05, recommendation="Needs review", probability=0.5, latency_ms=900))
    found = figures([event(36, agreed=True), *events], NOW)
    assert (found.decided, found.review, found.agreed, found.judged) == (4, 1, 1, 2)
    assert (found.days[0].decided, found.days[0].review) == (1, 1)
    assert [week.judged for week in found.weeks] == [0, 1, 0, 0, 1, 1]
    assert (found.median_ms, found.p95_ms) == (200, 900)
    # Two and three notes are too few to tell.
    assert {item.steady for item in found.drift} == {None}


@pytest.mark.parametrize(
    ("change", "moved"),
    [
        ({}, set()),
        ({"probability": 0.1, "recommendation": "Consultation"}, {"Surgery recommended"}),
        ({"characters": 1000}, {"Length, half of the notes up to"}),
        ({"document_type": "other"}, {"Written before a decision"}),
    ],
)
def test_drift_is_seen(change: dict[str, Any], moved: set[str]) -> None:
    before = [event(10) for _ in range(50)]
    now = [event(1, **change) for _ in range(50)]
    drift = figures([*before, *now], NOW).drift
    assert {item.name for item in drift if item.steady is False} == moved
