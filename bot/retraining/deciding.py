"""The buttons of a run's card: Stop, Approve, Reject."""

import time
from collections.abc import Mapping
from functools import partial
from typing import Any

from bot import ops_messages
from bot.blocks.notices import notice
from bot.deciding import clicked, decided
from bot.handover import tell
from bot.placing import link
from bot.retraining.running import go_on, new_deployment
from bot.retraining.showing import show
from bot.services import Services
from bot.store.retrains import Line, Run

Payload = Mapping[str, Any]


def stop(services: Services, body: Payload) -> None:
    """A click on Stop."""
    run, user = clicked(services, services.store.retrains, body, "stop")
    if run is not None:
        request_stop(services, run, user, body)


def request_stop(services: Services, run: Run, user: str, payload: Payload) -> None:
    """Ask a run to stop, and say so; the process that watches it ends it."""
    asked = services.store.retrains.request_stop(run, user)
    if asked is not None:
        tell(services, payload, notice(ops_messages.stopping(link(services, run))))
        return
    now = services.store.retrains.get(run.id) or run
    if now.under_way:
        tell(services, payload, notice(ops_messages.stopping(link(services, now))))
        return
    services.store.audit.add(user, "stop", run.job, run.channel, "refused: ended already")
    tell(services, payload, notice(ops_messages.not_running()))


def approve(services: Services, body: Payload) -> None:
    """A click on Approve: deploys, if nothing speaks against it any more."""
    retrains = services.store.retrains
    run = decided(services, retrains, body, "approve", show, partial(_approve, services))
    if run is not None:
        go_on(services, run)


def _approve(services: Services, run: Run, user: str) -> Run | None:
    """Hand it over to deploying, if it was compared with what serves now."""
    from mlops import operations

    retrains = services.store.retrains
    serving = operations.champion(services.backend, services.endpoint)
    if serving.name != run.champion:
        line = Line(user, "approve", f"refused: {serving.name} serves, not {run.champion}")
        findings = {**run.findings, "serves": serving.name}
        return retrains.decide(run, "outdated", line, findings=findings)
    return retrains.decide(
        run,
        "deploying",
        Line(user, "approve", "approved"),
        decided_by=user,
        decided=time.time(),
        failure=None,
        findings=new_deployment(run),
    )


def reject(services: Services, body: Payload) -> None:
    """A click on Reject."""
    retrains = services.store.retrains
    run = decided(services, retrains, body, "reject", show, partial(_reject, services))
    if run is not None:
        go_on(services, run)


def _reject(services: Services, run: Run, user: str) -> Run | None:
    line = Line(user, "reject", "rejected")
    return services.store.retrains.decide(
        run, "rejecting", line, decided_by=user, decided=time.time(), failure=None
    )
