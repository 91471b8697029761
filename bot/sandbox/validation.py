"""What Slack refuses in messages and views. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Finding:
    """One thing that Slack refuses (or, for a warning, regrets), and where."""

    text: str
    pointer: str
    warning: bool = False

    def __str__(self) -> str:
        return f"{self.text} [json-pointer:{self.pointer}]"


def check_message(text: str, blocks: Any) -> list[Finding]:
    """What is wrong with a message."""
    if blocks is None:
        return [] if text else [Finding("no text", "/text")]
    if len(blocks) > 50:
        return [Finding("no more than 50 items allowed", "/blocks")]
    return []


def check_view(view: dict[str, Any], kinds: Sequence[str]) -> list[Finding]:
    """What is wrong with a view."""
    if view.get("type") not in kinds:
        return [Finding("unsupported type", "/view/type")]
    return []
