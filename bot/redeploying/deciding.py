"""The button of a redeployment's card: Roll back."""

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
    user = str((body.get("user") or {}).get("id") or "")
    container = body.get("container") or {}
    channel = str(container.get("channel_id") or (body.get("channel") or {}).get("id") or "")
    ts = str(container.get("message_ts") or (body.get("message") or {}).get("ts") or "")
    value = str((body.get("actions") or [{}])[0].get("value") or "")
    row = services.store.redeploys.get(value)
    target = "" if row is None else row.version
    if not services.allowed(user, "rollback", target, channel):
        tell(services, body, notice(ops_messages.ask_leads(services.roles.leads)))
    elif row is None or (row.channel, row.message_ts) != (channel, ts):
        # A payload that was put together, not clicked, or a copy of the card.
        services.store.audit.add(user, "rollback", target, channel, "refused: not on its card")
        tell(services, body, notice(ops_messages.not_your_card()))
    else:
        tell(services, body, notice(_roll_back(services, row, user)))


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
