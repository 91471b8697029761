"""The Home tab, and the prompts above the message box."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from slack_bolt import App

from bot import messages
from bot.home import publish
from bot.services import Services


def register(app: App, services: Services) -> None:
    """Publish when it is opened; nothing is posted, so opening it is never answered with spam."""

    def on_opened(event: Mapping[str, Any]) -> None:
        if event.get("tab") == "messages":
            services.quick.submit(partial(_suggest, services, event))
        else:
            services.quick.submit(partial(publish, services, str(event.get("user") or "")))

    app.event("app_home_opened")(on_opened)


def _suggest(services: Services, event: Mapping[str, Any]) -> None:
    services.slack.call(
        "assistant.threads.setSuggestedPrompts",
        channel_id=event.get("channel"),
        prompts=messages.suggested_prompts(),
    )
