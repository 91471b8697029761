"""Getting payloads to the app: within three seconds, again if an event failed, or a sentence.

Events are redelivered; commands, clicks, shortcuts and submissions are not: the person is told.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bot.sandbox import seed
from bot.sandbox.payloads import event_callback
from bot.sandbox.state import Json, Workspace

ACK_SECONDS = 3.0
RETRY_DELAYS = (1.0, 5.0)


@dataclass(frozen=True)
class Ack:
    """How the app answered. `error` is Slack's word for what the person is told."""

    ok: bool
    payload: Json = field(default_factory=dict, repr=False)
    error: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Envelope:
    """One request to the app. `kind` is the Socket Mode type."""

    kind: str
    payload: Json = field(repr=False)
    retry_attempt: int = 0
    retry_reason: str = ""


class Transport(Protocol):
    """A way to reach the app."""

    @property
    def connected(self) -> bool:
        """Whether the app is there now."""
        ...

    async def deliver(self, envelope: Envelope, seconds: float) -> Ack:
        """Send, and wait this long for the answer."""
        ...

    async def wait_connected(self) -> None:
        """Return once the app is there."""
        ...


@dataclass
class Sent:
    """One event as delivered, for assertions and for redelivery."""

    event_id: str
    body: Json = field(repr=False)
    attempts: list[Ack] = field(default_factory=list)


class Dispatcher:
    """Sends what happens in the workspace to the app."""

    def __init__(
        self,
        workspace: Workspace,
        transport: Transport,
        *,
        events: frozenset[str] = seed.EVENTS,
        ack_seconds: float = ACK_SECONDS,
        retry_delays: Sequence[float] = RETRY_DELAYS,
    ) -> None:
        self.workspace = workspace
        self.transport = transport
        self.events = events
        self.ack_seconds = ack_seconds
        self.retry_delays = tuple(retry_delays)
        self.sent: dict[str, Sent] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def event(self, event: Json) -> str | None:
        """Deliver an event in the background; its id, or None if the app isn't subscribed."""
        if _subscription(event) not in self.events:
            return None
        body = event_callback(self.workspace, event)
        sent = Sent(body["event_id"], body)
        self.sent[sent.event_id] = sent
        self._start(sent)
        return sent.event_id

    def redeliver(self, event_id: str) -> None:
        """Deliver an event once more, as Slack does when it believes that an ack was lost."""
        self._start(self.sent[event_id], first=1, reason="timeout")

    async def request(self, kind: str, payload: Json) -> Ack:
        """Deliver a command, click, shortcut or submission and wait for the answer."""
        return await self.transport.deliver(Envelope(kind, payload), self.ack_seconds)

    async def close(self) -> None:
        """Stop all deliveries."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, sent: Sent, first: int = 0, reason: str = "") -> None:
        task = asyncio.get_running_loop().create_task(self._deliver(sent, first, reason))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, sent: Sent, first: int, reason: str) -> None:
        delays = (*self.retry_delays, None) if first == 0 else (None,)
        for attempt, delay in enumerate(delays, first):
            # With nobody there an event waits: the page is often open before the bot is up.
            await self.transport.wait_connected()
            envelope = Envelope("events_api", sent.body, attempt, reason)
            ack = await self.transport.deliver(envelope, self.ack_seconds)
            sent.attempts.append(ack)
            if ack.ok or delay is None:
                return
            reason = ack.reason
            await asyncio.sleep(delay)


def _subscription(event: Json) -> str:
    """The name in a manifest's `bot_events` that covers an event."""
    if event["type"] == "message":
        kinds = {"channel": "channels", "group": "groups"}
        return f"message.{kinds.get(event['channel_type'], event['channel_type'])}"
    return str(event["type"])
