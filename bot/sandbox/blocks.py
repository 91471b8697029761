"""What Slack adds to blocks and text: ids where an app gave none, escapes and links in typed text.

Source: https://docs.slack.dev/messaging/formatting-message-text
"""

import copy
import re
import secrets
import uuid
from typing import Any

Json = dict[str, Any]

# What a person's client makes of a mention; everything else they type is escaped.
_TOKEN = re.compile(r"<(?:@[UW][A-Z0-9]+|#[CG][A-Z0-9]+(?:\|[^<>|]*)?|![a-z]+)>")
_LINK = re.compile(
    r"(?P<url>https?://[^\s<>|]*[^\s<>|.,;:!?)\]}'\"])"
    r"|(?P<mail>[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,})"
)


def escape(text: str) -> str:
    """The three characters that Slack writes as entities."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def typed(text: str) -> str:
    """Text as it leaves a person's client: escaped, with mentions, web and mail addresses marked.

    >>> typed("<@U0BOT> BP <120 & falling, ask ana@clinic.test")
    '<@U0BOT> BP &lt;120 &amp; falling, ask <mailto:ana@clinic.test|ana@clinic.test>'
    """
    pieces, start = [], 0
    for token in _TOKEN.finditer(text):
        pieces += [_link(escape(text[start : token.start()])), token.group()]
        start = token.end()
    return "".join([*pieces, _link(escape(text[start:]))])


def _link(escaped: str) -> str:
    def mark(match: re.Match[str]) -> str:
        if match["url"]:
            return f"<{match['url']}>"
        return f"<mailto:{match['mail']}|{match['mail']}>"

    return _LINK.sub(mark, escaped)


def rich_text(text: str) -> list[Json]:
    """The block that a client sends beside the text a person typed."""
    elements: list[Json] = []
    start = 0
    for token in _TOKEN.finditer(text):
        if token.start() > start:
            elements.append({"type": "text", "text": text[start : token.start()]})
        if token.group().startswith("<@"):
            elements.append({"type": "user", "user_id": token.group()[2:-1]})
        else:
            elements.append({"type": "text", "text": token.group()})
        start = token.end()
    if start < len(text):
        elements.append({"type": "text", "text": text[start:]})
    section = {"type": "rich_text_section", "elements": elements}
    return [{"type": "rich_text", "block_id": new_id(), "elements": [section]}]


def new_id() -> str:
    """An id as Slack gives to a block or action that has none."""
    return secrets.token_urlsafe(4)[:5]


def client_msg_id() -> str:
    """The id that a person's client gives to a message."""
    return str(uuid.uuid4())


_INTERACTIVE = (
    "button",
    "static_select",
    "external_select",
    "users_select",
    "conversations_select",
    "channels_select",
    "multi_static_select",
    "multi_external_select",
    "multi_users_select",
    "multi_conversations_select",
    "multi_channels_select",
    "overflow",
    "radio_buttons",
    "checkboxes",
    "datepicker",
    "timepicker",
    "datetimepicker",
    "plain_text_input",
    "rich_text_input",
    "email_text_input",
    "url_text_input",
    "number_input",
    "file_input",
    "feedback_buttons",
    "icon_button",
    "workflow_button",
)


def complete_blocks(blocks: list[Json]) -> list[Json]:
    """A copy with what Slack fills in: block and action ids, `emoji` and `verbatim`."""
    completed: list[Json] = copy.deepcopy(blocks)
    for block in completed:
        block.setdefault("block_id", new_id())
        _complete(block)
    return completed


def _complete(node: Any) -> None:
    if isinstance(node, list):
        for item in node:
            _complete(item)
    elif isinstance(node, dict):
        kind = node.get("type")
        if kind == "plain_text":
            node.setdefault("emoji", True)
        elif kind == "mrkdwn":
            node.setdefault("verbatim", False)
        elif kind in _INTERACTIVE and not node.get("action_id"):
            node["action_id"] = new_id()
        for value in node.values():
            _complete(value)
