"""`kill -9` of the bot while a version is deployed or watched: it ends, one card, one result.

REDEPLOY_KILLS sets how many are shot at (the moments are drawn with a fixed seed).
"""

import os
import random
import time

import pytest

from bot.blocks.retrain import APPROVE
from bot.sandbox.server import Sandbox
from bot.services import Services
from mlops.backends.local import LocalBackend
from mlops.classifier import LocalClassifier
from tests.bot.retrains import cards as run_cards
from tests.bot.retrains import results, until, waiting
from tests.bot.running import bots, running
from tests.bot.test_redeploy import CHANNEL, ENDPOINT, cards, row_of, serves, shown
from tests.bot.test_restart import kill, process
from tests.trained import Trained

SHOTS = int(os.environ.get("REDEPLOY_KILLS", "1"))
# From the click to well into the watch.
SECONDS = 5.0
MINUTES = 0.08


def check(slack: Sandbox, bot: Services) -> None:
    """One card, one row, each step written down once."""
    assert len(cards(slack)) == 1
    assert len(bots(slack, CHANNEL)) == 1
    assert row_of(bot).state == "serving"
    assert [line[1:] for line in results(bot)] == [
        ("redeploy", "started"),
        ("redeploy", "serving, watched"),
        ("redeploy", "watched, kept"),
    ]
    assert slack.problems == []


@pytest.mark.parametrize("number", range(SHOTS))
def test_the_bot_killed_at_any_moment(
    slack: Sandbox,
    trained: Trained,
    model: LocalClassifier,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
) -> None:
    monkeypatch.setenv("TRIAGE_WATCH_MINUTES", str(MINUTES))
    LocalBackend(trained.home).deploy(ENDPOINT, model.model_version)
    moments = sorted(random.Random(number).uniform(0.0, SECONDS) for _ in range(2))
    with process(slack, trained.home) as victim:
        slack.command("U0LEO", CHANNEL, "/redeploy", trained.version)
        # What is acknowledged before it is a row is lost with the process, as in any /redeploy.
        slack.wait_for(lambda: cards(slack))
        time.sleep(moments[0])
        kill(slack, victim)
    with process(slack, trained.home) as victim:
        time.sleep(moments[1] - moments[0])
        kill(slack, victim)
    with running(slack, trained.home, model, triage_watch_minutes=MINUTES) as bot:
        shown(slack, bot, "serving", "failed", "returned")
        assert serves(bot) == trained.version
        check(slack, bot)


def test_killed_while_it_goes_back(
    slack: Sandbox, trained: Trained, model: LocalClassifier
) -> None:
    """The row says that somebody wants to go back; nothing else has happened yet."""
    LocalBackend(trained.home).deploy(ENDPOINT, model.model_version)
    with running(slack, trained.home, model, triage_watch_minutes=5.0) as bot:
        slack.command("U0LEO", CHANNEL, "/redeploy", trained.version)
        shown(slack, bot, "watching")
        bot.stopping.set()
        row = bot.store.redeploys.request_return(row_of(bot), "U0LEO")
        assert row is not None
    with running(slack, trained.home, model) as bot:
        shown(slack, bot, "returned")
        assert serves(bot) == model.model_version
        assert len(cards(slack)) == 1


@pytest.mark.parametrize("number", range(SHOTS))
def test_killed_while_an_approved_version_is_deployed(
    slack: Sandbox,
    trained: Trained,
    model: LocalClassifier,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
) -> None:
    """The run and its redeployment are both left behind, and both come to the same end."""
    monkeypatch.setenv("TRIAGE_WATCH_MINUTES", str(MINUTES))
    LocalBackend(trained.home).deploy(ENDPOINT, model.model_version)
    with running(slack, trained.home, model) as bot:
        run = waiting(bot, slack, trained)
    with process(slack, trained.home) as victim:
        slack.click("U0LEO", CHANNEL, run.message_ts or "", APPROVE)
        slack.wait_for(lambda: cards(slack))
        time.sleep(random.Random(number).uniform(0.0, SECONDS))
        kill(slack, victim)
    with running(slack, trained.home, model, triage_watch_minutes=MINUTES) as bot:
        until(slack, bot, run.id, "serving")
        shown(slack, bot, "serving")
        assert serves(bot) == trained.version
        assert (len(cards(slack)), len(run_cards(slack, CHANNEL))) == (1, 1)
        assert [line[1:] for line in results(bot)][-3:] == [
            ("redeploy", "started"),
            ("redeploy", "serving, watched"),
            ("redeploy", "watched, kept"),
        ]
