"""A bare Socket Mode peer: sees the frames as they are, and acknowledges only when told to."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any, Self

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from bot.sandbox.server import Sandbox
from tests.sandbox.conftest import client_of

Json = dict[str, Any]


class Wire:
    """One connection."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.hello = self.next()

    @classmethod
    @contextlib.contextmanager
    def open(cls, slack: Sandbox) -> Iterator[Self]:
        url = client_of(slack).apps_connections_open(app_token=slack.app_token)["url"]
        with connect(url, proxy=None, close_timeout=0.2) as socket:
            yield cls(socket)

    def next(self, seconds: float = 5) -> Json:
        return dict(json.loads(self.socket.recv(seconds)))

    def quiet(self, seconds: float = 0.2) -> bool:
        try:
            self.next(seconds)
        except TimeoutError:
            return True
        return False

    def ack(self, envelope: Json, payload: Json | None = None) -> None:
        answer: Json = {"envelope_id": envelope["envelope_id"]}
        self.socket.send(json.dumps(answer if payload is None else {**answer, "payload": payload}))

    def ack_all(self) -> None:
        """Acknowledge everything until the connection ends."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                self.ack(self.next(60))

    def event(self) -> Json:
        """The next event, acknowledged."""
        envelope = self.next()
        assert envelope["type"] == "events_api"
        self.ack(envelope)
        return dict(envelope["payload"]["event"])
