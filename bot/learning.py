"""Feedback that teaches: a note that somebody agreed to or corrected becomes a label, encrypted.

Only where the workspace has opted in. The note is the one in memory, or is read from Slack again;
what is not the very text that was judged is not kept.
"""

import logging

from bot.answering import document_of
from bot.files import complete
from bot.intake import Source, sources
from bot.logs import whereabouts
from bot.services import Services
from bot.store.decisions import DecisionRow, Verdict
from bot.store.deliveries import Request
from mlops.errors import TriageError

logger = logging.getLogger(__name__)


def keep(services: Services, decision: DecisionRow, verdict: Verdict) -> None:
    """Keep a note with what a person said to it, if it may be kept and can be had.

    Whatever goes wrong, the verdict itself is recorded already.
    """
    labels = services.store.labels
    if not labels.wanted:
        return
    try:
        text = _text(services, decision.id)
        if text is None:
            logger.info("A note with a verdict can't be had any more; it was not kept.")
            return
        labels.keep(decision.id, verdict.user, decision.user, verdict.answer, text)
    except Exception as error:  # noqa: BLE001  the person's click has had its effect
        logger.error("keeping: %s", whereabouts(error))


def _text(services: Services, decision: str) -> str | None:
    """The note: from memory, else from where it was sent, if that is still the same text."""
    known = services.texts.get(decision)
    if known is not None:
        return known
    asked = services.store.deliveries.asked_in(decision)
    if asked is None:
        return None
    for source in _sources(services, *asked):
        try:
            text = document_of(services, source).text
        except TriageError:
            continue
        if services.store.decisions.is_text_of(decision, text):
            return text
    return None


def _sources(services: Services, request: Request, name: str) -> list[Source]:
    """Where the note may be: in the message, in the one its thread hangs on, or a form's file."""
    slack = services.slack
    if request.source_ts is None:
        # The words of a command or a form were in memory only; a form's files are in Slack.
        return [Source(name, file=complete(slack, {"id": name}))] if name.startswith("F") else []
    found: list[Source] = []
    for ts in dict.fromkeys((request.source_ts, request.thread_ts or request.source_ts)):
        thread = request.thread_ts if ts == request.source_ts else None
        message, _ = slack.read_message(request.channel, ts, thread)
        if message is not None and not slack.is_own(message):
            found += sources(message, slack.identity.user)
    return [source for source in found if source.name == name]
