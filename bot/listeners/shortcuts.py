"""The message shortcut *Triage this note*."""

import time
from collections.abc import Mapping
from typing import Any

from slack_bolt import Ack, App

from bot.answering import submit_message
from bot.services import Services
from bot.store.deliveries import Request

Payload = Mapping[str, Any]
TRIAGE_NOTE = "triage_note"


def register(app: App, services: Services) -> None:
    """Claim, acknowledge, answer in the message's thread."""

    def on_triage_note(ack: Ack, shortcut: Payload) -> None:
        delivery = services.store.deliveries.claim(_request(shortcut))
        ack()
        if delivery is not None:
            submit_message(services, delivery, shortcut.get("message") or {})

    app.shortcut({"type": "message_action", "callback_id": TRIAGE_NOTE})(on_triage_note)


def _request(shortcut: Payload) -> Request:
    message = shortcut.get("message") or {}
    channel = shortcut.get("channel") or {}
    ts = str(message.get("ts") or shortcut.get("message_ts") or "")
    id, name = str(channel.get("id") or ""), str(channel.get("name") or "")
    hidden = name in ("directmessage", "privategroup") or name.startswith("mpdm-")
    direct = id.startswith("D")
    return Request(
        key=f"shortcut:{shortcut.get('trigger_id') or shortcut.get('action_ts')}",
        kind="shortcut",
        channel=id,
        user=str((shortcut.get("user") or {}).get("id") or ""),
        asked=time.time(),
        place=name if hidden else "channel",
        source_ts=ts,
        thread_ts=message.get("thread_ts") or (None if direct else ts),
    )
