"""Processes that die in the middle, and several on one database: each note is answered once."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update

from bot import messages
from bot.blocks.modals import FILES, NOTE
from bot.sandbox.server import Sandbox
from bot.store import open_store
from bot.store.tables import deliveries, parts
from mlops.classifier import LocalClassifier
from tests import documents
from tests.bot.running import (
    CONSULT,
    SURGICAL,
    answer,
    answers,
    bots,
    is_answer,
    is_card,
    running,
    settings_for,
    settle,
    words,
)

ROOT = Path(__file__).parents[2]
STUCK = 60.0


@contextlib.contextmanager
def process(slack: Sandbox, home: Path, seconds: float = 0.0) -> Iterator[subprocess.Popen[str]]:
    """A bot in a process of its own, connected; killed at the end if it still runs."""
    settings = settings_for(slack, home)
    before = slack.connections
    started = subprocess.Popen(
        [sys.executable, "-m", "tests.bot.serve", str(seconds)],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
            "SLACK_BOT_TOKEN": slack.bot_token,
            "SLACK_APP_TOKEN": slack.app_token,
            "SLACK_API_URL": slack.api_url,
            "TRIAGE_HOME": str(home),
            "TRIAGE_LEADS": " ".join(settings.triage_leads),
            "TRIAGE_CHANNELS": " ".join(settings.triage_channels),
        },
    )
    try:
        slack.wait_for(lambda: slack.connections > before or started.poll() is not None, 20)
        assert started.poll() is None, started.stderr and started.stderr.read()
        yield started
    finally:
        started.kill()
        started.communicate()


def kill(slack: Sandbox, victim: subprocess.Popen[str]) -> None:
    victim.kill()
    victim.wait()
    slack.wait_for(lambda: slack.connections == 0)


def test_a_note_survives_kill_9_and_is_answered_once(
    slack: Sandbox, home: Path, model: LocalClassifier
) -> None:
    with process(slack, home, STUCK) as victim:
        slack.say("U0ANA", "D0ANA", SURGICAL)
        slack.say("U0ANA", "C0REFERRALS", f"<@U0BOT> {CONSULT}")
        for channel in ("D0ANA", "C0REFERRALS"):
            slack.wait_for(lambda c=channel: bots(slack, c))
        kill(slack, victim)
    assert not any(is_answer(m) for c in ("D0ANA", "C0REFERRALS") for m in bots(slack, c))
    with running(slack, home, model):
        assert is_card(answer(slack, "D0ANA"))
        assert is_card(answer(slack, "C0REFERRALS"))
        settle()
    assert len(bots(slack, "D0ANA")) == len(bots(slack, "C0REFERRALS")) == 1


def test_killed_between_posting_and_noting_where(
    slack: Sandbox, home: Path, model: LocalClassifier
) -> None:
    """The message is there and the database doesn't know: it is found by its block's id."""
    with process(slack, home, STUCK) as victim:
        slack.say("U0ANA", "D0ANA", SURGICAL)
        slack.wait_for(lambda: bots(slack, "D0ANA"))
        kill(slack, victim)
    forget_replies(slack, home)
    with running(slack, home, model):
        assert is_card(answer(slack, "D0ANA"))
        settle()
    assert len(bots(slack, "D0ANA")) == 1


@pytest.mark.parametrize("files", [True, False])
def test_a_form_killed_between_posting_and_noting_where(
    slack: Sandbox, home: Path, model: LocalClassifier, files: bool
) -> None:
    """A form is answered in a direct message that only the person's id stands for."""
    with process(slack, home, STUCK) as victim:
        slack.command("U0ANA", "C0REFERRALS", "/triage")
        view = slack.wait_for(lambda: slack.views("U0ANA"))[0]["id"]
        file = slack.upload("U0ANA", "letter.pdf", documents.pdf(CONSULT))
        slack.submit("U0ANA", view, {FILES: [file]} if files else {NOTE: SURGICAL})
        slack.wait_for(lambda: bots(slack, "D0ANA"))
        kill(slack, victim)
    forget_replies(slack, home)
    with running(slack, home, model):
        told = answer(slack, "D0ANA")
        settle()
    assert is_card(told) if files else words(told).endswith(messages.interrupted())
    assert len(bots(slack, "D0ANA")) == 1


def forget_replies(slack: Sandbox, home: Path) -> None:
    """As if the process had died before it could note where it posted."""
    store = open_store(settings_for(slack, home))
    with store._engine.begin() as connection:
        connection.execute(update(parts).values(reply_channel=None, reply_ts=None))
    store.close()


def test_several_files_go_on_where_they_were(
    slack: Sandbox, home: Path, model: LocalClassifier
) -> None:
    with process(slack, home, 1.0) as victim:
        files = [slack.upload("U0ANA", f"{n}.txt", SURGICAL.encode()) for n in range(3)]
        slack.say("U0ANA", "D0ANA", files=files)
        slack.wait_for(lambda: any(is_card(m) for m in bots(slack, "D0ANA")))
        kill(slack, victim)
    with running(slack, home, model):
        cards = answers(slack, "D0ANA", 3)
        settle()
    assert [is_card(card) for card in cards] == [True] * 3
    assert len(bots(slack, "D0ANA")) == 3


def test_what_can_not_be_read_again_is_said(
    slack: Sandbox, home: Path, model: LocalClassifier
) -> None:
    """The text of a command and of a form was in memory only; a form's file is in Slack."""
    with process(slack, home, STUCK) as victim:
        slack.command("U0MEI", "C0REFERRALS", "/triage", SURGICAL)
        slack.command("U0ANA", "C0REFERRALS", "/triage")
        view = slack.wait_for(lambda: slack.views("U0ANA"))[0]["id"]
        file = slack.upload("U0ANA", "letter.pdf", documents.pdf(CONSULT))
        slack.submit("U0ANA", view, {NOTE: SURGICAL, FILES: [file]})
        slack.wait_for(lambda: bots(slack, "D0ANA"))
        kill(slack, victim)
    with running(slack, home, model):
        told = answer(slack, "C0REFERRALS", "U0MEI")
        assert words(told).endswith(messages.interrupted())
        first, second = answers(slack, "D0ANA", 2)
    assert words(first).endswith(messages.interrupted())
    assert is_card(second)
    assert "letter.pdf" in words(second)


def test_a_note_deleted_meanwhile_leaves_no_placeholder(
    slack: Sandbox, home: Path, model: LocalClassifier
) -> None:
    with process(slack, home, STUCK) as victim:
        ts = slack.say("U0ANA", "D0ANA", SURGICAL)
        slack.wait_for(lambda: bots(slack, "D0ANA"))
        kill(slack, victim)
    post = slack._hub.workspace.find("D0ANA", ts)
    assert post is not None
    slack._serving.call(slack._hub.workspace.remove, "D0ANA", post)
    with running(slack, home, model):
        assert words(answer(slack, "D0ANA")).endswith(messages.note_deleted())


def test_sigterm_finishes_what_is_under_way(slack: Sandbox, home: Path) -> None:
    with process(slack, home, 1.5) as bot:
        slack.say("U0ANA", "D0ANA", SURGICAL)
        slack.wait_for(lambda: bots(slack, "D0ANA"))
        bot.send_signal(signal.SIGTERM)
        assert bot.wait(20) == 0
    assert is_card(answer(slack, "D0ANA"))


def test_two_processes_answer_each_note_once(
    slack: Sandbox, home: Path, model: LocalClassifier
) -> None:
    """Slack hands each event to one of them, and its redelivery to either."""
    with process(slack, home, 0.2), running(slack, home, model):
        for number in range(8):
            slack.say("U0ANA", "D0ANA", f"{SURGICAL} Number {number}.")
            slack.say("U0ANA", "C0REFERRALS", f"<@U0BOT> {CONSULT} Number {number}.")
        for event in list(slack.events):
            slack.redeliver(event.event_id)
        answers(slack, "D0ANA", 8, timeout=30)
        answers(slack, "C0REFERRALS", 8, timeout=30)
        settle(1.0)
    assert len(bots(slack, "D0ANA")) == len(bots(slack, "C0REFERRALS")) == 8


def test_a_process_that_was_paused_does_not_answer_a_second_time(
    slack: Sandbox, home: Path, model: LocalClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lease runs out, another one answers, and then it wakes up."""
    with process(slack, home, 2.0) as sleeper:
        slack.say("U0ANA", "D0ANA", SURGICAL)
        slack.wait_for(lambda: bots(slack, "D0ANA"))
        sleeper.send_signal(signal.SIGSTOP)
        with running(slack, home, model, lease_seconds=2.0) as bot:
            # As after a minute: the sleeper's lease ends.
            with bot.store._engine.begin() as connection:
                connection.execute(update(deliveries).values(lease_until=0.0))
            assert is_card(answer(slack, "D0ANA"))
            updates = [r for r in slack.requests if r.method == "chat.update"]
            sleeper.send_signal(signal.SIGCONT)
            time.sleep(3.0)
            assert [r for r in slack.requests if r.method == "chat.update"] == updates
    assert len(bots(slack, "D0ANA")) == 1
