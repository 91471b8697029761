"""HTTP mode: a real Bolt app behind WSGI checks the signatures and answers."""

import json
import socketserver
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from slack_bolt import Ack, App
from slack_bolt.adapter.wsgi import SlackRequestHandler
from slack_sdk.signature import SignatureVerifier

from bot.sandbox.server import Sandbox
from tests.sandbox.conftest import client_of

Json = dict[str, Any]
SECRET = "a-signing-secret"


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


class Threaded(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True


@pytest.fixture(scope="module")
def bolt() -> Iterator[tuple[Sandbox, list[Json]]]:
    """A sandbox in HTTP mode and the app it talks to."""
    seen: list[Json] = []
    server = make_server("127.0.0.1", 0, lambda *_: [], Threaded, Quiet)
    url = f"http://127.0.0.1:{server.server_port}/slack/events"
    with Sandbox(mode="http", request_url=url, signing_secret=SECRET) as slack:
        app = App(client=client_of(slack), signing_secret=slack.signing_secret)

        @app.event("message")
        def message(body: Json) -> None:
            seen.append(body)

        @app.command("/triage")
        def command(ack: Ack, body: Json) -> None:
            seen.append(body)
            if body["text"] == "blocks":
                ack(blocks=[{"type": "divider"}], text="with blocks")
            else:
                ack("plain")

        @app.shortcut("triage_note")
        def shortcut(ack: Ack, body: Json) -> None:
            ack()
            seen.append(body)

        server.set_app(SlackRequestHandler(app))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield slack, seen
        server.shutdown()
        thread.join()
        server.server_close()


def test_events_commands_and_interactions_are_signed(bolt: tuple[Sandbox, list[Json]]) -> None:
    slack, seen = bolt
    ts = slack.say("U0ANA", "D0ANA", "hello")
    slack.wait_for(lambda: seen)
    assert seen[-1]["event"]["text"] == "hello"
    assert slack.connected
    assert slack.command("U0ANA", "D0ANA", "/triage", "a & b").payload == {"text": "plain"}
    assert seen[-1]["text"] == "a &amp; b"
    slack.command("U0ANA", "D0ANA", "/triage", "blocks")
    assert slack.messages("D0ANA", "U0ANA")[-1]["blocks"][0]["type"] == "divider"
    assert slack.shortcut("U0ANA", "D0ANA", ts, "triage_note").ok
    assert seen[-1]["message"]["text"] == "hello"


def test_what_nobody_listens_to_is_answered_404(bolt: tuple[Sandbox, list[Json]]) -> None:
    slack, _ = bolt
    ack = slack.command("U0ANA", "D0ANA", "/retrain")
    assert (ack.ok, ack.error, ack.reason) == (False, "dispatch_failed", "http_error")
    assert "dispatch_failed" in slack.notices[-1][1]["text"]


Answer = Callable[[BaseHTTPRequestHandler, bytes], tuple[int, bytes]]


@pytest.fixture
def peer() -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]], list[Answer]]]:
    """A bare HTTP server: its address, what it got, and how it answers."""
    got: list[tuple[dict[str, str], bytes]] = []
    answers: list[Answer] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((dict(self.headers), body))
            status, text = answers[0](self, body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/slack/events", got, answers
    server.shutdown()
    thread.join()
    server.server_close()


def challenge(_: BaseHTTPRequestHandler, body: bytes) -> tuple[int, bytes]:
    """What an app answers to `url_verification`, and nothing to everything else."""
    if body.startswith(b"{"):
        return 200, str(json.loads(body).get("challenge", "")).encode()
    return 200, b""


def test_the_url_is_verified_and_the_signature_is_slacks(peer: Any) -> None:
    url, got, answers = peer
    answers.append(challenge)
    with Sandbox(mode="http", request_url=url, signing_secret=SECRET) as slack:
        assert slack.command("U0ANA", "D0ANA", "/triage", "x").ok
        verifier = SignatureVerifier(SECRET)
        for headers, body in got:
            assert verifier.is_valid_request(body, {k.lower(): v for k, v in headers.items()})
        assert json.loads(got[0][1])["type"] == "url_verification"
        form = dict(urllib.parse.parse_qsl(got[1][1].decode()))
        assert (form["command"], form["text"]) == ("/triage", "x")
        assert "X-Slack-Retry-Num" not in got[1][0]


def test_events_are_retried_with_number_and_reason(peer: Any) -> None:
    url, got, answers = peer

    def refuse(handler: BaseHTTPRequestHandler, body: bytes) -> tuple[int, bytes]:
        verification = json.loads(body)["type"] == "url_verification"
        return challenge(handler, body) if verification else (500, b"")

    answers.append(refuse)
    with Sandbox(
        mode="http", request_url=url, signing_secret=SECRET, retry_delays=(0.05, 0.05)
    ) as slack:
        slack.say("U0ANA", "D0ANA", "hello")
        slack.wait_for(lambda: len(got) == 4)
        retries = [
            (headers.get("X-Slack-Retry-Num"), headers.get("X-Slack-Retry-Reason"))
            for headers, _ in got[1:]
        ]
        assert retries == [(None, None), ("1", "http_error"), ("2", "http_error")]
        slack.wait_for(lambda: len(slack.events[0].attempts) == 3)
        assert [attempt.ok for attempt in slack.events[0].attempts] == [False] * 3


def test_an_app_that_is_slow_or_away(peer: Any) -> None:
    url, _, answers = peer
    released = threading.Event()

    def slow(handler: BaseHTTPRequestHandler, body: bytes) -> tuple[int, bytes]:
        if not body.startswith(b"{"):
            released.wait(5)
        return challenge(handler, body)

    answers.append(slow)
    with Sandbox(mode="http", request_url=url, signing_secret=SECRET, ack_seconds=0.3) as slack:
        assert slack.command("U0ANA", "D0ANA", "/triage").error == "operation_timeout"
        released.set()
    away = "http://127.0.0.1:9/slack/events"
    with Sandbox(mode="http", request_url=away, signing_secret=SECRET, ack_seconds=0.3) as slack:
        assert not slack.command("U0ANA", "D0ANA", "/triage").ok
        assert not slack.connected
