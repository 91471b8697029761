"""Work that a process left when it ended: read again from Slack and answered, once."""

import logging
from functools import partial

from bot import messages
from bot.answering import answer_message, answer_part
from bot.blocks.notices import trouble
from bot.deciding import expire
from bot.intake import HOW_TO, Source
from bot.logs import whereabouts
from bot.redeploying import running as redeploying
from bot.redeploying.showing import show as show_redeploy
from bot.replies import MessageReply
from bot.retraining.data import forget
from bot.retraining.running import go_on
from bot.retraining.showing import show as show_run
from bot.services import Services
from bot.store.deliveries import Delivery
from bot.store.retrains import WORK

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 4
RETRY_SECONDS = 20.0


def recover(services: Services) -> None:
    """Take over what is left, and set it going."""
    for delivery in services.store.deliveries.take_over():
        logger.info("Taking over a request that was left unanswered (%s)", delivery.request.kind)
        if not services.notes.submit(partial(_resume, services, delivery)):
            services.store.deliveries.put_back(delivery, RETRY_SECONDS)
    expire(services, services.store.retrains, show_run)
    expire(services, services.store.redeploys, show_redeploy)
    for run in services.store.retrains.take_over():
        if run.state in WORK:
            logger.info("Taking over %s", run.job)
        go_on(services, run)
    forget(services)
    for row in services.store.redeploys.take_over():
        if row.under_way:
            logger.info("Taking over a redeployment")
        redeploying.go_on(services, row)


def _resume(services: Services, delivery: Delivery) -> None:
    try:
        if delivery.attempts > MAX_ATTEMPTS:
            _end(services, delivery, messages.gave_up(), "gave up")
        elif delivery.request.source_ts is not None:
            _read_again(services, delivery)
        elif delivery.request.kind == "form":
            _resume_form(services, delivery)
        else:
            # The text of a command was in memory only.
            asked = delivery.request
            services.slack.whisper(asked.channel, asked.user, trouble(messages.interrupted()))
            services.store.deliveries.finish(delivery, "interrupted")
    except Exception as error:  # noqa: BLE001  another round may succeed
        logger.error("recovery: %s", whereabouts(error))
        services.store.deliveries.put_back(delivery, RETRY_SECONDS)


def _read_again(services: Services, delivery: Delivery) -> None:
    asked = delivery.request
    source_ts = asked.source_ts or ""
    message, allowed = services.slack.read_message(asked.channel, source_ts, asked.thread_ts)
    if message is not None:
        answer_message(services, delivery, message)
    elif allowed:
        _end(services, delivery, messages.note_deleted(), "withdrawn", only_update=True)
    elif delivery.attempts < MAX_ATTEMPTS:
        services.store.deliveries.put_back(delivery, RETRY_SECONDS)
    else:
        _end(services, delivery, messages.interrupted(), "interrupted")


def _resume_form(services: Services, delivery: Delivery) -> None:
    """A form's files are still in Slack; its words are not."""
    for part in services.store.deliveries.parts(delivery):
        if part.done:
            continue
        reply = MessageReply(services, delivery, part)
        if part.name.startswith("F"):
            source = Source(part.name, file={"id": part.name, "name": "your file"})
            answer_part(services, delivery, part, source, reply)
        else:
            reply.show(trouble(messages.interrupted(), part.id))
            services.store.deliveries.finish_part(part.id)
    services.store.deliveries.finish(delivery, "answered")


def _end(
    services: Services,
    delivery: Delivery,
    sentence: str,
    outcome: str,
    *,
    only_update: bool = False,
) -> None:
    """Leave no “Reading the note…” behind, and say what happened where nothing was said yet."""
    deliveries = services.store.deliveries
    parts = [part for part in deliveries.parts(delivery) if not part.done]
    if not parts and not only_update:
        parts = [deliveries.part(delivery, HOW_TO)]
    for part in parts:
        reply = MessageReply(services, delivery, part)
        if not only_update or reply.placeholder() is not None:
            reply.show(trouble(sentence, part.id))
        deliveries.finish_part(part.id)
    deliveries.finish(delivery, outcome)
