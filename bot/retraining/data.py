"""The data of a run: the shipped corpus, a file in Slack, or one on S3, as a dataset folder."""

import logging
import uuid
from pathlib import Path

from bot import ops_messages
from bot.files import complete, fetch
from bot.retraining.options import Options
from bot.services import Services
from mlops import operations
from mlops.errors import BackendError, DataError, NoteError

logger = logging.getLogger(__name__)

# Runs that may have left something.
REMEMBERED = 20
# Kaggle's file has 17 MB; several of them fit.
MAX_BYTES = 200_000_000


def prepare(services: Services, options: Options, asked: float) -> Path:
    """The dataset folder that a run's options name; the same one each time.

    Args:
        services: Of this process.
        options: Of the run.
        asked: When it was asked for, in seconds since the epoch; later corrections don't count.

    Raises:
        DataError: the data can't be had, or is none to train on.
    """
    home = services.settings.triage_home
    if options.data == "corrections":
        records = services.store.labels.records(until=asked)
        if not records:
            raise DataError(ops_messages.no_corrections(services.store.labels.wanted))
        return operations.prepare_data(home, extra=records)
    if options.data == "s3":
        return operations.prepare_data(home, options.address)
    if options.data == "file":
        return _uploaded(services, options.file, home)
    return operations.prepare_data(home)


def forget(services: Services) -> None:
    """Remove people's notes from the disk as soon as no run needs them any more."""
    home, retrains = services.settings.triage_home, services.store.retrains
    if not operations.has_private(home) or retrains.active() is not None:
        return
    runs = [run for run in retrains.latest(REMEMBERED) if run.options.data == "corrections"]
    try:
        operations.forget_private(home, services.backend, [run.job for run in runs])
    except BackendError as error:
        logger.warning("Notes are still on the disk: %s", type(error).__name__)


def _uploaded(services: Services, file: str, home: Path) -> Path:
    """From a file in Slack; the dataset is kept, the file is not."""
    try:
        content, kind = fetch(services.slack, complete(services.slack, {"id": file}), MAX_BYTES)
    except NoteError:
        # Its sentence is for somebody who sent a note.
        raise DataError(ops_messages.file_not_had(MAX_BYTES)) from None
    if kind == "text/html":
        # Slack's sign-in page, which comes in place of the file where a scope is missing.
        raise DataError(ops_messages.file_not_had(MAX_BYTES))
    folder = home / "downloads"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{uuid.uuid4().hex}.csv"
    try:
        path.write_bytes(content)
        return operations.prepare_data(home, path)
    except OSError as error:
        raise DataError(
            f"The file can't be kept in {folder}: {error.strerror}. Nothing was started. "
            "Make room there."
        ) from None
    except DataError as error:
        # The name here says nothing to whoever uploaded it under another one.
        raise DataError(str(error).replace(str(path), "The file")) from None
    finally:
        path.unlink(missing_ok=True)
