"""The buttons of a card."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from slack_bolt import Ack, App

from bot.blocks.card import AGREE, CORRECT
from bot.listeners.handover import hand_over
from bot.services import Services
from bot.verdicts import agree, open_correction


def register(app: App, services: Services) -> None:
    """Acknowledge at once; what follows runs on the bot's own threads."""

    def on_agree(ack: Ack, body: Mapping[str, Any]) -> None:
        ack()
        hand_over(services, services.quick, body, partial(agree, services, body))

    def on_correct(ack: Ack, body: Mapping[str, Any]) -> None:
        ack()
        hand_over(services, services.quick, body, partial(open_correction, services, body))

    app.action(AGREE)(on_agree)
    app.action(CORRECT)(on_correct)
