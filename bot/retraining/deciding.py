"""The buttons of a run's card: Stop, Approve, Reject."""

import time
from collections.abc import Mapping
from typing import Any

from bot import ops_messages
from bot.blocks.notices import notice
from bot.deciding import clicked, closed, objection, too_late
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
    run, user = clicked(services, services.store.retrains, body, "approve")
    if run is None:
        return
    sentence = objection(services, services.store.retrains, run, user, show)
    if sentence := sentence or _approve(services, run, user):
        tell(services, body, notice(sentence))


def _approve(services: Services, run: Run, user: str) -> str:
    """Hand it over to deploying; what to tell the person, or ""."""
    from mlops import operations

    retrains = services.store.retrains
    serving = operations.champion(services.backend, services.endpoint)
    if serving.name != run.champion:
        line = Line(user, "approve", f"refused: {serving.name} serves, not {run.champion}")
        findings = {**run.findings, "serves": serving.name}
        outdated = retrains.decide(run, "outdated", line, findings=findings)
        if outdated is not None:
            show(services, outdated)
        return ""
    line = Line(user, "approve", "approved")
    approved = retrains.decide(
        run,
        "deploying",
        line,
        decided_by=user,
        decided=time.time(),
        failure=None,
        findings=new_deployment(run),
    )
    if approved is None:
        return too_late(services, retrains, run, user, "approve", show)
    go_on(services, approved)
    return ""


def reject(services: Services, body: Payload) -> None:
    """A click on Reject."""
    retrains = services.store.retrains
    run, user = clicked(services, retrains, body, "reject")
    if run is None:
        return
    sentence = closed(services, retrains, run, user, "reject", show)
    if not sentence:
        line = Line(user, "reject", "rejected")
        rejected = retrains.decide(
            run, "rejecting", line, decided_by=user, decided=time.time(), failure=None
        )
        if rejected is not None:
            go_on(services, rejected)
            return
        sentence = too_late(services, retrains, run, user, "reject", show)
    tell(services, body, notice(sentence))
