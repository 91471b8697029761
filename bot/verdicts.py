"""Agree and Correct…: what a person says to a recommendation, and the card that shows it.

The first answer counts. Whoever comes second, by a click at the same moment or on a card that was
open for hours, sees the card as it is.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot import messages
from bot.blocks.card import summary, with_verdict
from bot.blocks.modals import ANSWER, ANSWERS, REASON, REASONS, correct_form
from bot.blocks.notices import notice, trouble
from bot.blocks.parts import Block, Rendered
from bot.learning import keep
from bot.services import Services, ShownCard
from bot.slack import Posted
from bot.store.decisions import DecisionRow, Verdict

logger = logging.getLogger(__name__)

Payload = Mapping[str, Any]


@dataclass(frozen=True)
class Place:
    """Where a card is.

    Attributes:
        blocks: Its blocks, where the payload held them.
        response_url: Where it can be replaced, if only one person sees it.
    """

    channel: str
    ts: str
    thread_ts: str | None = None
    blocks: tuple[Block, ...] = ()
    text: str = ""
    response_url: str = ""


def agree(services: Services, body: Payload) -> None:
    """A click on Agree."""
    decision, place, user = _clicked(services, body)
    if decision is None:
        _tell(services, place, user, trouble(messages.decision_unknown()))
        return
    if decision.recommendation == "Needs review":
        # No card offers it: there is nothing to agree with.
        _tell(services, place, user, trouble(messages.unknown_action()))
        return
    verdict = services.store.decisions.judge(
        decision.id, "agreed", decision.recommendation, None, user
    )
    _settle(services, decision, verdict, place, user, "agreed")


def open_correction(services: Services, body: Payload) -> None:
    """A click on Correct…: the form, unless somebody was quicker."""
    decision, place, user = _clicked(services, body)
    if decision is None:
        _tell(services, place, user, trouble(messages.decision_unknown()))
        return
    if decision.verdict is not None:
        _settle(services, decision, decision.verdict, place, user, "")
        return
    if place.response_url:
        # The form's payload says nothing of this message; what can replace it is kept here.
        known = services.cards.get(decision.id)
        shown = known.message if known is not None else summary(decision)
        services.cards.remember(decision.id, ShownCard(shown, place.response_url))
    elif place.blocks:
        message = Rendered(place.text, list(place.blocks))
        services.cards.remember(decision.id, ShownCard(message))
    form = correct_form(
        decision.id, decision.recommendation, place.channel, place.ts, place.thread_ts
    )
    if not services.slack.open_view(str(body.get("trigger_id") or ""), form):
        _tell(services, place, user, trouble(messages.form_failed()))


def correct(services: Services, body: Payload) -> None:
    """A submitted correction."""
    view = body.get("view") or {}
    user = str((body.get("user") or {}).get("id") or "")
    ids = _metadata(str(view.get("private_metadata") or ""))
    place = Place(ids.get("channel") or user, ids.get("ts") or "", ids.get("thread_ts"))
    decision = services.store.decisions.get(ids.get("decision") or "")
    answer, reason = _entered(view)
    if decision is None or answer not in ANSWERS or reason not in REASONS:
        _tell(services, place, user, trouble(messages.decision_unknown()))
        return
    known = services.cards.get(decision.id)
    if known is not None:
        place = Place(
            place.channel,
            place.ts,
            place.thread_ts,
            tuple(known.message.blocks),
            known.message.text,
            known.response_url,
        )
    verdict = services.store.decisions.judge(
        decision.id, "corrected", answer, REASONS[reason], user
    )
    _settle(services, decision, verdict, place, user, "corrected")


def _clicked(services: Services, body: Payload) -> tuple[DecisionRow | None, Place, str]:
    """The decision a button stands for, where its card is, and who clicked."""
    container = body.get("container") or {}
    message = body.get("message") or {}
    ephemeral = bool(container.get("is_ephemeral"))
    place = Place(
        channel=str(container.get("channel_id") or (body.get("channel") or {}).get("id") or ""),
        ts=str(container.get("message_ts") or message.get("ts") or ""),
        thread_ts=container.get("thread_ts") or message.get("thread_ts"),
        blocks=tuple(message.get("blocks") or ()),
        text=str(message.get("text") or ""),
        response_url=str(body.get("response_url") or "") if ephemeral else "",
    )
    user = str((body.get("user") or {}).get("id") or "")
    value = str((body.get("actions") or [{}])[0].get("value") or "")
    decision = services.store.decisions.get(value)
    if decision is not None and not ephemeral and decision.channel != place.channel:
        # A payload that was put together, not clicked: the card is in another conversation.
        decision = None
    return decision, place, user


def _settle(
    services: Services,
    decision: DecisionRow,
    verdict: Verdict,
    place: Place,
    user: str,
    wanted: str,
) -> None:
    """Show the verdict that counts on the card, and tell whoever came second."""
    shown = _show(services, decision, verdict, place)
    if wanted and verdict.user == user:
        keep(services, decision, verdict)
    if verdict.user != user or (wanted and verdict.verb != wanted):
        _tell(services, place, user, notice(messages.already_decided(verdict.user)))
    elif not shown:
        _tell(services, place, user, notice(messages.verdict_kept()))


def _show(services: Services, decision: DecisionRow, verdict: Verdict, place: Place) -> bool:
    """Change the card; False where that can't be done."""
    known = services.cards.get(decision.id)
    if place.response_url:
        base = known.message if known is not None else summary(decision)
        blocks = with_verdict(base.blocks, decision.id, verdict)
        message = Rendered(base.text, blocks)
        return services.slack.respond(place.response_url, message, replace=True)
    blocks = list(place.blocks)
    text = place.text
    if not blocks:
        found, _ = services.slack.read_message(place.channel, place.ts, place.thread_ts)
        blocks = list((found or {}).get("blocks") or [])
        text = str((found or {}).get("text") or "")
    if not blocks:
        fallback = summary(decision)
        blocks, text = fallback.blocks, fallback.text
    message = Rendered(text, with_verdict(blocks, decision.id, verdict))
    return services.slack.update(Posted(place.channel, place.ts), message)


def _tell(services: Services, place: Place, user: str, message: Rendered) -> None:
    thread = place.thread_ts if place.thread_ts != place.ts else None
    if place.response_url and services.slack.respond(place.response_url, message):
        return
    services.slack.whisper(place.channel or user, user, message, thread)


def _metadata(text: str) -> dict[str, str | None]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _entered(view: Payload) -> tuple[str, str]:
    values = (view.get("state") or {}).get("values") or {}

    def chosen(name: str) -> str:
        option = ((values.get(name) or {}).get(name) or {}).get("selected_option") or {}
        return str(option.get("value") or "")

    return chosen(ANSWER), chosen(REASON)
