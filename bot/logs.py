"""Logging that can't hold note text: where an error happened, never what was being read.

Payloads and API answers carry notes. `slack_sdk` and Bolt print them at DEBUG, so their loggers are
held at INFO whatever the root logger says, and our own records hold names, ids and codes only.
"""

import logging
import traceback
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
# What Bolt, the web client and the Socket Mode client get as their logger.
SLACK_LOGGER = "bot.slack_sdk"
HELD_AT_INFO = (SLACK_LOGGER, "slack_sdk", "slack_bolt", "sqlalchemy", "urllib3", "botocore")


class _NoBodies(logging.Filter):
    """Drops the one record in which the SDK quotes an answer it could not parse."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not str(record.msg).startswith("Failed to decode Slack API response")


def hold_libraries() -> logging.Logger:
    """Keep libraries from printing payloads; the logger to give to Bolt and `slack_sdk`."""
    for name in HELD_AT_INFO:
        logger = logging.getLogger(name)
        logger.setLevel(max(logger.level, logging.INFO))
    logger = logging.getLogger(SLACK_LOGGER)
    if not logger.filters:
        logger.addFilter(_NoBodies())
    return logger


def whereabouts(error: BaseException) -> str:
    """The class of an error and the line of ours that it passed last: never its message.

    >>> try:
    ...     raise ValueError("text of a note")
    ... except ValueError as error:
    ...     whereabouts(error)
    'ValueError'
    """
    ours = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(PACKAGE) and "site-packages" not in frame.filename
    ]
    if not ours:
        return type(error).__name__
    path = Path(ours[-1].filename).relative_to(PACKAGE)
    return f"{type(error).__name__} at {path}:{ours[-1].lineno}"
