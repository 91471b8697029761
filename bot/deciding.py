"""Clicks on the card of a retrain run or a redeployment, and the clock when nobody clicks.

The rules are the same for both: leads only; on the card itself; in time; where two have to agree,
not by whoever asked; nothing is approved while deploying is locked or another deployment is under
way. Of several clicks the first one counts. What was refused is in the audit log.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from bot import deploy_messages, ops_messages
from bot.blocks.notices import notice
from bot.handover import tell
from bot.placing import link
from bot.services import Services
from bot.store.work import WAITING, Line, Row, Work

Payload = Mapping[str, Any]
R = TypeVar("R", bound=Row)
Show = Callable[[Services, R], R]
# Who did it, in the audit log, when nobody did.
BY_ITSELF = ""


def clicked(services: Services, work: Work[R], body: Payload, action: str) -> tuple[R | None, str]:
    """The row a button stands for and who clicked; None if they may not, and they are told.

    Args:
        services: Of this process.
        work: The row's table.
        body: The click.
        action: What for, as the audit log calls it.
    """
    user = str((body.get("user") or {}).get("id") or "")
    container = body.get("container") or {}
    channel = str(container.get("channel_id") or (body.get("channel") or {}).get("id") or "")
    ts = str(container.get("message_ts") or (body.get("message") or {}).get("ts") or "")
    value = str((body.get("actions") or [{}])[0].get("value") or "")
    row = work.get(value)
    target = "" if row is None else row.target
    if not services.allowed(user, action, target, channel):
        tell(services, body, notice(ops_messages.ask_leads(services.roles.leads)))
        return None, user
    if row is None or (row.channel, row.message_ts) != (channel, ts):
        # A payload that was put together, not clicked, or a copy of the card.
        services.store.audit.add(user, action, target, channel, "refused: not on its card")
        tell(services, body, notice(ops_messages.not_your_card()))
        return None, user
    return row, user


def decided(
    services: Services,
    work: Work[R],
    body: Payload,
    action: str,
    show: Show[R],
    decide: Callable[[R, str], R | None],
) -> R | None:
    """What a click on Approve, or on its opposite, made of a row that waited.

    None where it made nothing of it; then whoever clicked has been told why.

    Args:
        services: Of this process.
        work: The row's table.
        body: The click.
        action: `approve`, or its opposite as the audit log calls it.
        show: Brings the row's message to how the row stands.
        decide: Changes the row, for whoever clicked; None: something was quicker.
    """
    row, user = clicked(services, work, body, action)
    if row is None:
        return None
    if action == "approve":
        sentence = objection(services, work, row, user, show)
    else:
        sentence = closed(services, work, row, user, action, show)
    if not sentence:
        changed = decide(row, user)
        if changed is not None:
            return changed
        sentence = too_late(services, work, row, user, action, show)
    tell(services, body, notice(sentence))
    return None


def objection(services: Services, work: Work[R], row: R, user: str, show: Show[R]) -> str:
    """What speaks against an approval, as a sentence for whoever clicked (mrkdwn); or ""."""
    store = services.store
    if sentence := closed(services, work, row, user, "approve", show):
        return sentence
    if services.settings.triage_two_person and user == row.user:
        store.audit.add(user, "approve", row.target, row.channel, "refused: asked for it")
        return ops_messages.not_the_asker()
    if (lock := store.lock.current()) is not None:
        store.audit.add(user, "approve", row.target, row.channel, "refused: locked")
        return deploy_messages.locked(lock)
    if store.redeploys.active() is not None:
        return another_under_way(services, user, "approve", row.target, row.channel)
    return ""


def closed(services: Services, work: Work[R], row: R, user: str, action: str, show: Show[R]) -> str:
    """Why a click comes too late, as a sentence (mrkdwn); "" if the row waits for it."""
    if row.state == WAITING and (row.expires or 0.0) >= time.time():
        return ""
    expire(services, work, show)
    return too_late(services, work, row, user, action, show)


def too_late(
    services: Services, work: Work[R], row: R, user: str, action: str, show: Show[R]
) -> str:
    """What to tell somebody whose click did nothing, because something was quicker (mrkdwn)."""
    now = work.get(row.id) or row
    if now.state == WAITING:
        return another_under_way(services, user, action, row.target, row.channel)
    services.store.audit.add(user, action, row.target, row.channel, f"refused: it is {now.state}")
    if now.state not in work.work:
        # A card that somebody could still click may be an old one.
        show(services, now)
    return ops_messages.decided_already(now.decided_by)


def another_under_way(services: Services, user: str, action: str, target: str, channel: str) -> str:
    """What to tell when another deployment is in the way (mrkdwn)."""
    services.store.audit.add(user, action, target, channel, "refused: one is under way")
    active = services.store.redeploys.active()
    if active is None:
        return deploy_messages.just_ended()
    return deploy_messages.under_way(active.version, active.user, link(services, active))


def expire(services: Services, work: Work[R], show: Show[R]) -> None:
    """End everything of a kind that nobody approved in time."""
    for row in work.expired():
        ended = work.decide(row, "expired", Line(BY_ITSELF, "approve", "expired"))
        if ended is not None:
            show(services, ended)
