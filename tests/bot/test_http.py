"""HTTP mode: the same bot behind gunicorn, its requests signed, in several processes."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.blocks.card import AGREE, CORRECT
from bot.blocks.modals import NOTE
from bot.sandbox.http_mode import signature
from bot.sandbox.server import Sandbox
from tests.bot.running import CONSULT, SURGICAL, answer, answers, bots, buttons, is_card, settle

ROOT = Path(__file__).parents[2]
SECRET = "a-signing-secret"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def get(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=2) as found:
            return int(found.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


@contextlib.contextmanager
def served(slack: Sandbox, home: Path, port: int, **env: str) -> Iterator[subprocess.Popen[str]]:
    """The Procfile's web line, on a port of the test's."""
    command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--workers", "2"]
    command += ["--worker-class", "gthread", "--threads", "32"]
    command += ["--config", "python:bot.gunicorn_config", "bot.http:app"]
    started = subprocess.Popen(
        command,
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            "SLACK_BOT_TOKEN": slack.bot_token,
            "SLACK_SIGNING_SECRET": slack.signing_secret,
            "SLACK_API_URL": slack.api_url,
            "TRIAGE_HOME": str(home),
            "TRIAGE_CHANNELS": "C0REFERRALS",
            **env,
        },
    )
    try:
        yield started
    finally:
        started.terminate()
        try:
            started.communicate(timeout=15)
        except subprocess.TimeoutExpired:
            started.kill()
            started.communicate()


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sandbox, str]]:
    """A sandbox that sends to a bot under gunicorn."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/slack/events"
    with (
        Sandbox(mode="http", request_url=url, signing_secret=SECRET) as slack,
        served(slack, tmp_path_factory.mktemp("http"), port) as server,
    ):
        health = f"http://127.0.0.1:{port}/healthz"
        slack.wait_for(lambda: get(health) == 200 or server.poll() is not None, 30)
        assert server.poll() is None, server.stderr and server.stderr.read()
        yield slack, url


def test_a_message_is_answered_once_by_two_processes(http: tuple[Sandbox, str]) -> None:
    slack, _ = http
    slack.say("U0ANA", "D0ANA", SURGICAL)
    slack.say("U0ANA", "C0REFERRALS", f"<@U0BOT> {CONSULT}")
    assert is_card(answer(slack, "D0ANA"))
    assert is_card(answer(slack, "C0REFERRALS"))
    for event in list(slack.events):
        slack.redeliver(event.event_id)
    settle()
    assert len(bots(slack, "D0ANA")) == len(bots(slack, "C0REFERRALS")) == 1


def test_buttons_and_forms(http: tuple[Sandbox, str]) -> None:
    slack, _ = http
    slack.say("U0MEI", "D0MEI", SURGICAL)
    card = answers(slack, "D0MEI")[0]
    action = AGREE if len(buttons(card)) == 2 else CORRECT
    assert slack.click("U0MEI", "D0MEI", card["ts"], action).ok
    slack.command("U0MEI", "C0GENERAL", "/triage")
    view = slack.wait_for(lambda: slack.views("U0MEI"))[0]
    assert slack.submit("U0MEI", view["id"], {NOTE: ""})["response_action"] == "errors"
    assert slack.submit("U0MEI", view["id"], {NOTE: CONSULT}) == {}
    assert is_card(answers(slack, "D0MEI", 2)[-1])
    assert slack.problems == []


def post(url: str, body: bytes, **headers: str) -> int:
    request = urllib.request.Request(url, body, {"Content-Type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request, timeout=5) as found:
            return int(found.status)
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.parametrize("forgery", ["unsigned", "wrong", "old"])
def test_only_slacks_own_requests_are_heard(http: tuple[Sandbox, str], forgery: str) -> None:
    slack, url = http
    event = {"type": "message", "channel": "D0LEO", "channel_type": "im", "user": "U0LEO"}
    event |= {"ts": "1700000000.000100", "text": SURGICAL}
    body = json.dumps({"type": "event_callback", "event_id": "EvX", "event": event}).encode()
    then = str(int(time.time()) - (600 if forgery == "old" else 0))
    secret = "another" if forgery == "wrong" else SECRET
    headers = {
        "X-Slack-Request-Timestamp": then,
        "X-Slack-Signature": signature(secret, then, body),
    }
    assert post(url, body, **({} if forgery == "unsigned" else headers)) == 401
    settle(0.3)
    assert bots(slack, "D0LEO") == []


def test_other_paths_and_too_much(http: tuple[Sandbox, str]) -> None:
    _, url = http
    root = url.removesuffix("/slack/events")
    assert get(f"{root}/nothing") == 404
    assert get(f"{root}/healthz") == 200


@pytest.mark.parametrize(
    ("missing", "sentence"),
    [("SLACK_BOT_TOKEN", "xoxb-"), ("SLACK_SIGNING_SECRET", "App Credentials")],
)
def test_a_missing_setting_ends_in_a_sentence(
    slack: Sandbox, home: Path, missing: str, sentence: str
) -> None:
    with served(slack, home, free_port(), **{missing: ""}) as server:
        _, errors = server.communicate(timeout=20)
    assert server.returncode != 0
    assert missing in errors
    assert sentence in errors
    assert "Traceback" not in errors
