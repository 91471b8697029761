"""`/retrain`: trains on the shipped corpus for a lead, shows how it goes, and reports.

The run is a row before it is work. Whichever bot holds the row watches; when that bot ends, another
goes on, and the same message shows it.
"""

import logging
import time
from collections.abc import Mapping
from functools import partial
from typing import Any

from bot import messages
from bot.blocks.notices import notice
from bot.blocks.parts import Rendered, moment
from bot.blocks.retrain import failed, progress, report
from bot.logs import whereabouts
from bot.services import Services
from bot.slack import Posted
from bot.store.retrains import Run
from mlops.backends import Job
from mlops.errors import NotFoundError, TriageError
from mlops.settings import DEFAULT_ENDPOINT

logger = logging.getLogger(__name__)

POLL_SECONDS = 1.0
# Slack allows about one change of a message per second and channel; people read slower still.
SHOW_SECONDS = 3.0


def retrain(services: Services, command: Mapping[str, Any]) -> None:
    """Answer the slash command: start a run, or say why not.

    Args:
        services: Of this process.
        command: The command's payload.
    """
    user, channel = str(command.get("user_id") or ""), str(command.get("channel_id") or "")
    text = str(command.get("text") or "").strip().lower()

    def tell(message: Rendered) -> None:
        url = str(command.get("response_url") or "")
        if not (url and services.slack.respond(url, message)):
            services.slack.whisper(channel, user, message)

    if text == "help":
        tell(notice(messages.retrain_help()))
        return
    audit = services.store.audit
    if not services.roles.is_lead(user):
        audit.add(user, "retrain", "", channel, "refused: not a lead")
        tell(notice(messages.ask_leads(services.roles.leads)))
        return
    run = services.store.retrains.begin(user, channel)
    if run is None:
        active = services.store.retrains.active()
        audit.add(user, "retrain", active.job if active else "", channel, "refused: one runs")
        tell(notice(_running(services, active)))
        return
    audit.add(user, "retrain", run.job, channel, "started")
    shown = _show(services, run, progress(run, None, "Preparing the data"))
    if shown.channel != channel:
        tell(notice(messages.retrain_elsewhere()))
    if not services.jobs.submit(partial(watch, services, shown)):
        _end(services, shown, failed(shown, messages.busy_jobs()), "failed")


def _running(services: Services, run: Run | None) -> str:
    if run is None:
        return messages.retrain_just_ended()
    link = None
    if run.message_ts:
        link = services.slack.permalink(Posted(run.channel, run.message_ts))
    return messages.retrain_running(run.user, moment(run.started), link)


def watch(services: Services, run: Run) -> None:
    """Do a run, or go on with it: every step finds what an earlier process has done already."""
    from mlops import operations

    try:
        job = _find(services, run)
        if job is None:
            run = _show(services, run, progress(run, None, "Preparing the data"))
            dataset = operations.prepare_data(services.settings.triage_home)
            job = operations.start_training(services.backend, dataset, name=run.job)
        ended = _follow(services, run, job)
        if ended is None:
            # This process is stopping: the next one goes on.
            return
        version = operations.finish(services.backend, ended)
        command = _how_to_serve(services, version.name)
        message = report(run, version, _serving(services), command)
        _end(services, run, message, "completed", version.name)
    except TriageError as error:
        _end(services, run, failed(run, str(error)), "failed")
    except Exception as error:  # noqa: BLE001  the lead gets a sentence whatever happens
        logger.error("retraining: %s", whereabouts(error))
        _end(services, run, failed(run, messages.unexpected_elsewhere()), "failed")


def _find(services: Services, run: Run) -> Job | None:
    try:
        return services.backend.job(run.job)
    except NotFoundError:
        return None


def _follow(services: Services, run: Run, job: Job) -> Job | None:
    """Show the job until it has ended; None when this process has to stop first."""
    seen: Job | None = None
    next_show = 0.0
    while True:
        if job.done:
            return job
        if job != seen and time.monotonic() >= next_show:
            run = _show(services, run, progress(run, job, "Training"))
            seen, next_show = job, time.monotonic() + SHOW_SECONDS
        if services.stopping.wait(POLL_SECONDS):
            return None
        job = services.backend.job(run.job)


def _serving(services: Services) -> str:
    try:
        return services.classifier.model_version
    except TriageError:
        return ""


def _how_to_serve(services: Services, version: str) -> str:
    """The command that serves a version: an update where there is an endpoint, else a first one."""
    endpoint = services.settings.triage_endpoint or DEFAULT_ENDPOINT
    try:
        services.backend.endpoint(endpoint)
    except NotFoundError:
        return f"triage deploy {version}"
    return f"triage endpoints update {endpoint} {version}"


def _show(services: Services, run: Run, message: Rendered) -> Run:
    """Change the run's message, or post it if there is none yet; the run with where it is."""
    if run.message_ts and services.slack.update(Posted(run.channel, run.message_ts), message):
        return run
    marker = f"retrain-{run.id}"
    old = Posted(run.channel, run.message_ts) if run.message_ts else None
    if old is None:
        found = services.slack.find_own(run.channel, None, run.started - 60, marker)
        if found is not None and services.slack.update(found, message):
            return _moved(services, run, found)
    posted, _ = services.slack.post(run.channel, message, marker=marker)
    if posted is None:
        posted, _ = services.slack.post(run.user, message)
    if posted is None:
        return run
    if old is not None:
        services.slack.delete(old)
    return _moved(services, run, posted)


def _moved(services: Services, run: Run, at: Posted) -> Run:
    services.store.retrains.set_message(run, at.channel, at.ts)
    return Run(run.id, run.job, run.user, at.channel, at.ts, run.state, run.started)


def _end(
    services: Services, run: Run, message: Rendered, state: str, version: str | None = None
) -> None:
    services.store.audit.add(run.user, "retrain", version or run.job, run.channel, state)
    _show(services, run, message)
    services.store.retrains.finish(run, state, version)
