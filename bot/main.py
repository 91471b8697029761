"""The bot in Socket Mode: checks its tokens, connects, and ends cleanly."""

import logging
import signal
import threading
import time
from typing import Any

from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk.errors import SlackApiError, SlackClientError

from bot import messages
from bot.app import create_app
from bot.logs import FORMAT, hold_libraries, whereabouts
from bot.services import Services
from bot.slack import error_code, is_loopback
from mlops.errors import SettingsError, TriageError
from mlops.settings import Settings

logger = logging.getLogger(__name__)

BOT_TOKEN_PLACE = "OAuth & Permissions, Bot User OAuth Token (xoxb-…)"  # noqa: S105 - a label
APP_TOKEN_PLACE = "Basic Information, App-Level Tokens, connections:write (xapp-…)"  # noqa: S105
REFUSED = frozenset(
    {
        "invalid_auth",
        "not_authed",
        "account_inactive",
        "token_revoked",
        "token_expired",
        "not_allowed_token_type",
        "missing_scope",
        "no_permission",
    }
)
UNREACHABLE = frozenset({"URLError", "TimeoutError", "ConnectionRefusedError", "gaierror"})
CONCURRENCY = 32
# After an abrupt loss the SDK needs five failed pings before it connects anew.
PING_SECONDS = 2
SHUTDOWN_SECONDS = 20.0


def run(settings: Settings, stop: threading.Event | None = None) -> None:
    """Run until `stop` is set, or SIGTERM or SIGINT arrive.

    Args:
        settings: Tokens, server, database, model.
        stop: Ends the run; None: signals do.

    Raises:
        SettingsError: a token is missing or refused, or the database can't be used.
        TriageError: Slack can't be reached.
    """
    logging.basicConfig(level=logging.INFO, format=FORMAT)
    hold_libraries()
    app_token = settings.slack_app_token
    if settings.slack_bot_token is None:
        raise SettingsError(messages.token_missing("SLACK_BOT_TOKEN", BOT_TOKEN_PLACE))
    if app_token is None:
        raise SettingsError(messages.token_missing("SLACK_APP_TOKEN", APP_TOKEN_PLACE))
    stop = stop or _stop_on_signals()
    services = Services(settings)
    handler: SocketModeHandler | None = None
    try:
        check_bot_token(services)
        handler = _handler(settings, services, app_token.get_secret_value())
        _connect(handler, settings)
        services.start()
        logger.info("%s", health(services))
        stop.wait()
        logger.info("Stopping: no new requests; what is under way is finished.")
    finally:
        if handler is not None:
            handler.client.close()
        services.close(SHUTDOWN_SECONDS)


def check_bot_token(services: Services) -> None:
    """Ask Slack who the bot is; a server without that method is fine, a refused token is not.

    Raises:
        SettingsError: Slack refuses the token.
        TriageError: Slack can't be reached.
    """
    code = services.slack.identify()
    if code in REFUSED:
        raise SettingsError(messages.token_wrong("SLACK_BOT_TOKEN", code, BOT_TOKEN_PLACE))
    if code in UNREACHABLE:
        raise TriageError(messages.slack_unreachable(services.settings.slack_api_url))


def health(services: Services) -> str:
    """One line on what the bot is connected to. It warms the model up as well."""
    try:
        model = f"model {services.classifier.model_version} answers"
    except TriageError as error:
        model = f"the model can't be asked: {error}"
    except Exception as error:  # noqa: BLE001  notes will say so; the bot itself is well
        model = f"the model can't be asked ({whereabouts(error)})"
    identity = services.slack.identity
    name = f"{identity.name} in {identity.team}" if identity.name else "unknown name"
    return f"Connected to {services.settings.slack_api_url} as {name}; {model}"


def _handler(settings: Settings, services: Services, app_token: str) -> SocketModeHandler:
    app = create_app(settings, services=services)
    handler = SocketModeHandler(
        app,
        app_token,
        logger=hold_libraries(),
        web_client=services.slack.client,
        concurrency=CONCURRENCY,
        ping_interval=PING_SECONDS,
    )
    if is_loopback(settings.slack_api_url):
        # The client takes a proxy from the environment and knows no exceptions.
        handler.client.proxy = None

    def on_message(_client: Any, message: dict[str, Any], _raw: str | None = None) -> None:
        if message.get("type") == "hello":
            services.look_for_left_work()

    handler.client.message_listeners.append(on_message)
    return handler


def _connect(handler: SocketModeHandler, settings: Settings) -> None:
    try:
        handler.client.connect()
    except SlackApiError as error:
        code = error_code(error)
        raise SettingsError(
            messages.token_wrong("SLACK_APP_TOKEN", code, APP_TOKEN_PLACE)
        ) from None
    except (SlackClientError, OSError, ValueError):
        raise TriageError(messages.slack_unreachable(settings.slack_api_url)) from None


def _stop_on_signals() -> threading.Event:
    stop = threading.Event()
    began = time.monotonic()

    def on_signal(number: int, _frame: object) -> None:
        name = signal.Signals(number).name
        logger.info("%s after %.0f s", name, time.monotonic() - began)
        stop.set()

    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, on_signal)
    return stop
