"""`Sandbox`: the handle on a whole stand-in for Slack, for tests and `triage demo`."""

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute

from bot.sandbox import seed
from bot.sandbox.browser import Browser
from bot.sandbox.delivery import ACK_SECONDS, RETRY_DELAYS, Ack, Dispatcher, Sent
from bot.sandbox.faults import Fault
from bot.sandbox.guard import Guard
from bot.sandbox.http_mode import HttpMode
from bot.sandbox.hub import Credentials, Hub, Problem, Request
from bot.sandbox.people import People
from bot.sandbox.serving import Serving
from bot.sandbox.socket_mode import SocketMode
from bot.sandbox.state import Json, Workspace
from bot.sandbox.tickets import Tickets
from bot.sandbox.views import Views
from bot.sandbox.web_api import WebApi

T = TypeVar("T")


class Sandbox:
    """A stand-in for Slack on this machine.

    1. `with Sandbox() as slack:` starts it on a free port, in a thread of its own.
    2. Point a bot at `slack.api_url` with `slack.bot_token` and `slack.app_token`.
    3. Do what a person does: `say`, `upload`, `command`, `click`, `shortcut`, `submit`.
    4. Look: `messages`, `views`, `home`, `requests`, `problems`, `notices`; `wait_for` waits.

    Every method may be called from any thread but the server's own.

    Args:
        port: 0 takes a free one.
        mode: `socket`, or `http` with the app's `request_url`.
        scopes: What the bot's token may do; by default what manifest.yml asks for.
        events: What the app is subscribed to, in a manifest's words.
        ack_seconds: How long the app may take to acknowledge.
        retry_delays: Seconds before each redelivery of an event that was not acknowledged.
        trigger_seconds: How long a `trigger_id` is good.
        bot_token, app_token, signing_secret: By default made up at each start.
    """

    def __init__(
        self,
        port: int = 0,
        *,
        mode: Literal["socket", "http"] = "socket",
        request_url: str = "",
        scopes: frozenset[str] = seed.SCOPES,
        events: frozenset[str] = seed.EVENTS,
        ack_seconds: float = ACK_SECONDS,
        retry_delays: Sequence[float] = RETRY_DELAYS,
        trigger_seconds: float = 3.0,
        bot_token: str = "",
        app_token: str = "",
        signing_secret: str = "",
    ) -> None:
        self.bot_token = bot_token or f"xoxb-sandbox-{secrets.token_hex(12)}"
        self.app_token = app_token or f"xapp-1-{seed.APP_ID}-{secrets.token_hex(12)}"
        self.signing_secret = signing_secret or secrets.token_hex(16)
        self.notices: list[tuple[str, Json]] = []
        self._port = port
        workspace = Workspace()
        tickets = Tickets(workspace.clock, trigger_seconds=trigger_seconds)
        self._serving = Serving(self._begin, self._end)
        self._socket_mode = SocketMode(tickets, self._serving.abort)
        transport = (
            HttpMode(request_url, self.signing_secret) if mode == "http" else self._socket_mode
        )
        self._hub = Hub(
            credentials=Credentials(self.bot_token, self.app_token, self.signing_secret, scopes),
            workspace=workspace,
            views=Views(workspace),
            tickets=tickets,
            dispatcher=Dispatcher(
                workspace,
                transport,
                events=events,
                ack_seconds=ack_seconds,
                retry_delays=retry_delays,
            ),
        )
        self._people = People(self._hub)
        self._browser = Browser(self._people, mode)
        self._greeting: asyncio.Task[None] | None = None
        self._told = False

    # --- starting and stopping ----------------------------------------------------------------

    @property
    def url(self) -> str:
        """The page's address."""
        return self._hub.workspace.url

    @property
    def api_url(self) -> str:
        """For `SLACK_API_URL`."""
        return f"{self.url}/api/"

    def start(self) -> Self:
        """Listen on loopback and serve in a thread; returns when it answers.

        Raises:
            OSError: if the port is taken.
        """
        listener, address = self._serving.listen(self._port)
        self._hub.workspace.url = self._hub.tickets.url = address
        self._serving.start(self._app(), listener)
        return self

    def _begin(self) -> None:
        self._hub.workspace.subscribers.append(self._note)
        self._socket_mode.on_change.append(self._tell_connected)
        self._greeting = asyncio.create_task(self._greet())

    async def _end(self) -> None:
        if self._greeting is not None:
            self._greeting.cancel()
        await self._hub.dispatcher.close()

    def stop(self) -> None:
        """Close every connection and the port."""
        self._serving.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _app(self) -> Guard:
        api = WebApi(self._hub)
        return Guard(
            Starlette(
                routes=[
                    Route("/api/{method:path}", api.call, methods=["GET", "POST"]),
                    Route("/upload/v1/{file_id}", api.upload, methods=["POST"]),
                    Route("/files-pri/{prefix}/{file_id}", api.download),
                    Route("/files-pri/{prefix}/download/{file_id}", api.download),
                    Route("/response/{key}", self._people.answers.response_url, methods=["POST"]),
                    WebSocketRoute("/link/", self._socket_mode.endpoint),
                    *self._browser.routes(),
                ]
            )
        )

    def _note(self, audience: frozenset[str], change: Json) -> None:
        if change["type"] == "notice":
            self.notices.extend((user, change) for user in sorted(audience))

    async def _greet(self) -> None:
        """In HTTP mode the app's address is verified at once, not at the first event."""
        await self._hub.dispatcher.transport.wait_connected()
        self._tell_connected()

    def _tell_connected(self) -> None:
        connected = self.connected
        if connected == self._told:
            return
        self._told = connected
        self._hub.workspace.publish(seed.PEOPLE, {"type": "bot", "connected": connected})

    # --- what a person does -------------------------------------------------------------------

    def say(
        self,
        user: str,
        channel: str,
        text: str = "",
        thread_ts: str | None = None,
        files: Sequence[str] = (),
    ) -> str:
        """Post a message; its `ts`. Write a mention as `<@U0BOT>`. Does not wait for the bot."""
        return self._serving.call(self._people.say, user, channel, text, thread_ts, list(files))

    def upload(self, user: str, name: str, data: bytes, mimetype: str = "") -> str:
        """Keep a file; its id, for `say(…, files=[id])`."""
        return self._serving.call(self._people.upload, user, name, data, mimetype).id

    def command(self, user: str, channel: str, command: str, text: str = "") -> Ack:
        """Type a slash command and wait for the ack."""
        return self._serving.wait(self._people.command(user, channel, command, text))

    def click(
        self,
        user: str,
        channel: str,
        ts: str,
        action_id: str,
        value: str | None = None,
        **more: Any,
    ) -> Ack:
        """Use a button or another element of a message and wait for the ack."""
        return self._serving.wait(self._people.click(user, channel, ts, action_id, value, **more))

    def click_view(
        self, user: str, view_id: str, action_id: str, value: str | None = None, **more: Any
    ) -> Ack:
        """Use an element of a modal or of the Home tab and wait for the ack."""
        return self._serving.wait(self._people.click_view(user, view_id, action_id, value, **more))

    def shortcut(self, user: str, channel: str, ts: str, callback_id: str) -> Ack:
        """Use a message shortcut and wait for the ack."""
        return self._serving.wait(self._people.shortcut(user, channel, ts, callback_id))

    def submit(self, user: str, view_id: str, values: Json) -> Json:
        """Submit a modal. `{}` if it closed, else `response_action` and `errors`.

        `values` has the shape of `state.values`, or for short `{block_id or action_id: text}`,
        for a select the value of the option.
        """
        return self._serving.wait(self._people.submit(user, view_id, values))

    def close_view(self, user: str, view_id: str) -> Ack:
        """Close a modal without submitting."""
        return self._serving.wait(self._people.close(user, view_id))

    def open_home(self, user: str, tab: str = "home") -> None:
        """Open the Home tab. Does not wait for the bot."""
        self._serving.call(self._people.open_home, user, tab)

    # --- what there is to see -----------------------------------------------------------------

    def messages(self, channel: str, user: str | None = None) -> list[Json]:
        """A conversation as `user` sees it, ephemerals included; without `user`, without them."""
        return self._serving.call(self._hub.workspace.seen_by, channel, user)

    def views(self, user: str) -> list[Json]:
        """The person's open modals, the one in front last."""
        return self._serving.call(self._hub.views.opened, user)

    def home(self, user: str) -> Json | None:
        """The person's Home tab as last published."""
        return self._serving.call(self._hub.views.home, user)

    def status(self, channel: str, thread_ts: str) -> str:
        """What the assistant says it is doing in a thread."""
        return self._hub.workspace.statuses.get((channel, thread_ts), "")

    @property
    def requests(self) -> list[Request]:
        """Every call of the Web API so far, and every post to a response URL."""
        return list(self._hub.requests)

    @property
    def problems(self) -> list[Problem]:
        """Everything that Slack would have refused or warned about."""
        return list(self._hub.problems)

    @property
    def events(self) -> list[Sent]:
        """Every event so far, with the outcome of each delivery."""
        return list(self._hub.dispatcher.sent.values())

    @property
    def connected(self) -> bool:
        """Whether the bot is there."""
        return self._browser.connected

    @property
    def connections(self) -> int:
        """How many Socket Mode connections the bot has."""
        return len(self._socket_mode.connections)

    def wait_for(self, predicate: Callable[[], T], timeout: float = 20.0) -> T:
        """What `predicate()` returns once that is true.

        Raises:
            TimeoutError: with the problems and failed calls so far, which are often the reason.
        """
        deadline = time.monotonic() + timeout
        while True:
            if result := predicate():
                return result
            if time.monotonic() > deadline:
                failed = [f"{r.method}: {r.error}" for r in self.requests if not r.ok]
                raise TimeoutError(
                    f"Not within {timeout:g} s. Connected: {self.connected}. Failed calls: "
                    f"{failed[-5:]}. Problems: {[str(p) for p in self.problems[-5:]]}. "
                    f"Notices: {[n['text'] for _, n in self.notices[-5:]]}."
                )
            time.sleep(0.01)

    def wait_connected(self, timeout: float = 10.0) -> None:
        """Return once the bot is there."""
        self.wait_for(lambda: self.connected, timeout)

    # --- faults -------------------------------------------------------------------------------

    def fail_next(
        self,
        method: str,
        *,
        error: str | None = None,
        status: int | None = None,
        retry_after: int | None = None,
        times: int = 1,
        after: bool = False,
    ) -> None:
        """The next `times` calls of a method fail; `*` is any, `files.download` a file's bytes.

        Args:
            error: Slack's code, in an answer with `ok: false`.
            status: An HTTP status (without `error`, a body that isn't JSON).
            retry_after: Seconds, in a 429 answer.
            after: Do the work, then fail the answer.
        """
        fault = Fault(error, status, retry_after, times, after)
        self._serving.call(self._hub.faults.add, method, fault)

    @property
    def unknown_methods(self) -> set[str]:
        """Methods that this Slack doesn't know; add to it."""
        return self._hub.faults.unknown_methods

    def slow(self, method: str, seconds: float) -> None:
        """Every call of a method takes this long from now on."""
        self._hub.faults.delays[method] = seconds

    def drop_connections(self) -> None:
        """Break every Socket Mode connection without a word."""
        self._serving.call(self._socket_mode.drop)

    def disconnect(self, reason: str = "refresh_requested") -> None:
        """Ask the bot to connect anew: `refresh_requested`, `warning` or `link_disabled`."""
        self._serving.wait(self._socket_mode.disconnect(reason))

    def redeliver(self, event_id: str) -> None:
        """Deliver an event once more."""
        self._serving.call(self._hub.dispatcher.redeliver, event_id)
