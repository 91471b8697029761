"""The data of a run: the shipped corpus, a file in Slack, or one on S3, as a dataset folder."""

import uuid
from pathlib import Path

from bot import ops_messages
from bot.files import complete, fetch
from bot.retraining.options import Options
from bot.services import Services
from mlops import operations
from mlops.errors import DataError, NoteError

# Kaggle's file has 17 MB; several of them fit.
MAX_BYTES = 200_000_000


def prepare(services: Services, options: Options) -> Path:
    """The dataset folder that a run's options name; the same one each time.

    Raises:
        DataError: the data can't be had, or is none to train on.
    """
    home = services.settings.triage_home
    if options.data == "s3":
        return operations.prepare_data(home, options.address)
    if options.data == "file":
        return _uploaded(services, options.file, home)
    return operations.prepare_data(home)


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
