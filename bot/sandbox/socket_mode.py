"""Socket Mode: connections, envelopes and their acks.

Source: https://docs.slack.dev/apis/events-api/using-socket-mode
"""

import asyncio
import itertools
import json
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from starlette.websockets import WebSocket, WebSocketDisconnect

from bot.sandbox import seed
from bot.sandbox.delivery import Ack, Envelope
from bot.sandbox.state import Json
from bot.sandbox.tickets import Tickets

CONNECTION_SECONDS = 3600


@dataclass(eq=False)
class Connection:
    """One websocket of the app."""

    id: str
    socket: WebSocket
    draining: bool = False
    sending: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def send(self, message: Json) -> None:
        """Send one JSON message."""
        async with self.sending:
            await self.socket.send_text(json.dumps(message))


class SocketMode:
    """All connections of the app. Each envelope goes to one of them, in turn."""

    def __init__(self, tickets: Tickets, abort: Callable[[tuple[str, int]], None]) -> None:
        """`abort` breaks the TCP connection with a peer's address, as the server can."""
        self._tickets = tickets
        self._abort = abort
        self.connections: list[Connection] = []
        self._turn = itertools.count()
        self._pending: dict[str, asyncio.Future[Ack]] = {}
        self._there = asyncio.Event()
        self.on_change: list[Callable[[], None]] = []

    @property
    def connected(self) -> bool:
        """Whether an envelope could be sent now."""
        return any(not connection.draining for connection in self.connections)

    async def wait_connected(self) -> None:
        """Return once the app has a connection."""
        await self._there.wait()

    def _changed(self) -> None:
        if self.connected:
            self._there.set()
        else:
            self._there.clear()
        for tell in self.on_change:
            tell()

    async def endpoint(self, socket: WebSocket) -> None:
        """The websocket that `apps.connections.open` points at; its ticket is good once."""
        if not self._tickets.use_socket_ticket(socket.query_params.get("ticket", "")):
            await socket.close(code=1008)
            return
        await socket.accept()
        connection = Connection(uuid.uuid4().hex, socket)
        self.connections.append(connection)
        try:
            await connection.send(self._hello())
            self._changed()
            while True:
                self._receive(await socket.receive_text())
        except (WebSocketDisconnect, RuntimeError, KeyError):
            # Starlette raises RuntimeError on a socket that we closed, KeyError on binary frames.
            return
        finally:
            self.connections.remove(connection)
            self._changed()

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self.connections),
            "debug_info": {
                "host": "applink-sandbox",
                "build_number": 1,
                "approximate_connection_time": CONNECTION_SECONDS,
            },
            "connection_info": {"app_id": seed.APP_ID},
        }

    def _receive(self, text: str) -> None:
        try:
            answer = json.loads(text)
        except ValueError:
            return
        if not isinstance(answer, dict):
            return
        waiting = self._pending.get(str(answer.get("envelope_id")))
        if waiting is not None and not waiting.done():
            payload = answer.get("payload")
            waiting.set_result(Ack(True, payload if isinstance(payload, dict) else {}))

    async def deliver(self, envelope: Envelope, seconds: float) -> Ack:
        """Send an envelope over one connection and wait for its ack."""
        try:
            async with asyncio.timeout(seconds):
                return await self._deliver(envelope)
        except TimeoutError:
            if not self.connected:
                return Ack(False, error="dispatch_failed", reason="connection_failed")
            return Ack(False, error="operation_timeout", reason="timeout")

    async def _deliver(self, envelope: Envelope) -> Ack:
        await self.wait_connected()
        usable = [c for c in self.connections if not c.draining]
        connection = usable[next(self._turn) % len(usable)]
        envelope_id = str(uuid.uuid4())
        message: Json = {
            "envelope_id": envelope_id,
            "payload": envelope.payload,
            "type": envelope.kind,
            "accepts_response_payload": _accepts_payload(envelope),
        }
        if envelope.kind == "events_api":
            message["retry_attempt"] = envelope.retry_attempt
            message["retry_reason"] = envelope.retry_reason
        future: asyncio.Future[Ack] = asyncio.get_running_loop().create_future()
        self._pending[envelope_id] = future
        try:
            with suppress(WebSocketDisconnect, RuntimeError):
                await connection.send(message)
            return await future
        finally:
            del self._pending[envelope_id]

    async def disconnect(self, reason: str) -> None:
        """Ask the app to connect anew (`refresh_requested`, `warning`, `link_disabled`)."""
        message = {
            "type": "disconnect",
            "reason": reason,
            "debug_info": {"host": "applink-sandbox"},
        }
        for connection in list(self.connections):
            # A warning leaves the connection in use for a while; a refresh replaces it.
            connection.draining = reason != "warning"
            with suppress(WebSocketDisconnect, RuntimeError):
                await connection.send(message)
        self._changed()

    def drop(self) -> None:
        """Break all connections, without a word."""
        for connection in list(self.connections):
            connection.draining = True
            client = connection.socket.client
            if client is not None:
                self._abort((client.host, client.port))
        self._changed()


def _accepts_payload(envelope: Envelope) -> bool:
    if envelope.kind == "events_api":
        return False
    return envelope.payload.get("type") not in ("block_actions", "view_closed", "message_action")
