"""What nobody listens to: acknowledged, so that no person sees “something went wrong”."""

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from slack_bolt import Ack, App

from bot import messages
from bot.blocks.notices import trouble
from bot.handover import hand_over, tell
from bot.services import Services

ANYTHING = re.compile(".*")


def register(app: App, services: Services) -> None:
    """Catch the rest of every kind."""

    def say_unknown(ack: Ack, body: Mapping[str, Any]) -> None:
        ack()
        message = trouble(messages.unknown_action())
        hand_over(services, services.quick, body, partial(tell, services, body, message))

    def quietly(ack: Ack) -> None:
        ack()

    def no_options(ack: Ack) -> None:
        ack(options=[])

    def ignore() -> None:
        """An event that means nothing to the bot."""

    app.action(ANYTHING)(say_unknown)
    app.command(ANYTHING)(say_unknown)
    app.shortcut(ANYTHING)(say_unknown)
    app.view(ANYTHING)(quietly)
    app.view_closed(ANYTHING)(quietly)
    app.options(ANYTHING)(no_options)
    app.event(ANYTHING)(ignore)
