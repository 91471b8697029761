"""Where notes may be read: private conversations, and public channels that are listed."""

import threading
import time
from typing import Literal

from bot.slack import Slack

Privacy = Literal["private", "public", "unknown"]

CACHE_SECONDS = 300.0
HINT_SECONDS = 2.0
HINTS_REMEMBERED = 1000
# Slack's words in a payload: an event's `channel_type`, and the channel names that it hides.
_PRIVATE = frozenset({"im", "mpim", "group", "directmessage", "privategroup"})


class Places:
    """The privacy of conversations, asked of Slack and remembered for a while."""

    def __init__(self, slack: Slack) -> None:
        self._slack = slack
        self._listed = frozenset(slack.settings.triage_channels)
        self._known: dict[str, tuple[float, Privacy]] = {}
        self._hints: dict[str, str] = {}
        self._lock = threading.Condition()

    def may_read(self, channel: str, hint: str = "") -> bool:
        """Whether a note in a conversation may be read.

        Args:
            channel: The conversation.
            hint: What the payload says of it: `channel_type` or `channel_name`.
        """
        return channel in self._listed or self.privacy(channel, hint) == "private"

    def privacy(self, channel: str, hint: str = "") -> Privacy:
        """Whether a conversation is private; what can't be found out is not."""
        if hint in ("im", "directmessage") or channel.startswith("D"):
            return "private"
        with self._lock:
            known = self._known.get(channel)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        found = self._ask(channel)
        if found == "unknown":
            hint = hint or self._await_hint(channel)
            return "private" if hint in _PRIVATE or hint.startswith("mpdm-") else "unknown"
        with self._lock:
            self._known[channel] = (time.monotonic() + CACHE_SECONDS, found)
        return found

    def hint(self, channel: str, kind: str) -> None:
        """Note what a payload says of a conversation."""
        with self._lock:
            self._hints[channel] = kind
            while len(self._hints) > HINTS_REMEMBERED:
                del self._hints[next(iter(self._hints))]
            self._lock.notify_all()

    def _await_hint(self, channel: str) -> str:
        """What payloads say: a mention says nothing, but comes as a message as well."""
        with self._lock:
            self._lock.wait_for(lambda: channel in self._hints, HINT_SECONDS)
            return self._hints.get(channel, "")

    def _ask(self, channel: str) -> Privacy:
        answer = self._slack.call("conversations.info", channel=channel)
        found = (answer or {}).get("channel")
        if not isinstance(found, dict):
            return "unknown"
        if any(found.get(key) for key in ("is_im", "is_mpim", "is_private")):
            return "private"
        # `is_group` alone is how older servers say “private channel”.
        if found.get("is_group") and "is_private" not in found:
            return "private"
        return "public"
