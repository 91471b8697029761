"""Block Kit's small pieces, each within Slack's limits.

Source of the limits: https://docs.slack.dev/reference/block-kit/blocks
"""

import re
import time
from dataclasses import dataclass, field
from typing import Any

Block = dict[str, Any]

SECTION_CHARACTERS = 3000
HEADER_CHARACTERS = 150
CONTEXT_CHARACTERS = 2000
BUTTON_CHARACTERS = 75
TITLE_CHARACTERS = 24
MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100
BLOCK_ID_CHARACTERS = 255
METADATA_CHARACTERS = 3000
TEXT_CHARACTERS = 4000


@dataclass(frozen=True)
class Rendered:
    """A message ready to post. `text` is its notification, and holds no note text."""

    text: str
    blocks: list[Block] = field(default_factory=list, repr=False)


def escape(text: str) -> str:
    """Text as Slack's mrkdwn shows it literally as far as `&`, `<` and `>` go.

    >>> escape("BP <120 & <!channel>")
    'BP &lt;120 &amp; &lt;!channel&gt;'
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def cut(text: str, limit: int) -> str:
    """At most `limit` characters, with an ellipsis where something is missing.

    >>> cut("consultation", 8)
    'consult…'
    """
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def one_line(text: str) -> str:
    """Without line breaks and runs of blanks."""
    return re.sub(r"\s+", " ", text).strip()


def plain(text: str, limit: int) -> Block:
    """A plain_text object; emoji codes in it stay letters."""
    return {"type": "plain_text", "text": cut(text, limit) or " ", "emoji": False}


def mrkdwn(text: str, limit: int = SECTION_CHARACTERS) -> Block:
    """A mrkdwn object; what is not ours in it must have been escaped."""
    return {"type": "mrkdwn", "text": cut(text, limit) or " "}


def header(text: str, block_id: str | None = None) -> Block:
    """A header block."""
    return _named({"type": "header", "text": plain(text, HEADER_CHARACTERS)}, block_id)


def section(text: str, block_id: str | None = None) -> Block:
    """A section of mrkdwn."""
    return _named({"type": "section", "text": mrkdwn(text)}, block_id)


def context(*texts: str, block_id: str | None = None) -> Block:
    """Small print: up to ten pieces of mrkdwn."""
    elements = [mrkdwn(text, CONTEXT_CHARACTERS) for text in texts[:10]]
    return _named({"type": "context", "elements": elements}, block_id)


def plain_context(text: str) -> Block:
    """Small print of other people's words: nothing in it can format, link or ping."""
    return {"type": "context", "elements": [plain(text, CONTEXT_CHARACTERS)]}


def button(text: str, action_id: str, value: str, style: str | None = None) -> Block:
    """A button; its value is an id, never text of a note."""
    element: Block = {
        "type": "button",
        "text": plain(text, BUTTON_CHARACTERS),
        "action_id": action_id,
        "value": value,
    }
    return {**element, "style": style} if style else element


def actions(elements: list[Block], block_id: str) -> Block:
    """A row of buttons."""
    return {"type": "actions", "block_id": block_id[:BLOCK_ID_CHARACTERS], "elements": elements}


def moment(seconds: float, form: str = "{date_short_pretty} at {time}") -> str:
    """A time as each reader's own clock shows it (mrkdwn), with UTC where that isn't known."""
    fallback = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))
    return f"<!date^{int(seconds)}^{form}|{fallback}>"


def _named(block: Block, block_id: str | None) -> Block:
    return {**block, "block_id": block_id[:BLOCK_ID_CHARACTERS]} if block_id else block
