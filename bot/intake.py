"""From a Slack message to the notes in it: what is a note, what a request, what a hello. Pure.

Source of the markup: https://docs.slack.dev/messaging/formatting-message-text
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

WORDS = "words"
HOW_TO = "how-to"

Speech = Literal["nothing", "small talk", "request", "note"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# A request is made of these words alone; anything with a word beyond them may be a note.
_HELLO = _words(
    "hi hello hey hiya yo good morning afternoon evening day thanks thank thx ty you cheers please "
    "pls ok okay great nice cool perfect awesome got it welcome bye goodbye test testing there "
    "team bot all everyone so much very many again"
)
_HELP = _words(
    "help how what who why do does can could would are is i me my we ask use work works this it "
    "to a an the about tell explain instructions usage start begin"
)
_ASK = _words(
    "triage classify read check look see review assess evaluate decide recommend recommendation "
    "run note notes letter letters file files attached attachment attachments pdf pdfs doc docx "
    "document documents scan scans text message one ones these those that here below above "
    "following fyi new referral referrals for at on in with and or us have take give get want let "
    "know think surgery consultation consult second opinion just also both two three same patient "
    "patients case cases be will if not sure which should go from your their his her"
)
_ALL = _HELLO | _HELP | _ASK
_MAX_REQUEST_WORDS = 25

_TOKEN = re.compile(r"<([^<>]*)>")
_ANSWERABLE = (None, "", "file_share", "thread_broadcast")


@dataclass(frozen=True)
class Source:
    """One note of a request: words, or a file still to be fetched."""

    name: str
    text: str = field(default="", repr=False)
    file: Mapping[str, Any] | None = field(default=None, repr=False)

    @property
    def file_name(self) -> str | None:
        """What the file is called, for the person who sent it."""
        return str(self.file.get("name") or "unnamed") if self.file is not None else None


def is_answerable(event: Mapping[str, Any]) -> bool:
    """Whether a message is something a person has just said.

    Edits, joins, deletions and the messages of bots, this one among them, are not.
    """
    said = event.get("subtype") in _ANSWERABLE and not event.get("hidden")
    return said and bool(event.get("user")) and not event.get("bot_id")


def mentions(event: Mapping[str, Any], bot_user: str) -> bool:
    """Whether a message mentions the bot."""
    text = str(event.get("text") or "")
    return bool(bot_user) and (f"<@{bot_user}>" in text or f"<@{bot_user}|" in text)


def plain_text(text: str, bot_user: str = "") -> str:
    """What a person typed, without Slack's markup and without mentions of the bot.

    >>> plain_text("<@U0BOT> BP &lt;120, ask <mailto:a@b.org|a@b.org> in <#C1|gp>", "U0BOT")
    'BP <120, ask a@b.org in #gp'
    """

    def replace(match: re.Match[str]) -> str:
        target, _, label = match[1].partition("|")
        if target.startswith("@"):
            return "" if bot_user and target[1:] == bot_user else f"@{label or 'someone'}"
        if target.startswith("#"):
            return f"#{label or 'channel'}"
        if target.startswith("!"):
            return label or f"@{target[1:].partition('^')[0]}"
        return label or target

    bare = _TOKEN.sub(replace, text)
    return bare.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").strip()


def speech(text: str) -> Speech:
    """What words alone are: nothing, a hello or a call for help, a request about a note, a note.

    >>> [speech(t) for t in ("", "Thanks!", "please triage this", "left knee pain")]
    ['nothing', 'small talk', 'request', 'note']
    """
    words = re.findall(r"[^\W_]+(?:['’][^\W_]+)?", text.lower())
    words = [re.sub(r"['’](s|m|re|d|ll)$", "", word) for word in words]
    if not words:
        return "nothing"
    if len(words) > _MAX_REQUEST_WORDS or not set(words) <= _ALL:
        return "note"
    if set(words) <= _HELLO | _HELP:
        # “this” and “it” point at something; a hello or a question about the bot does not.
        pointing = {"this", "it"} & set(words) and not {"how", "help", "what", "got"} & set(words)
        return "request" if pointing else "small talk"
    return "request"


def sources(message: Mapping[str, Any], bot_user: str = "") -> list[Source]:
    """The notes in a message: its words if they are one, then each of its files."""
    text = plain_text(str(message.get("text") or ""), bot_user)
    files = [file for file in message.get("files") or [] if isinstance(file, Mapping)]
    found = [Source(WORDS, text)] if speech(text) == "note" else []
    return found + [Source(str(file.get("id") or i), file=file) for i, file in enumerate(files)]
