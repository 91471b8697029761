"""A sandbox, its SDK client, and small Bolt apps that connect to it."""

import contextlib
import threading
from collections.abc import Callable, Iterator

import pytest
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient

from bot.sandbox.seed import SCOPES
from bot.sandbox.server import Sandbox

EVERY_SCOPE = SCOPES | {
    "files:write",
    "im:write",
    "reactions:read",
    "reactions:write",
    "team:read",
    "users:read",
}


def client_of(slack: Sandbox, token: str | None = None) -> WebClient:
    return WebClient(token=slack.bot_token if token is None else token, base_url=slack.api_url)


@contextlib.contextmanager
def running(slack: Sandbox, register: Callable[[App], None]) -> Iterator[App]:
    """A Bolt app with the listeners that `register` adds, connected over Socket Mode."""
    app = App(client=client_of(slack))
    register(app)
    handler = SocketModeHandler(app, slack.app_token)
    handler.client.proxy = None
    handler.connect()
    slack.wait_for(lambda: slack.connections == 1)
    try:
        yield app
    finally:
        # The SDK takes some seconds to join its threads; nobody has to wait for that.
        threading.Thread(target=handler.close).start()


@pytest.fixture
def slack() -> Iterator[Sandbox]:
    with Sandbox(scopes=EVERY_SCOPE) as sandbox:
        yield sandbox


@pytest.fixture
def client(slack: Sandbox) -> WebClient:
    return client_of(slack)
