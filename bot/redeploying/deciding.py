"""The buttons of a redeployment's card: Roll back; Approve and Cancel where two have to agree."""

import time
from collections.abc import Mapping
from typing import Any

from bot import deploy_messages, ops_messages
from bot.blocks.notices import notice
from bot.handover import tell
from bot.placing import link
from bot.redeploying.running import go_on
from bot.redeploying.showing import show
from bot.services import Services
from bot.store.redeploys import Redeploy
from mlops.errors import NotFoundError

Payload = Mapping[str, Any]


def clicked_roll_back(services: Services, body: Payload) -> None:
    """A click on Roll back: while it is watched, or later, as long as that version serves."""
    row, user = _clicked(services, body, "rollback")
    if row is not None:
        tell(services, body, notice(_roll_back(services, row, user)))


def clicked_approve(services: Services, body: Payload) -> None:
    """A click on Approve, where two people have to agree on a deployment."""
    row, user = _clicked(services, body, "approve")
    if row is not None and (sentence := _approve(services, row, user)):
        tell(services, body, notice(sentence))


def clicked_cancel(services: Services, body: Payload) -> None:
    """A click on Cancel, by any lead, also the one who asked."""
    row, user = _clicked(services, body, "reject")
    if row is None:
        return
    cancelled = services.store.redeploys.cancel(row, user)
    if cancelled is None:
        tell(services, body, notice(_too_late(services, row, user, "reject")))
    else:
        show(services, cancelled)


def _clicked(services: Services, body: Payload, action: str) -> tuple[Redeploy | None, str]:
    """The row a button stands for and who clicked; None if they may not, and they are told."""
    user = str((body.get("user") or {}).get("id") or "")
    container = body.get("container") or {}
    channel = str(container.get("channel_id") or (body.get("channel") or {}).get("id") or "")
    ts = str(container.get("message_ts") or (body.get("message") or {}).get("ts") or "")
    value = str((body.get("actions") or [{}])[0].get("value") or "")
    row = services.store.redeploys.get(value)
    target = "" if row is None else row.version
    if not services.allowed(user, action, target, channel):
        tell(services, body, notice(ops_messages.ask_leads(services.roles.leads)))
        return None, user
    if row is None or (row.channel, row.message_ts) != (channel, ts):
        # A payload that was put together, not clicked, or a copy of the card.
        services.store.audit.add(user, action, target, channel, "refused: not on its card")
        tell(services, body, notice(ops_messages.not_your_card()))
        return None, user
    return row, user


def _approve(services: Services, row: Redeploy, user: str) -> str:
    """Let it begin; what to tell the person, or ""."""
    from mlops.operations import champion

    store = services.store
    if user == row.user:
        store.audit.add(user, "approve", row.version, row.channel, "refused: asked for it")
        return deploy_messages.not_the_asker()
    if (lock := store.lock.current()) is not None:
        store.audit.add(user, "approve", row.version, row.channel, "refused: locked")
        return deploy_messages.locked(lock)
    late = time.time() > row.started + services.settings.triage_approval_hours * 3600
    if late and (expired := store.redeploys.expire(row)) is not None:
        show(services, expired)
        return deploy_messages.expired()
    serves = champion(services.backend, row.endpoint).name
    approved = store.redeploys.approve(row, user, serves)
    if approved is not None:
        go_on(services, approved)
        return ""
    return _too_late(services, row, user, "approve")


def _too_late(services: Services, row: Redeploy, user: str, action: str) -> str:
    """Why a click had no effect: it waits no more, or another one is under way."""
    redeploys = services.store.redeploys
    now, active = redeploys.get(row.id) or row, redeploys.active()
    if now.state == "waiting" and active is not None:
        services.store.audit.add(
            user, action, row.version, row.channel, "refused: one is under way"
        )
        return deploy_messages.under_way(active.version, active.user, link(services, active))
    services.store.audit.add(user, action, row.version, row.channel, f"refused: it is {now.state}")
    return deploy_messages.waits_no_more()


def _roll_back(services: Services, row: Redeploy, user: str) -> str:
    redeploys = services.store.redeploys
    if redeploys.request_return(row, user) is not None:
        return deploy_messages.going_back(link(services, row))
    now = redeploys.get(row.id) or row
    if now.stop_by or now.state in ("returning", "returned"):
        return deploy_messages.going_back(link(services, now))
    if now.state != "serving" or _serves(services, now) != now.version:
        services.store.audit.add(user, "rollback", now.version, now.channel, "refused: too late")
        show(services, now)
        return deploy_messages.not_to_go_back()
    reopened = redeploys.reopen(now, user)
    if reopened is None:
        active = redeploys.active()
        services.store.audit.add(
            user, "rollback", now.version, now.channel, "refused: one is under way"
        )
        if active is None:
            return ops_messages.just_ended()
        return deploy_messages.under_way(active.version, active.user, link(services, active))
    go_on(services, reopened)
    return deploy_messages.going_back(link(services, reopened))


def _serves(services: Services, row: Redeploy) -> str:
    try:
        return services.backend.endpoint(row.endpoint).version
    except NotFoundError:
        return ""
