"""The buttons of a redeployment's card: Roll back; Approve and Cancel where two have to agree."""

import time
from collections.abc import Mapping
from functools import partial
from typing import Any

from bot import deploy_messages
from bot.blocks.notices import notice
from bot.deciding import another_under_way, clicked, decided
from bot.handover import tell
from bot.placing import link
from bot.redeploying.running import go_on
from bot.redeploying.showing import show
from bot.services import Services
from bot.store.redeploys import Redeploy
from bot.store.work import Line
from mlops.errors import NotFoundError

Payload = Mapping[str, Any]


def clicked_roll_back(services: Services, body: Payload) -> None:
    """A click on Roll back: while it is watched, or later, as long as that version serves."""
    row, user = clicked(services, services.store.redeploys, body, "rollback")
    if row is not None:
        tell(services, body, notice(_roll_back(services, row, user)))


def clicked_approve(services: Services, body: Payload) -> None:
    """A click on Approve, where two people have to agree on a deployment."""
    redeploys = services.store.redeploys
    row = decided(services, redeploys, body, "approve", show, partial(_approve, services))
    if row is not None:
        go_on(services, row)


def _approve(services: Services, row: Redeploy, user: str) -> Redeploy | None:
    """Let it begin, from what serves now."""
    from mlops.operations import champion

    return services.store.redeploys.decide(
        row,
        "measuring",
        Line(user, "approve", "approved"),
        decided_by=user,
        decided=time.time(),
        previous=champion(services.backend, row.endpoint).name,
    )


def clicked_cancel(services: Services, body: Payload) -> None:
    """A click on Cancel, by any lead, also the one who asked."""
    redeploys = services.store.redeploys
    row = decided(services, redeploys, body, "reject", show, partial(_cancel, services))
    if row is not None:
        show(services, row)


def _cancel(services: Services, row: Redeploy, user: str) -> Redeploy | None:
    line = Line(user, "reject", "cancelled")
    return services.store.redeploys.decide(
        row, "cancelled", line, decided_by=user, decided=time.time()
    )


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
        return another_under_way(services, user, "rollback", now.version, now.channel)
    go_on(services, reopened)
    return deploy_messages.going_back(link(services, reopened))


def _serves(services: Services, row: Redeploy) -> str:
    try:
        return services.backend.endpoint(row.endpoint).version
    except NotFoundError:
        return ""
