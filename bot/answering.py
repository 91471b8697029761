"""From a claimed request to its answers: read each note, ask the model, show the card."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from bot import messages
from bot.blocks import Rendered
from bot.blocks.card import card
from bot.blocks.notices import how_to_ask, notice, trouble
from bot.files import complete, fetch_document
from bot.intake import HOW_TO, WORDS, Source, plain_text, sources, speech
from bot.logs import whereabouts
from bot.replies import MessageReply, Reply, WhisperReply
from bot.services import Services, ShownCard
from bot.store.decisions import Asked
from bot.store.deliveries import Delivery, Part
from mlops.classifier import Note
from mlops.documents import Document, check_note
from mlops.errors import NoteError, TriageError
from mlops.result import Recommendation

logger = logging.getLogger(__name__)

Message = Mapping[str, Any]


def submit_message(services: Services, delivery: Delivery, message: Message) -> None:
    """Answer soon, on a thread of the bot's own, or say that too much is waiting."""
    if services.notes.submit(partial(answer_message, services, delivery, message)):
        return
    services.quick.submit(partial(_say_busy, services, delivery))


def _say_busy(services: Services, delivery: Delivery) -> None:
    if services.stopping.is_set():
        # The next process finds the request and answers it.
        return
    if not services.places.may_read(delivery.request.channel, delivery.request.place):
        _refuse(services, delivery)
        return
    part = services.store.deliveries.part(delivery, HOW_TO)
    MessageReply(services, delivery, part).show(trouble(messages.busy(), part.id))
    services.store.deliveries.finish(delivery, "busy")


def answer_message(services: Services, delivery: Delivery, message: Message) -> None:
    """Answer a message: one card per note in it, or how to ask.

    Args:
        services: Of this process.
        delivery: The claimed request.
        message: Slack's message object; its text stays in memory.
    """
    asked = delivery.request
    if not services.places.may_read(asked.channel, asked.place):
        _refuse(services, delivery)
        return
    bot = services.slack.identity.user
    own = services.slack.is_own(message)
    found = [] if own else sources(message, bot)
    words = plain_text(str(message.get("text") or ""), bot)
    if not found and asked.kind != "shortcut" and speech(words) in ("nothing", "request"):
        found = _parents_notes(services, delivery)
    if asked.kind == "shortcut" and not found:
        _answer_how_to(services, delivery, notice(messages.nothing_in_message()))
    elif not found:
        _answer_how_to(services, delivery, None)
    else:
        answer_sources(services, delivery, found)
    services.store.deliveries.finish(delivery, "answered")


def _refuse(services: Services, delivery: Delivery) -> None:
    """Say privately why nothing is read here."""
    asked = delivery.request
    thread = asked.thread_ts if asked.thread_ts != asked.source_ts else None
    services.slack.whisper(asked.channel, asked.user, notice(messages.not_here()), thread)
    services.store.deliveries.finish(delivery, "refused")


def _parents_notes(services: Services, delivery: Delivery) -> list[Source]:
    """The notes in the message that a thread hangs on."""
    asked = delivery.request
    if not asked.thread_ts or asked.thread_ts == asked.source_ts:
        return []
    parent, _ = services.slack.read_message(asked.channel, asked.thread_ts, None)
    if parent is None or services.slack.is_own(parent):
        return []
    return sources(parent, services.slack.identity.user)


def _answer_how_to(services: Services, delivery: Delivery, message: Rendered | None) -> None:
    part = services.store.deliveries.part(delivery, HOW_TO)
    if part.done:
        return
    reply = MessageReply(services, delivery, part)
    reply.show(message or how_to_ask(part.id))
    services.store.deliveries.finish_part(part.id)


def answer_words(services: Services, delivery: Delivery, text: str, response_url: str) -> None:
    """Answer the text of a command, for the eyes of the person who typed it."""
    part = services.store.deliveries.part(delivery, WORDS)
    reply = WhisperReply(services, delivery, part, response_url)
    answer_part(services, delivery, part, Source(WORDS, text), reply)
    services.store.deliveries.finish(delivery, "answered")


def answer_form(services: Services, delivery: Delivery, found: Sequence[Source]) -> None:
    """Answer a submitted form in the person's direct message."""
    answer_sources(services, delivery, found)
    services.store.deliveries.finish(delivery, "answered")


def answer_sources(services: Services, delivery: Delivery, found: Sequence[Source]) -> None:
    """One reply for each note, in their order; those answered before a restart stay as they are."""
    asked = delivery.request
    # The agent view shows a status below a thread; posting there clears it.
    if asked.place == "im" and asked.thread_ts:
        services.slack.call(
            "assistant.threads.setStatus",
            channel_id=asked.channel,
            thread_ts=asked.thread_ts,
            status=messages.reading_status(),
        )
    for source in found:
        part = services.store.deliveries.part(delivery, source.name)
        if not part.done:
            answer_part(services, delivery, part, source, MessageReply(services, delivery, part))


def answer_part(
    services: Services, delivery: Delivery, part: Part, source: Source, reply: Reply
) -> None:
    """Answer one note: its card, or the sentence that says why there is none."""
    deliveries = services.store.deliveries
    if not reply.working():
        deliveries.finish_part(part.id)
        return
    if source.file is not None:
        source = replace(source, file=complete(services.slack, source.file))
    try:
        message = _answer(services, delivery, part, source)
    except TriageError as error:
        if not isinstance(error, NoteError):
            _count(services, error)
        message = trouble(messages.problem(error), part.id, source.file_name)
    except Exception as error:  # noqa: BLE001  whatever happens, the person gets a sentence
        logger.error("answering: %s", whereabouts(error))
        _count(services, error)
        message = trouble(messages.unexpected(), part.id, source.file_name)
    if not deliveries.holds(delivery):
        # This process was silent for so long that another one answers.
        return
    # Before it is shown: whoever clicks at once finds the decision where its card is.
    services.cards.remember(part.id, ShownCard(message))
    expected = reply.placeholder()
    if expected is not None:
        services.store.decisions.set_reply(part.id, expected.channel, expected.ts)
    posted = reply.show(message)
    if posted is not None and posted != expected:
        services.store.decisions.set_reply(part.id, posted.channel, posted.ts)
    deliveries.finish_part(part.id)


def _count(services: Services, error: Exception) -> None:
    """A note that was fine got no answer: that is what a watch looks at."""
    try:
        services.store.traffic.failed(type(error).__name__)
    except Exception as failure:  # noqa: BLE001  a driver may raise anything
        logger.error("counting: %s", whereabouts(failure))


def _answer(services: Services, delivery: Delivery, part: Part, source: Source) -> Rendered:
    """Read, ask, record. Errors with a sentence are raised as they are."""
    document = document_of(services, source)
    answers = services.classifier.classify([Note(part.id, document.text)])
    answer = answers[0].with_warnings(document.warnings)
    recorded = _record(services, delivery, part, document.text, answer)
    if services.store.labels.wanted:
        services.texts.remember(part.id, document.text)
    return card(part.id, document.text, answer, file_name=source.file_name, recorded=recorded)


def document_of(services: Services, source: Source) -> Document:
    """The text of a note.

    Raises:
        NoteError: with the sentence for the person who sent it.
    """
    if source.file is not None:
        return fetch_document(services.slack, source.file)
    return Document(check_note(source.text))


def _record(
    services: Services, delivery: Delivery, part: Part, text: str, answer: Recommendation
) -> bool:
    """Keep the outcome; False where the database fails, which must not cost the answer."""
    asked = delivery.request
    latency = max(0, round((time.time() - asked.asked) * 1000))
    who = Asked(asked.kind, asked.user, asked.channel, asked.thread_ts)
    try:
        services.store.decisions.record(part.id, text, answer, who, latency)
    except Exception as error:  # noqa: BLE001  a driver may raise anything
        logger.error("recording: %s", whereabouts(error))
        return False
    return True
