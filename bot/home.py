"""The Home tab: what is gathered for a person, and the buttons that leads have there."""

import time
from collections.abc import Mapping
from typing import Any

from bot import messages, ops_messages
from bot.blocks.board import Board, running_line
from bot.blocks.home import Serving, home_view
from bot.blocks.notices import notice, trouble
from bot.blocks.redeploy import title_of
from bot.blocks.retrain import TITLES
from bot.board import DAY, MONTH_DAYS, SPAN_SECONDS, figures
from bot.handover import tell
from bot.placing import link
from bot.retraining.asking import form_for
from bot.services import Services
from mlops.backends import Endpoint
from mlops.errors import TriageError

Payload = Mapping[str, Any]
RECENT = 10


def publish(services: Services, user: str) -> None:
    """Show a person their Home tab as things stand now."""
    decisions = services.store.decisions
    serving = _serving(services)
    view = home_view(
        decisions.recent(user, RECENT),
        decisions.counts(time.time() - MONTH_DAYS * DAY, user),
        serving,
        _board(services, serving) if services.roles.is_lead(user) else None,
        kept_days=services.kept_days,
    )
    services.slack.publish_home(user, view)


def clicked_retrain(services: Services, body: Payload) -> None:
    """A click on Retrain…: the form; the run is shown in the person's direct message."""
    user = str((body.get("user") or {}).get("id") or "")
    if not services.allowed(user, "retrain", "", user):
        answer = notice(ops_messages.ask_leads(services.roles.leads))
        tell(services, {"user_id": user, "channel_id": user}, answer)
        return
    form = form_for(services, user)
    if not services.slack.open_view(str(body.get("trigger_id") or ""), form):
        tell(services, {"user_id": user, "channel_id": user}, trouble(messages.form_failed()))


def _serving(services: Services) -> Serving:
    """What answers now and its figure; what can't be found out is left out."""
    try:
        version = services.classifier.model_version
    except TriageError:
        return Serving("")
    since, by = _brought_by(services, version)
    try:
        known = services.backend.version(version)
    except TriageError:
        return Serving(version, since=since, by=by)
    return Serving(version, known.created.timestamp(), known.metrics.get("auc"), since, by)


def _brought_by(services: Services, version: str) -> tuple[float | None, str | None]:
    """Since when a version serves, and which lead decided that; None: not from Slack."""
    endpoint = _endpoint(services)
    since = endpoint.updated.timestamp() if endpoint is not None else None
    candidates: list[tuple[float, str]] = []
    redeployed = services.store.redeploys.last_of(version)
    if redeployed is not None:
        candidates.append((redeployed.started, redeployed.decider))
    made = services.store.retrains.maker(version)
    if made is not None and made.state == "serving" and made.decided_by and made.decided:
        candidates.append((made.decided, made.decided_by))
    return since, max(candidates)[1] if candidates else None


def _endpoint(services: Services) -> Endpoint | None:
    try:
        return services.backend.endpoint(services.endpoint)
    except TriageError:
        return None


def _board(services: Services, serving: Serving) -> Board:
    store = services.store
    endpoint = _endpoint(services)
    made = store.retrains.maker(serving.version)
    data = made.findings.get("data") if made is not None else None
    return Board(
        figures(store.traffic.events(time.time() - SPAN_SECONDS)),
        outages=store.traffic.outages(time.time() - MONTH_DAYS * DAY),
        running=_running(services),
        lock=store.lock.current(),
        serves=serving.version,
        previous=endpoint.previous if endpoint is not None else None,
        disputed=len(store.disagreements.open()),
        kept=len(store.labels.all()) if store.labels.wanted else None,
        trained_surgery=data.get("surgery") if isinstance(data, dict) else None,
    )


def _running(services: Services) -> tuple[str, ...]:
    """What is under way, and what waits for a lead's click."""
    store = services.store
    lines = []
    for run in [run for run in (store.retrains.active(),) if run] + store.retrains.waiting():
        where = link(services, run)
        lines.append(running_line(TITLES[run.state], run.user, run.started, where))
    for row in [row for row in (store.redeploys.active(),) if row] + store.redeploys.waiting():
        lines.append(running_line(title_of(row), row.user, row.started, link(services, row)))
    return tuple(lines)
