"""Handing work over: whatever happens to it, the person who asked gets a sentence."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from bot import messages
from bot.blocks.notices import trouble
from bot.blocks.parts import Rendered
from bot.logs import whereabouts
from bot.services import Services
from bot.workers import Pool
from mlops.errors import TriageError

logger = logging.getLogger(__name__)

Payload = Mapping[str, Any]


def hand_over(services: Services, pool: Pool, payload: Payload, task: Callable[[], None]) -> None:
    """Run a task on a pool; tell the person if it fails or can't be taken.

    Args:
        services: Of this process.
        pool: Whose threads.
        payload: What Slack sent, for where to answer.
        task: The work.
    """

    def guarded() -> None:
        try:
            task()
        except TriageError as error:
            tell(services, payload, trouble(messages.problem(error)))
        except Exception as error:  # noqa: BLE001  the person gets a sentence whatever happens
            logger.error("%s", whereabouts(error))
            tell(services, payload, trouble(messages.unexpected_elsewhere()))

    if not pool.submit(guarded):
        services.quick.submit(lambda: tell(services, payload, trouble(messages.busy())))


def tell(services: Services, payload: Payload, message: Rendered) -> None:
    """Answer one person: through the response URL if there is one, else in their conversation."""
    url = str(payload.get("response_url") or "")
    if url and services.slack.respond(url, message):
        return
    user = str(payload.get("user_id") or (payload.get("user") or {}).get("id") or "")
    channel = payload.get("channel_id") or (payload.get("channel") or {}).get("id") or user
    if user:
        services.slack.whisper(str(channel), user, message)
