"""Settling what people differ on: a lead opens the worklist and says what is right."""

import uuid
from collections.abc import Mapping
from typing import Any

from bot import messages, ops_messages
from bot.blocks.notices import notice, trouble
from bot.blocks.settle import SETTLE, settle_form, told
from bot.handover import tell
from bot.services import Services
from bot.slack import Posted
from bot.store.disagreements import Disagreement

Payload = Mapping[str, Any]
LISTED = 20


def open_worklist(services: Services, body: Payload) -> None:
    """A click on Settle… on the Home tab."""
    user = _user(body)
    if not services.allowed(user, "settle", "", user):
        _tell(services, user, ops_messages.ask_leads(services.roles.leads))
        return
    external_id = uuid.uuid4().hex
    view = told("Looking them up…", external_id)
    if not services.slack.open_view(str(body.get("trigger_id") or ""), view):
        tell(services, {"user_id": user, "channel_id": user}, trouble(messages.form_failed()))
        return
    services.slack.call("views.update", external_id=external_id, view=_worklist(services))


def settle(services: Services, body: Payload) -> None:
    """A click on an answer in the worklist."""
    user = _user(body)
    action = (body.get("actions") or [{}])[0]
    decision, view = str(action.get("value") or ""), body.get("view") or {}
    if not services.allowed(user, "settle", decision[:80], user):
        _tell(services, user, ops_messages.ask_leads(services.roles.leads))
        return
    answers = {id: answer for answer, id in SETTLE.items()}
    answer = answers[str(action.get("action_id"))]
    known = {item.decision for item in services.store.disagreements.open()}
    if decision not in known:
        # Settled meanwhile, or a payload that was put together.
        services.store.audit.add(user, "settle", decision[:80], user, "refused: nothing open")
    else:
        services.store.disagreements.settle(decision, answer, user, user)
    if view.get("type") == "modal":
        services.slack.update_view(str(view.get("id")), _worklist(services))


def _worklist(services: Services) -> dict[str, Any]:
    found = services.store.disagreements.open()[:LISTED]
    return settle_form([(item, _link(services, item)) for item in found])


def _link(services: Services, item: Disagreement) -> str | None:
    """To the card, unless it is in somebody's direct message: a lead can't look in there."""
    if item.reply_ts is None or item.channel.startswith(("D", "U", "W")):
        return None
    return services.slack.permalink(Posted(item.channel, item.reply_ts))


def _user(body: Payload) -> str:
    return str((body.get("user") or {}).get("id") or "")


def _tell(services: Services, user: str, sentence: str) -> None:
    tell(services, {"user_id": user, "channel_id": user}, notice(sentence))
