"""The Bolt app, made by a factory: everything it works with can be given."""

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from slack_bolt import App
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient

from bot.listeners import register
from bot.logs import hold_libraries, whereabouts
from bot.services import Services
from bot.store import Store
from mlops.backends import Backend
from mlops.classifier import Classifier
from mlops.settings import Settings

logger = logging.getLogger(__name__)

# Bolt's own pool: its tasks acknowledge and hand over, so each takes milliseconds.
LISTENER_THREADS = 32


def create_app(
    settings: Settings,
    *,
    classifier: Classifier | None = None,
    backend: Backend | None = None,
    store: Store | None = None,
    services: Services | None = None,
) -> App:
    """A Bolt app with every listener.

    Args:
        settings: Of this process.
        classifier: Who answers; None: the one the settings name.
        backend: Where training happens; None: the one the settings name.
        store: The memory; None: the database the settings name.
        services: All of these at once, when the caller starts and closes them itself.

    Raises:
        SettingsError: the database can't be used.
    """
    if services is None:
        services = Services(settings, classifier=classifier, backend=backend, store=store)
        services.slack.identify()
        services.start()
    secret = settings.slack_signing_secret
    app = App(
        name="referral-triage",
        logger=hold_libraries(),
        client=_bare_client(settings),
        authorize=_authorize(services),
        signing_secret=secret.get_secret_value() if secret else "",
        listener_executor=ThreadPoolExecutor(LISTENER_THREADS, thread_name_prefix="listener"),
        # Statuses and prompts are set where they are wanted, best effort.
        attaching_conversation_kwargs_enabled=False,
    )
    app.error(_log_error)
    register(app, services)
    return app


def _bare_client(settings: Settings) -> WebClient:
    """Bolt copies this client for every request; the bot itself uses `bot.slack`."""
    return WebClient(base_url=settings.slack_api_url, logger=hold_libraries())


def _authorize(services: Services) -> Any:
    """Who the bot is, without `auth.test` for every request: a server may not have it."""

    def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        token = services.settings.slack_bot_token
        return AuthorizeResult(
            enterprise_id=enterprise_id,
            team_id=team_id,
            bot_user_id=services.slack.identity.user or None,
            bot_id=services.slack.identity.bot or None,
            bot_token=token.get_secret_value() if token else None,
        )

    return authorize


def _log_error(error: Exception) -> None:
    """What no listener caught. Its message may hold a payload, so only the place is logged.

    The request stays unacknowledged, and Slack sends an event again.
    """
    logger.error("listener: %s", whereabouts(error))
