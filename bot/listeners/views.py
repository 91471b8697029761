"""The forms when they are submitted."""

import time
from collections.abc import Mapping
from functools import partial
from typing import Any

from slack_bolt import Ack, App

from bot import messages
from bot.answering import answer_form
from bot.blocks.modals import CORRECT_FORM, FILES, NOTE, TRIAGE_FORM
from bot.blocks.retrain_form import RETRAIN_FORM
from bot.handover import hand_over
from bot.intake import WORDS, Source
from bot.retraining.asking import read_form, submitted
from bot.services import Services
from bot.store.deliveries import Request
from bot.verdicts import correct

Payload = Mapping[str, Any]


def register(app: App, services: Services) -> None:
    """Check, claim, acknowledge; what follows runs on the bot's own threads."""

    def on_note(ack: Ack, body: Payload, view: Payload) -> None:
        found = _sources(view)
        if not found:
            ack(response_action="errors", errors={NOTE: messages.form_empty()})
            return
        user = str((body.get("user") or {}).get("id") or "")
        request = Request(
            key=f"form:{view.get('id')}",
            kind="form",
            # A person's id stands for their direct message with the bot.
            channel=user,
            user=user,
            asked=time.time(),
        )
        delivery = services.store.deliveries.claim(request, [source.name for source in found])
        ack()
        if delivery is not None:
            task = partial(answer_form, services, delivery, found)
            hand_over(services, services.notes, body, task)

    def on_correction(ack: Ack, body: Payload) -> None:
        ack()
        hand_over(services, services.quick, body, partial(correct, services, body))

    def on_retrain(ack: Ack, body: Payload, view: Payload) -> None:
        options, errors = read_form(view, services.backend.machines)
        if errors:
            ack(response_action="errors", errors=errors)
            return
        ack()
        hand_over(services, services.quick, body, partial(submitted, services, body, options))

    app.view(TRIAGE_FORM)(on_note)
    app.view(RETRAIN_FORM)(on_retrain)
    app.view(CORRECT_FORM)(on_correction)


def _sources(view: Payload) -> list[Source]:
    """The notes in a form: what was pasted, then each file."""
    values = (view.get("state") or {}).get("values") or {}
    text = str(((values.get(NOTE) or {}).get(NOTE) or {}).get("value") or "").strip()
    files = ((values.get(FILES) or {}).get(FILES) or {}).get("files") or []
    found = [Source(WORDS, text)] if text else []
    # Slack sends file objects; a server that sends ids alone has `files.info` for the rest.
    whole = [file if isinstance(file, Mapping) else {"id": str(file)} for file in files]
    return found + [Source(str(file.get("id") or ""), file=file) for file in whole]
