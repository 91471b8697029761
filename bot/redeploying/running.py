"""The steps of a redeployment, each of which finds what an earlier process has done already.

A process that is killed at any moment leaves the row at the step it was in; the next one repeats
that step. What was measured before the change is in the row, and serving a version that serves
changes nothing.
"""

import logging
import time
from dataclasses import asdict, replace
from functools import partial
from typing import Any

from bot import deploy_messages
from bot.deciding import BY_ITSELF
from bot.redeploying.showing import show
from bot.services import Services
from bot.store.redeploys import Redeploy
from bot.store.work import Line
from bot.working import Kind, work_on
from mlops.errors import TriageError
from mlops.watching import Finding, Sample

logger = logging.getLogger(__name__)

# Between two measurements; a short watch has shorter ones.
PROBE_SECONDS = 15.0
FEWEST_PROBES = 4
POLL_SECONDS = 0.5
# What people sent before the change, to put what they send after it beside.
BASELINE_SECONDS = 30 * 86_400.0
# How long going back is tried again.
RETURN_SECONDS, RETRY_SECONDS = 180.0, 2.0


def go_on(services: Services, row: Redeploy) -> None:
    """Hand it to the threads for jobs; where they are busy, any process takes it later."""
    if not services.jobs.submit(partial(follow, services, row)):
        services.store.redeploys.give_back(row)


def follow(services: Services, row: Redeploy) -> None:
    """Do it, or go on with it, until it has ended."""
    work_on(services, services.store.redeploys, row, KIND)


def _failed(services: Services, row: Redeploy, failure: str) -> Redeploy | None:
    line = Line(row.decider, _name(row), "failed")
    serves = row.previous
    if row.state == "returning":
        line = Line(row.stop_by or BY_ITSELF, "rollback", "failed")
        serves, failure = row.version, deploy_messages.return_failed(failure)
    findings = {**row.findings, "serves": serves}
    return services.store.redeploys.advance(row, "failed", line, failure=failure, findings=findings)


def _name(row: Redeploy) -> str:
    return "redeploy" if row.action == "deploy" else "rollback"


def _measure(services: Services, row: Redeploy) -> Redeploy | None:
    from mlops import watching

    before = watching.measure_if_there(services.backend, row.endpoint)
    findings = {**row.findings, "before": watching.to_json(before)}
    return services.store.redeploys.advance(row, "starting", findings=findings)


def _start(services: Services, row: Redeploy) -> Redeploy | None:
    from mlops import operations

    change = operations.go_back if row.action == "rollback" else operations.serve
    change(services.backend, row.endpoint, row.version)
    services.look_again()
    minutes = services.settings.triage_watch_minutes
    redeploys = services.store.redeploys
    if row.action == "rollback" or minutes == 0:
        return redeploys.advance(row, "serving", Line(row.decider, _name(row), "serving"))
    line = Line(row.decider, _name(row), "serving, watched")
    now = time.time()
    findings = {**row.findings, "since": now}
    return redeploys.advance(
        row, "watching", line, watch_until=now + minutes * 60, findings=findings
    )


def _watch(services: Services, row: Redeploy) -> Redeploy | None:
    """Measure now and then, until the time is over, it is worse, or somebody wants to go back."""
    from mlops import watching

    redeploys = services.store.redeploys
    until = row.watch_until or 0.0
    since = float(row.findings["since"])
    pause = min(PROBE_SECONDS, max(POLL_SECONDS, (until - since) / FEWEST_PROBES))
    before = watching.from_json(row.findings.get("before"))
    people = services.store.traffic.sample(row.previous, since - BASELINE_SECONDS, since)
    while True:
        held = redeploys.held(row)
        if held is None:
            return None
        row = held
        if row.stop_by:
            return redeploys.advance(row, "returning")
        serves = _serves(services, row)
        if serves not in (None, row.version):
            line = Line(BY_ITSELF, "redeploy", f"superseded: {serves} serves")
            findings = {**row.findings, "serves": serves}
            return redeploys.advance(row, "superseded", line, findings=findings)
        after = watching.from_json(row.findings.get("after")) or Sample()
        after = after.plus(_probe(services, row))
        now = services.store.traffic.sample(row.version, since, time.time())
        found = (*watching.judge(before, after), *watching.judge_notes(people, now))
        findings = {**row.findings, "after": watching.to_json(after), **_as_data(found)}
        worse = [finding for finding in found if not finding.fine]
        if worse and row.previous != row.version:
            line = Line(BY_ITSELF, "rollback", f"worse: {', '.join(f.name for f in worse)}")
            findings["why"] = "; ".join(finding.sentence for finding in worse)
            return redeploys.advance(row, "returning", line, findings=findings)
        if time.time() >= until:
            line = Line(BY_ITSELF, "redeploy", "watched, kept")
            return redeploys.advance(row, "serving", line, findings=findings)
        redeploys.note(row, findings)
        row = show(services, replace(row, findings=findings))
        if not _rest(services, row, min(pause, max(0.0, until - time.time()))):
            return None


def _as_data(found: tuple[Finding, ...]) -> dict[str, Any]:
    return {"checks": [asdict(finding) for finding in found]}


def _probe(services: Services, row: Redeploy) -> Sample:
    """Measure; an endpoint that is gone or down answers nothing."""
    from mlops import watching

    try:
        return watching.measure(services.backend, row.endpoint)
    except TriageError:
        return Sample(failed=watching.PROBES)


def _serves(services: Services, row: Redeploy) -> str | None:
    """The version that serves now; None where that can't be told."""
    try:
        return services.backend.endpoint(row.endpoint).version
    except TriageError:
        return None


def _rest(services: Services, row: Redeploy, seconds: float) -> bool:
    """Wait, but no longer than until somebody wants to go back; False if this process stops."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        if services.stopping.wait(min(POLL_SECONDS, left)):
            return False
        held = services.store.redeploys.held(row)
        if held is None or held.stop_by:
            return True
    return True


def _return(services: Services, row: Redeploy) -> Redeploy | None:
    """Serve what served before; tried again for a while, because nobody else will do it."""
    from mlops import operations

    deadline = time.monotonic() + RETURN_SECONDS
    while True:
        try:
            operations.go_back(services.backend, row.endpoint, row.previous)
            break
        except TriageError as error:
            # Such as another operation on the endpoint that is not quite over.
            logger.warning("Going back has to wait: %s", type(error).__name__)
            if time.monotonic() > deadline:
                raise
        if services.stopping.wait(RETRY_SECONDS) or services.store.redeploys.held(row) is None:
            return None
    services.look_again()
    line = Line(row.stop_by or BY_ITSELF, "rollback", "went back")
    return services.store.redeploys.advance(row, "returned", line)


KIND = Kind[Redeploy](
    show,
    {
        "measuring": _measure,
        "starting": _start,
        "watching": _watch,
        "returning": _return,
    },
    _failed,
)
