"""The Home tab: what the app does, what serves, and one's own notes without their text."""

from pathlib import Path

from bot.sandbox.server import Sandbox
from bot.services import Services
from mlops.classifier import LocalClassifier
from mlops.errors import BackendError
from tests.bot.running import SURGICAL, answer, bots, running, settle, words


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
