"""Doing a piece of work step by step: its message follows, and an absent database only delays."""

import logging
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError

from bot.logs import whereabouts
from bot.services import Services
from bot.store.redeploys import Redeploy
from bot.store.retrains import Run
from bot.store.work import Work

logger = logging.getLogger(__name__)

DATABASE_SECONDS = 2.0
R = TypeVar("R", Run, Redeploy)


def work_on(
    services: Services,
    work: Work[R],
    row: R,
    show: Callable[[Services, R], R],
    step: Callable[[Services, R], R | None],
) -> None:
    """Do it, or go on with it, until it needs a person or has ended.

    Args:
        services: Of this process.
        work: The row's table.
        row: As it was last seen.
        show: Brings its message to how it stands.
        step: Does one step; None: this process has lost the row, or has to stop.
    """
    current: R | None = row
    while current is not None:
        try:
            _until_done(services, work, current, show, step)
            return
        except SQLAlchemyError as error:
            # The lease may be lost by the time the database is back: then another one goes on.
            logger.error("working: %s", whereabouts(error))
        current = _when_back(services, work, current)


def _until_done(
    services: Services,
    work: Work[R],
    row: R,
    show: Callable[[Services, R], R],
    step: Callable[[Services, R], R | None],
) -> None:
    current: R | None = show(services, row) if row.shown < row.revision else row
    while current is not None and current.state in work.work:
        if services.stopping.is_set():
            # The next process goes on.
            return
        current = step(services, current)
        if current is not None:
            current = show(services, current)


def _when_back(services: Services, work: Work[R], row: R) -> R | None:
    """The row once the database answers again, if it is still this process's."""
    while not services.stopping.wait(DATABASE_SECONDS):
        try:
            return work.held(row)
        except SQLAlchemyError as error:
            logger.error("working: %s", whereabouts(error))
    return None
