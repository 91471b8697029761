"""The Home tab, and the prompts above the message box."""

import time
from collections.abc import Mapping
from functools import partial
from typing import Any

from slack_bolt import App

from bot import messages
from bot.blocks.home import Serving, home_view
from bot.services import Services
from mlops.errors import TriageError

RECENT = 10
COUNTED_SECONDS = 30 * 86_400.0


def register(app: App, services: Services) -> None:
    """Publish when it is opened; nothing is posted, so opening it is never answered with spam."""

    def on_opened(event: Mapping[str, Any]) -> None:
        if event.get("tab") == "messages":
            services.quick.submit(partial(_suggest, services, event))
        else:
            services.quick.submit(partial(_publish, services, str(event.get("user") or "")))

    app.event("app_home_opened")(on_opened)


def _publish(services: Services, user: str) -> None:
    since = time.time() - COUNTED_SECONDS
    decisions = services.store.decisions
    everyone = decisions.counts(since) if services.roles.is_lead(user) else None
    view = home_view(
        decisions.recent(user, RECENT), decisions.counts(since, user), everyone, _serving(services)
    )
    services.slack.publish_home(user, view)


def _serving(services: Services) -> Serving:
    """What answers now and its figure; what can't be found out is left out."""
    try:
        version = services.classifier.model_version
    except TriageError:
        return Serving("")
    try:
        known = services.backend.version(version)
    except TriageError:
        return Serving(version)
    return Serving(version, known.created.timestamp(), known.metrics.get("auc"))


def _suggest(services: Services, event: Mapping[str, Any]) -> None:
    services.slack.call(
        "assistant.threads.setSuggestedPrompts",
        channel_id=event.get("channel"),
        prompts=messages.suggested_prompts(),
    )
