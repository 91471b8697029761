"""The one message of a piece of work: posted once, changed in place, found again after a kill."""

from dataclasses import replace
from typing import TypeVar

from bot.blocks.parts import Rendered
from bot.services import Services
from bot.slack import GONE, PEOPLE, Posted
from bot.store.work import Row, Work

R = TypeVar("R", bound=Row)


def place(services: Services, work: Work[R], row: R, message: Rendered, marker: str) -> R:
    """Bring a row's message to how the row stands; the row with where the message is.

    Args:
        services: Of this process.
        work: The row's table.
        row: What is shown.
        message: How it stands.
        marker: Id of one of its blocks.
    """
    placed = _put(services, work, row, message, marker)
    if placed is None:
        work.show_later(row)
        return row
    work.set_shown(placed)
    return replace(placed, shown=placed.revision)


def link(services: Services, row: Row) -> str | None:
    """A link to a row's message."""
    if row.message_ts is None:
        return None
    return services.slack.permalink(Posted(row.channel, row.message_ts))


def elsewhere(row: Row, asked_in: str) -> bool:
    """Whether a row is not shown where it was asked for; a person stands for their own messages."""
    return row.channel != asked_in and not asked_in.startswith(PEOPLE)


def _put(services: Services, work: Work[R], row: R, message: Rendered, marker: str) -> R | None:
    """Change the message, or post it where there is none; None: not now."""
    slack = services.slack
    old = Posted(row.channel, row.message_ts) if row.message_ts else None
    if old is not None:
        code = slack.change(old, message)
        if not code:
            return row
        if code not in GONE:
            return None
    for where in (row.channel, row.user):
        found = slack.find_own(where, None, row.started - 60, marker) if old is None else None
        if found is not None and slack.update(found, message):
            return _moved(work, row, found)
        posted, _ = slack.post(where, message, marker=marker)
        if posted is not None:
            return _moved(work, row, posted)
    return None


def _moved(work: Work[R], row: R, at: Posted) -> R:
    work.set_message(row, at.channel, at.ts)
    return replace(row, channel=at.channel, message_ts=at.ts)
