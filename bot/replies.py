"""Where an answer goes: a message in the conversation, or something for one person's eyes."""

import logging
from typing import Protocol

from bot.blocks.card import working
from bot.blocks.parts import Rendered
from bot.services import Services, ShownCard
from bot.slack import Posted
from bot.store.deliveries import Delivery, Part

logger = logging.getLogger(__name__)

# The person deleted the note, or left nothing to answer to: they want no answer any more.
WITHDRAWN = ("thread_not_found", "message_not_found")


class Reply(Protocol):
    """The place of one answer."""

    def working(self) -> bool:
        """Show that work is under way; False when nobody waits for an answer any more."""

    def placeholder(self) -> Posted | None:
        """What shows the work, if that is a message."""

    def show(self, message: Rendered) -> Posted | None:
        """Show the answer, in place of what showed the work. Where it is, if that is a message."""


class MessageReply:
    """A message in the conversation: posted once, then changed into the answer.

    Args:
        services: Of this process.
        delivery: What it answers.
        part: Which note of it.
    """

    def __init__(self, services: Services, delivery: Delivery, part: Part) -> None:
        self._services = services
        self._delivery = delivery
        self._part = part
        self._at: Posted | None = None
        if part.reply_channel and part.reply_ts:
            self._at = Posted(part.reply_channel, part.reply_ts)

    def working(self) -> bool:
        """See `Reply.working`."""
        return self.placeholder() is not None or self._post(working(self._part.id))

    def show(self, message: Rendered) -> Posted | None:
        """See `Reply.show`."""
        slack = self._services.slack
        placeholder = self.placeholder()
        if placeholder is not None and slack.update(placeholder, message):
            return placeholder
        self._at = None
        if not self._post(message):
            return None
        if placeholder is not None:
            slack.delete(placeholder)
        return self._at

    def placeholder(self) -> Posted | None:
        """See `Reply.placeholder`; in whichever process it was posted."""
        if self._at is None and self._delivery.attempts > 1:
            # The process before may have posted and died before it could note where.
            asked = self._delivery.request
            self._found(
                self._services.slack.find_own(
                    asked.channel, asked.thread_ts, asked.asked - 60, self._part.id
                )
            )
        return self._at

    def _post(self, message: Rendered) -> bool:
        """Post where it was asked, else directly to the person; False when it isn't wanted."""
        slack, asked = self._services.slack, self._delivery.request
        posted, code = slack.post(asked.channel, message, asked.thread_ts, self._part.id)
        if posted is None and code in WITHDRAWN:
            return False
        if posted is None:
            posted, _ = slack.post(asked.user, message)
        self._found(posted)
        return posted is not None

    def _found(self, posted: Posted | None) -> None:
        self._at = posted
        if posted is not None:
            self._services.store.deliveries.set_reply(self._part.id, posted.channel, posted.ts)


class WhisperReply:
    """An answer to a command, seen by the person alone. One message: the answer itself.

    Args:
        services: Of this process.
        delivery: What it answers.
        part: Which note of it.
        response_url: From the command's payload.
    """

    def __init__(
        self, services: Services, delivery: Delivery, part: Part, response_url: str
    ) -> None:
        self._services = services
        self._delivery = delivery
        self._part = part
        self._url = response_url

    def working(self) -> bool:
        """A command's response can't be changed later, so nothing is shown yet."""
        return True

    def placeholder(self) -> Posted | None:
        """See `Reply.placeholder`."""
        return None

    def show(self, message: Rendered) -> Posted | None:
        """See `Reply.show`."""
        asked = self._delivery.request
        self._services.cards.remember(self._part.id, ShownCard(message, self._url))
        if not self._services.slack.respond(self._url, message):
            self._services.slack.whisper(asked.channel, asked.user, message)
        return None
