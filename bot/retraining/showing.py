"""The one message of a run, and the pictures in its thread: posted once, changed in place."""

import logging
from pathlib import Path

from bot import ops_messages
from bot.blocks.retrain import card, marker
from bot.placing import place
from bot.services import Services
from bot.slack import Posted, Upload
from bot.store.retrains import Run
from mlops.backends import Job
from mlops.comparing import REPORT

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
        endpoint=services.endpoint,
        hours=settings.triage_approval_hours,
        two_person=settings.triage_two_person,
    )
    return place(services, services.store.retrains, run, message, marker(run))


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
