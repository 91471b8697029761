"""Doing a piece of work step by step: its message follows, and an absent database only delays."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from bot import ops_messages
from bot.logs import whereabouts
from bot.services import Services
from bot.store.work import Row, Work
from mlops.errors import TriageError

logger = logging.getLogger(__name__)

DATABASE_SECONDS = 2.0
R = TypeVar("R", bound=Row)


@dataclass(frozen=True)
class Kind(Generic[R]):
    """How work of a kind is done.

    Attributes:
        show: Brings a row's message to how the row stands.
        steps: By the row's state, what to do; None comes back if this process has lost the row, or
            has to stop.
        failed: What becomes of a row when a step failed; it gets the sentence that says why.
    """

    show: Callable[[Services, R], R]
    steps: Mapping[str, Callable[[Services, R], R | None]]
    failed: Callable[[Services, R, str], R | None]


def work_on(services: Services, work: Work[R], row: R, kind: Kind[R]) -> None:
    """Do it, or go on with it, until it needs a person or has ended.

    Args:
        services: Of this process.
        work: The row's table.
        row: As it was last seen.
        kind: How it is done.
    """
    current: R | None = row
    while current is not None:
        try:
            _until_done(services, work, current, kind)
            return
        except SQLAlchemyError as error:
            # The lease may be lost by the time the database is back: then another one goes on.
            logger.error("working: %s", whereabouts(error))
        current = _when_back(services, work, current)


def _until_done(services: Services, work: Work[R], row: R, kind: Kind[R]) -> None:
    current: R | None = kind.show(services, row) if row.shown < row.revision else row
    while current is not None and current.state in work.work:
        if services.stopping.is_set():
            # The next process goes on.
            return
        current = _step(services, current, kind)
        if current is not None:
            current = kind.show(services, current)


def _step(services: Services, row: R, kind: Kind[R]) -> R | None:
    try:
        return kind.steps[row.state](services, row)
    except TriageError as error:
        return kind.failed(services, row, str(error))
    except SQLAlchemyError:
        raise
    except Exception as error:  # noqa: BLE001  the lead gets a sentence whatever happens
        logger.error("working: %s", whereabouts(error))
        return kind.failed(services, row, ops_messages.unexpected())


def _when_back(services: Services, work: Work[R], row: R) -> R | None:
    """The row once the database answers again, if it is still this process's."""
    while not services.stopping.wait(DATABASE_SECONDS):
        try:
            return work.held(row)
        except SQLAlchemyError as error:
            logger.error("working: %s", whereabouts(error))
    return None
