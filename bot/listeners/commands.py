"""The slash commands `/triage`, `/retrain` and `/redeploy`."""

import time
from collections.abc import Mapping
from functools import partial
from typing import Any

from slack_bolt import Ack, App

from bot import messages
from bot.answering import answer_words
from bot.blocks.modals import triage_form
from bot.blocks.notices import how_to_ask, notice, trouble
from bot.handover import hand_over, tell
from bot.intake import plain_text, speech
from bot.redeploying.asking import redeploy
from bot.retraining.asking import retrain
from bot.services import Services
from bot.store.deliveries import Request

Payload = Mapping[str, Any]


def register(app: App, services: Services) -> None:
    """Acknowledge at once; what follows runs on the bot's own threads."""

    def on_triage(ack: Ack, command: Payload) -> None:
        text = plain_text(str(command.get("text") or ""))
        is_note = bool(text) and speech(text) == "note"
        if is_note:
            # Claimed before it is acknowledged: a restart can then say that the note got lost.
            request = _request(command)
            delivery = services.store.deliveries.claim(request)
            ack()
            if delivery is not None:
                task = partial(_answer, services, delivery, command, text)
                hand_over(services, services.notes, command, task)
            return
        ack()
        task = partial(_guide, services, command) if text else partial(_form, services, command)
        hand_over(services, services.quick, command, task)

    def on_retrain(ack: Ack, command: Payload) -> None:
        ack()
        hand_over(services, services.quick, command, partial(retrain, services, command))

    def on_redeploy(ack: Ack, command: Payload) -> None:
        ack()
        hand_over(services, services.quick, command, partial(redeploy, services, command))

    app.command("/triage")(on_triage)
    app.command("/retrain")(on_retrain)
    app.command("/redeploy")(on_redeploy)


def _request(command: Payload) -> Request:
    channel = str(command.get("channel_id") or "")
    return Request(
        key=f"command:{command.get('trigger_id')}",
        kind="command",
        channel=channel,
        user=str(command.get("user_id") or ""),
        asked=time.time(),
        place=str(command.get("channel_name") or ""),
    )


def _answer(services: Services, delivery: Any, command: Payload, text: str) -> None:
    asked = delivery.request
    if not services.places.may_read(asked.channel, _place_hint(asked.place)):
        tell(services, command, notice(messages.not_here()))
        services.store.deliveries.finish(delivery, "refused")
        return
    answer_words(services, delivery, text, str(command.get("response_url") or ""))


def _place_hint(channel_name: str) -> str:
    """A channel may be called anything; the names that Slack gives to private ones it reserves."""
    reserved = channel_name in ("directmessage", "privategroup")
    return channel_name if reserved or channel_name.startswith("mpdm-") else "channel"


def _form(services: Services, command: Payload) -> None:
    form = triage_form(services.kept_days)
    if not services.slack.open_view(str(command.get("trigger_id") or ""), form):
        tell(services, command, trouble(messages.form_failed()))


def _guide(services: Services, command: Payload) -> None:
    tell(services, command, how_to_ask())
