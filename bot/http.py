"""The bot in HTTP mode: `bot.http:app` is what gunicorn serves, in any number of processes."""

import atexit
import logging
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any

from slack_bolt import App
from slack_bolt.adapter.wsgi import SlackRequestHandler

from bot import messages
from bot.app import create_app
from bot.logs import FORMAT, hold_libraries
from bot.main import BOT_TOKEN_PLACE, SHUTDOWN_SECONDS, check_bot_token, health
from bot.services import Services
from mlops.errors import SettingsError, TriageError
from mlops.settings import Settings, get_settings

logger = logging.getLogger(__name__)

EVENTS_PATH = "/slack/events"
HEALTH_PATH = "/healthz"
MAX_BODY_BYTES = 4_000_000

StartResponse = Callable[..., Any]
_lock = threading.Lock()
_app: "WsgiApp | None" = None


class WsgiApp:
    """Signed requests from Slack at `/slack/events`, and `/healthz` for the platform."""

    def __init__(self, app: App, services: Services) -> None:
        self.services = services
        self._handler = SlackRequestHandler(app, path=EVENTS_PATH)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        if environ.get("PATH_INFO") == HEALTH_PATH:
            return _plain(start_response, "200 OK", "ok")
        if _length(environ) > MAX_BODY_BYTES:
            return _plain(start_response, "413 Content Too Large", "too large")
        answer: Iterable[bytes] = self._handler(environ, start_response)
        return answer

    def close(self) -> None:
        """Finish what is under way."""
        self.services.close(SHUTDOWN_SECONDS)


def check_settings(settings: Settings) -> None:
    """Raise `SettingsError` if a setting is missing that HTTP mode needs."""
    if settings.slack_bot_token is None:
        raise SettingsError(messages.token_missing("SLACK_BOT_TOKEN", BOT_TOKEN_PLACE))
    if settings.slack_signing_secret is None:
        raise SettingsError(messages.secret_missing())


def create(settings: Settings) -> WsgiApp:
    """The WSGI callable for these settings.

    Raises:
        SettingsError: a setting is missing or refused.
        TriageError: Slack can't be reached.
    """
    logging.basicConfig(level=logging.INFO, format=FORMAT)
    hold_libraries()
    check_settings(settings)
    services = Services(settings)
    try:
        check_bot_token(services)
    except TriageError:
        services.close(0)
        raise
    app = create_app(settings, services=services)
    services.start()
    logger.info("%s", health(services))
    return WsgiApp(app, services)


def __getattr__(name: str) -> WsgiApp:
    """`app`, made when a server asks for it: importing this module needs no settings."""
    global _app  # noqa: PLW0603  one per process, however often it is asked for
    if name != "app":
        raise AttributeError(name)
    with _lock:
        if _app is None:
            try:
                _app = create(get_settings())
            except TriageError as error:
                # gunicorn would print a stack trace; 3 is its code for a worker that can't boot.
                sys.stderr.write(f"Error: {error}\n")
                sys.exit(3)
            atexit.register(_app.close)
        return _app


def _plain(start_response: StartResponse, status: str, text: str) -> Iterable[bytes]:
    body = text.encode()
    headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))]
    start_response(status, headers)
    return [body]


def _length(environ: dict[str, Any]) -> int:
    try:
        return int(environ.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return MAX_BODY_BYTES + 1
