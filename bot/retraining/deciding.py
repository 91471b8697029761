"""The buttons of a run's card: Stop, Approve, Reject; and the clock, when nobody clicks."""

import time
from collections.abc import Mapping
from typing import Any

from bot import deploy_messages, ops_messages
from bot.blocks.notices import notice
from bot.handover import tell
from bot.placing import link
from bot.retraining.running import BY_ITSELF, endpoint_name, go_on
from bot.retraining.showing import show
from bot.services import Services
from bot.store.retrains import Line, Run

Payload = Mapping[str, Any]


def stop(services: Services, body: Payload) -> None:
    """A click on Stop."""
    run, user = _clicked(services, body, "stop")
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
    from mlops import operations

    run, user = _clicked(services, body, "approve")
    if run is None or not _still_open(services, run, user, "approve", body):
        return
    target = run.version or run.job
    if services.settings.triage_two_person and user == run.user:
        services.store.audit.add(user, "approve", target, run.channel, "refused: asked for it")
        tell(services, body, notice(ops_messages.not_the_asker()))
        return
    if (lock := services.store.lock.current()) is not None:
        services.store.audit.add(user, "approve", target, run.channel, "refused: locked")
        tell(services, body, notice(deploy_messages.locked(lock)))
        return
    retrains = services.store.retrains
    serving = operations.champion(services.backend, endpoint_name(services))
    if serving.name != run.champion:
        line = Line(user, "approve", f"refused: {serving.name} serves, not {run.champion}")
        findings = {**run.findings, "serves": serving.name}
        outdated = retrains.decide(run, "outdated", line, findings=findings)
        if outdated is not None:
            show(services, outdated)
        return
    line = Line(user, "approve", "approved")
    approved = retrains.decide(
        run, "deploying", line, decided_by=user, decided=time.time(), failure=None
    )
    if approved is None:
        _too_late(services, run, user, "approve", body)
    else:
        go_on(services, approved)


def reject(services: Services, body: Payload) -> None:
    """A click on Reject."""
    run, user = _clicked(services, body, "reject")
    if run is None or not _still_open(services, run, user, "reject", body):
        return
    line = Line(user, "reject", "rejected")
    rejected = services.store.retrains.decide(
        run, "rejected", line, decided_by=user, decided=time.time()
    )
    if rejected is None:
        _too_late(services, run, user, "reject", body)
    else:
        show(services, rejected)


def expire(services: Services) -> None:
    """End every offer that nobody took in time."""
    for run in services.store.retrains.expired():
        line = Line(BY_ITSELF, "approve", "expired")
        ended = services.store.retrains.decide(run, "expired", line)
        if ended is not None:
            show(services, ended)


def _clicked(services: Services, body: Payload, action: str) -> tuple[Run | None, str]:
    """The run that a button stands for and who clicked; None if they may not, and they are told."""
    user = str((body.get("user") or {}).get("id") or "")
    container = body.get("container") or {}
    channel = str(container.get("channel_id") or (body.get("channel") or {}).get("id") or "")
    ts = str(container.get("message_ts") or (body.get("message") or {}).get("ts") or "")
    value = str((body.get("actions") or [{}])[0].get("value") or "")
    run = services.store.retrains.get(value)
    target = "" if run is None else run.version or run.job
    if not services.allowed(user, action, target, channel):
        tell(services, body, notice(ops_messages.ask_leads(services.roles.leads)))
        return None, user
    if run is None or (run.channel, run.message_ts) != (channel, ts):
        # A payload that was put together, not clicked, or a copy of the card.
        services.store.audit.add(user, action, target, channel, "refused: not on its card")
        tell(services, body, notice(ops_messages.not_your_card()))
        return None, user
    return run, user


def _still_open(services: Services, run: Run, user: str, action: str, body: Payload) -> bool:
    """Whether the run waits for a decision; if not, the card and the person are told."""
    if run.state == "waiting" and (run.expires or 0.0) >= time.time():
        return True
    if run.state == "waiting":
        expire(services)
    _too_late(services, run, user, action, body)
    return False


def _too_late(services: Services, run: Run, user: str, action: str, body: Payload) -> None:
    target = run.version or run.job
    now = services.store.retrains.get(run.id) or run
    services.store.audit.add(user, action, target, run.channel, f"refused: it is {now.state}")
    tell(services, body, notice(ops_messages.decided_already(now.decided_by)))
    if not now.under_way and now.state != "deploying":
        # A card that somebody could still click may be an old one.
        show(services, now)
