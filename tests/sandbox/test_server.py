"""Starting, stopping, and that nothing a person writes is left behind."""

import logging
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from bot.sandbox.server import Sandbox
from tests.sandbox.conftest import client_of
from tests.sandbox.wire import Wire

ROOT = Path(__file__).parents[2]


def test_it_starts_and_stops_quickly_and_frees_its_port() -> None:
    start = time.monotonic()
    sandbox = Sandbox().start()
    client_of(sandbox).auth_test()
    assert time.monotonic() - start < 1
    port = int(sandbox.url.rpartition(":")[2])
    start = time.monotonic()
    sandbox.stop()
    assert time.monotonic() - start < 2
    with Sandbox(port) as again:
        client_of(again).auth_test()
    sandbox.stop()


def test_it_stops_with_a_bot_connected() -> None:
    with Sandbox() as slack, Wire.open(slack):
        start = time.monotonic()
        slack.stop()
        assert time.monotonic() - start < 3


def test_a_taken_port_is_an_error_at_once(slack: Sandbox) -> None:
    with pytest.raises(OSError, match="in use"):
        Sandbox(int(slack.url.rpartition(":")[2])).start()


def test_it_listens_on_loopback_only(slack: Sandbox) -> None:
    assert slack.url.startswith("http://127.0.0.1:")


def test_two_sandboxes_know_nothing_of_each_other(slack: Sandbox) -> None:
    with Sandbox() as other:
        assert other.bot_token != slack.bot_token
        slack.say("U0ANA", "C0GENERAL", "hello")
        assert other.messages("C0GENERAL") == []


def test_a_sandbox_that_is_not_running_says_so() -> None:
    with pytest.raises(RuntimeError, match="not running"):
        Sandbox().messages("C0GENERAL")


def test_waiting_in_vain_says_what_went_wrong(slack: Sandbox) -> None:
    slack.fail_next("auth.test", error="fatal_error")
    with pytest.raises(Exception, match="fatal_error"):
        client_of(slack).auth_test()
    with pytest.raises(TimeoutError, match=r"auth\.test: fatal_error"):
        slack.wait_for(lambda: False, 0.05)


def test_no_note_text_in_logs_and_errors(
    slack: Sandbox, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    canary = "CANARY-gallbladder"
    slack.say("U0ANA", "D0ANA", canary)
    slack.say("U0ANA", "D0ANA", files=[slack.upload("U0ANA", "n.txt", canary.encode())])
    body = f'{{"text": "{canary}", "blocks": [{{"type": "{canary}"}}]'.encode()
    request = urllib.request.Request(f"{slack.url}/sandbox/say", body)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=5)
    assert canary not in refused.value.read().decode()
    with pytest.raises(TimeoutError) as waited:
        slack.wait_for(lambda: False, 0.01)
    shown = [caplog.text, *capfd.readouterr(), str(waited.value), repr(slack.requests)]
    shown += [repr(list(slack._hub.workspace.files.values()))]
    assert not any(canary in text for text in shown)


def test_alone_it_says_how_to_point_a_bot_at_it() -> None:
    command = [sys.executable, "-u", "-m", "bot.sandbox", "--port", "0"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        lines: list[str] = []
        while "triage bot" not in "".join(lines):
            lines.append(process.stdout.readline())
            assert process.poll() is None
        settings = dict(re.findall(r"export (\w+)=(\S+)", "".join(lines)))
        assert set(settings) == {"SLACK_API_URL", "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"}
        with urllib.request.urlopen(settings["SLACK_API_URL"] + "api.test", timeout=5) as answer:
            assert b'"ok":true' in answer.read()
    finally:
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=10)
    assert rest.strip() == "Stopped."
    assert process.returncode == 0


def test_alone_on_a_taken_port_it_says_so(slack: Sandbox) -> None:
    command = [sys.executable, "-m", "bot.sandbox", "--port", slack.url.rpartition(":")[2]]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False
    )
    assert done.returncode == 1
    assert "is taken" in done.stderr
    assert "Traceback" not in done.stderr
