"""The one message of a run, and the pictures in its thread: posted once, changed in place."""

import logging
from dataclasses import replace
from pathlib import Path

from bot import ops_messages
from bot.blocks.parts import Rendered
from bot.blocks.retrain import card, marker
from bot.services import Services
from bot.slack import GONE, Posted, Upload
from bot.store.retrains import Run
from mlops.backends import Job
from mlops.comparing import REPORT
from mlops.settings import DEFAULT_ENDPOINT

logger = logging.getLogger(__name__)

TITLES = {
    "roc": "ROC: champion and challenger",
    "reliability": "Reliability: predicted and observed share of Surgery",
    "confusion": "Confusion matrices",
}


def show(services: Services, run: Run, *, job: Job | None = None, step: str = "") -> Run:
    """Bring a run's message to how the run stands; the run with where the message is."""
    settings = services.settings
    message = card(
        run,
        job=job,
        step=step,
        endpoint=settings.triage_endpoint or DEFAULT_ENDPOINT,
        hours=settings.triage_approval_hours,
        two_person=settings.triage_two_person,
    )
    placed = _place(services, run, message)
    if placed is None:
        services.store.retrains.show_later(run)
        return run
    services.store.retrains.set_shown(placed)
    return replace(placed, shown=placed.revision)


def link(services: Services, run: Run) -> str | None:
    """A link to a run's message."""
    if run.message_ts is None:
        return None
    return services.slack.permalink(Posted(run.channel, run.message_ts))


def share(services: Services, run: Run, pictures: list[Path], folder: Path) -> bool:
    """Put the pictures and the report into the thread, once; False where Slack doesn't take them.

    Args:
        services: Of this process.
        run: Whose thread.
        pictures: PNG files.
        folder: Where the report is.
    """
    if run.message_ts is None:
        return False
    where = Posted(run.channel, run.message_ts)
    report = f"{run.job}-{REPORT}"
    if services.slack.has_file(where, report):
        return True
    uploads = [
        Upload(f"{run.job}-{path.name}", TITLES.get(path.stem, path.stem), path.read_bytes())
        for path in sorted(pictures, key=_order)
    ]
    uploads.append(Upload(report, "Full report of the comparison", (folder / REPORT).read_bytes()))
    return services.slack.upload(where, uploads, ops_messages.pictures(len(pictures)))


def _order(path: Path) -> int:
    """Where a picture stands: as in `TITLES`, others after them."""
    return [*TITLES, path.stem].index(path.stem)


def _place(services: Services, run: Run, message: Rendered) -> Run | None:
    """Change the run's message, or post it where there is none; None: not now."""
    slack = services.slack
    old = Posted(run.channel, run.message_ts) if run.message_ts else None
    if old is not None:
        code = slack.change(old, message)
        if not code:
            return run
        if code not in GONE:
            return None
    for place in (run.channel, run.user):
        found = slack.find_own(place, None, run.started - 60, marker(run)) if old is None else None
        if found is not None and slack.update(found, message):
            return _moved(services, run, found)
        posted, _ = slack.post(place, message, marker=marker(run))
        if posted is not None:
            return _moved(services, run, posted)
    return None


def _moved(services: Services, run: Run, at: Posted) -> Run:
    services.store.retrains.set_message(run, at.channel, at.ts)
    return replace(run, channel=at.channel, message_ts=at.ts)
