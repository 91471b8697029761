"""Socket Mode, seen frame by frame and through the SDK's client."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from bot.sandbox.server import Sandbox
from tests.sandbox.conftest import client_of
from tests.sandbox.wire import Wire


def test_hello_and_an_envelope(slack: Sandbox) -> None:
    with Wire.open(slack) as wire:
        assert wire.hello["type"] == "hello"
        assert wire.hello["num_connections"] == 1
        assert wire.hello["connection_info"] == {"app_id": "A0SANDBOX"}
        assert wire.hello["debug_info"]["approximate_connection_time"] > 0
        slack.say("U0ANA", "D0ANA", "hello")
        envelope = wire.next()
        assert envelope["type"] == "events_api"
        assert envelope["accepts_response_payload"] is False
        assert (envelope["retry_attempt"], envelope["retry_reason"]) == (0, "")
        body = envelope["payload"]
        assert body["type"] == "event_callback"
        assert body["authorizations"][0]["user_id"] == "U0BOT"
        assert body["event_id"].startswith("Ev")
        assert abs(body["event_time"] - time.time()) < 5
        wire.ack(envelope)
        slack.wait_for(lambda: slack.events[0].attempts)
        assert slack.events[0].attempts[0].ok


def test_a_ping_is_answered_with_its_own_payload(slack: Sandbox) -> None:
    with Wire.open(slack) as wire:
        # The library matches the pong's payload to the ping's before it sets the event.
        assert wire.socket.ping(b"my payload").wait(2)


def test_a_ticket_is_good_once(slack: Sandbox) -> None:
    url = client_of(slack).apps_connections_open(app_token=slack.app_token)["url"]
    with connect(url, proxy=None):
        with pytest.raises(InvalidStatus) as refused:
            connect(url, proxy=None)
        assert refused.value.response.status_code == 403


def test_an_event_that_is_not_acknowledged_comes_again() -> None:
    with (
        Sandbox(ack_seconds=0.15, retry_delays=(0.05, 0.05)) as slack,
        Wire.open(slack) as wire,
    ):
        slack.say("U0ANA", "D0ANA", "hello")
        envelopes = [wire.next() for _ in range(3)]
        assert [(e["retry_attempt"], e["retry_reason"]) for e in envelopes] == [
            (0, ""),
            (1, "timeout"),
            (2, "timeout"),
        ]
        assert len({e["payload"]["event_id"] for e in envelopes}) == 1
        assert len({e["envelope_id"] for e in envelopes}) == 3
        assert wire.quiet(0.4), "after the last attempt Slack gives up"


def test_an_event_can_be_delivered_again_after_its_ack(slack: Sandbox) -> None:
    with Wire.open(slack) as wire:
        slack.say("U0ANA", "D0ANA", "hello")
        first = wire.event()
        slack.redeliver(slack.events[0].event_id)
        again = wire.next()
        assert (again["retry_attempt"], again["payload"]["event"]) == (1, first)


def test_an_event_waits_for_a_bot_that_is_not_there_yet(slack: Sandbox) -> None:
    slack.say("U0ANA", "D0ANA", "is anybody there?")
    time.sleep(0.1)
    with Wire.open(slack) as wire:
        assert wire.event()["text"] == "is anybody there?"


def test_each_envelope_goes_to_one_of_several_connections(slack: Sandbox) -> None:
    with Wire.open(slack) as one, Wire.open(slack) as two:
        assert two.hello["num_connections"] == 2
        for index in range(4):
            slack.say("U0ANA", "D0ANA", str(index))
        texts = [wire.event()["text"] for wire in (one, one, two, two)]
        assert sorted(texts) == ["0", "1", "2", "3"]
        assert one.quiet(0.1)
        assert two.quiet(0.1)


def test_a_command_that_is_not_acknowledged_is_reported_to_the_person() -> None:
    with Sandbox(ack_seconds=0.1) as slack:
        ack = slack.command("U0ANA", "D0ANA", "/triage")
        assert (ack.ok, ack.error) == (False, "dispatch_failed")
        with Wire.open(slack) as wire:
            ack = slack.command("U0ANA", "D0ANA", "/triage")
            assert (ack.ok, ack.error) == (False, "operation_timeout")
            # An ack that comes too late changes nothing, and nothing is sent again.
            wire.ack(wire.next(), {"text": "too late"})
            assert wire.quiet(0.3)
        assert slack.messages("D0ANA", "U0ANA") == []
        assert [notice["text"] for user, notice in slack.notices if user == "U0ANA"] == [
            '/triage failed with the error "dispatch_failed".',
            '/triage failed with the error "operation_timeout".',
        ]


def test_disconnect_moves_the_traffic_to_the_next_connection(slack: Sandbox) -> None:
    with Wire.open(slack) as old:
        slack.disconnect("warning")
        assert old.next()["reason"] == "warning"
        assert slack.connected
        slack.disconnect()
        goodbye = old.next()
        assert (goodbye["type"], goodbye["reason"]) == ("disconnect", "refresh_requested")
        assert not slack.connected
        with Wire.open(slack) as new:
            slack.say("U0ANA", "D0ANA", "hello")
            assert new.event()["text"] == "hello"
            assert old.quiet(0.1)


def test_junk_from_the_app_does_no_harm(slack: Sandbox) -> None:
    with Wire.open(slack) as wire:
        for junk in ("", "{", "[]", "null", '{"envelope_id": 3}', '{"envelope_id": "x"}'):
            wire.socket.send(junk)
        slack.say("U0ANA", "D0ANA", "hello")
        assert wire.event()["text"] == "hello"
        wire.socket.send(b"\x00\x01")
        slack.wait_for(lambda: slack.connections == 0)


def test_the_sdks_client_comes_back_after_disconnect_and_after_a_break(slack: Sandbox) -> None:
    client = SocketModeClient(
        app_token=slack.app_token, web_client=client_of(slack), ping_interval=0.3
    )
    client.proxy = None
    got: list[str] = []
    several = threading.Event()

    def listen(peer: SocketModeClient, request: SocketModeRequest) -> None:
        got.append(request.payload["event"]["text"])
        several.set()
        peer.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))

    client.socket_mode_request_listeners.append(listen)  # type: ignore[arg-type]
    client.connect()
    try:
        slack.wait_connected()
        slack.disconnect()
        slack.wait_for(lambda: slack.connected and slack.connections == 1)
        slack.say("U0ANA", "D0ANA", "after disconnect")
        slack.wait_for(lambda: "after disconnect" in got)
        slack.drop_connections()
        slack.say("U0ANA", "D0ANA", "after a break")
        slack.wait_for(lambda: "after a break" in got, 15)
        slack.wait_for(lambda: all(sent.attempts[-1:] for sent in slack.events))
        assert all(sent.attempts[-1].ok for sent in slack.events)
    finally:
        threading.Thread(target=client.close).start()


def test_a_burst_is_delivered_whole(slack: Sandbox) -> None:
    with Wire.open(slack) as wire, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: slack.say("U0ANA", "D0ANA", f"note {i}"), range(50)))
        texts = {wire.event()["text"] for _ in range(50)}
    assert len(texts) == 50
    stamps = [m["ts"] for m in slack.messages("D0ANA")]
    assert stamps == sorted(set(stamps)), "every message has a time of its own"
