"""What Slack refuses in messages and views: the limits of every block, and of the whole. Pure.

Source: https://docs.slack.dev/reference/block-kit/blocks
"""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.sandbox.elements import (
    ELEMENTS,
    IN_ACTIONS,
    IN_CONTEXT,
    IN_CONTEXT_ACTIONS,
    IN_INPUT,
    IN_SECTION,
    SLACK_FILE,
    element,
)
from bot.sandbox.rules import (
    Check,
    Finding,
    Rule,
    all_of,
    anything,
    boolean,
    integer,
    items,
    kind,
    number,
    only_in,
    plain,
    record,
    string,
    text,
    url,
    variants,
)

__all__ = ["Finding", "check_message", "check_view"]

MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100
MARKDOWN_CHARACTERS = 12_000
TABLE_CHARACTERS = 10_000


def _unique_actions(check: Check, block: Any, pointer: str) -> None:
    """An action_id only once in a block."""
    seen: set[str] = set()
    elements = block.get("elements")
    for index, item in enumerate(elements if isinstance(elements, list) else []):
        action_id = item.get("action_id") if isinstance(item, dict) else None
        if not isinstance(action_id, str):
            continue
        if action_id in seen:
            check.add("action_id already exists", f"{pointer}/elements/{index}/action_id")
        seen.add(action_id)


def _block(
    required: Mapping[str, Rule] | None = None,
    optional: Mapping[str, Rule] | None = None,
    either: Sequence[str] = (),
) -> Rule:
    shape = record(
        {"type": kind, **(required or {})}, {"block_id": string(255), **(optional or {})}, either
    )
    return all_of(shape, _unique_actions)


CELL = variants(
    {**ELEMENTS, "rich_text": _block({"elements": anything})},
    {"raw_text", "raw_number", "rich_text"},
)
COLUMN = record({}, {"align": string(choices=("left", "center", "right")), "is_wrapped": boolean})
TITLE = text(150)


def _column(check: Check, value: Any, pointer: str) -> None:
    """Null leaves a column as it is."""
    if value is not None:
        COLUMN(check, value, pointer)


CARD = _block(
    {},
    {
        "hero_image": element({"image"}),
        "icon": element({"image"}),
        "slack_icon": anything,
        "title": TITLE,
        "subtitle": TITLE,
        "body": text(200),
        "subtext": text(200),
        "actions": items(element({"button"}), 5),
    },
    either=("hero_image", "title", "actions", "body"),
)
TASK = _block(
    {
        "task_id": string(),
        "title": string(),
        "status": string(choices=("pending", "in_progress", "complete", "error")),
    },
    {"details": anything, "output": anything, "sources": anything},
)


def _same_width(check: Check, block: Any, pointer: str) -> None:
    """Every row of a data table has as many cells as the first."""
    rows = block.get("rows")
    if isinstance(rows, list) and len({len(row) for row in rows if isinstance(row, list)}) > 1:
        check.add("all rows must have the same number of cells", f"{pointer}/rows")


POINT = record({"label": string(20), "value": number})
AXES = record(
    {"categories": items(string(20), 100)}, {"x_label": string(50), "y_label": string(50)}
)
XY_CHART = record(
    {
        "type": kind,
        "series": items(record({"name": string(50), "data": items(POINT, 100)}), 6),
        "axis_config": AXES,
    }
)
CHART = variants(
    {
        "pie": record({"type": kind, "segments": items(POINT, 6)}),
        **dict.fromkeys(("bar", "line", "area"), XY_CHART),
    }
)

BLOCKS: dict[str, Rule] = {
    "actions": _block({"elements": items(element(IN_ACTIONS), 25)}),
    "alert": all_of(
        only_in("modal"),
        _block(
            {"text": text()},
            {"level": string(choices=("default", "info", "warning", "error", "success"))},
        ),
    ),
    "card": CARD,
    "carousel": _block({"elements": items(variants({"card": CARD}), 10)}),
    "context": _block({"elements": items(element(IN_CONTEXT), 10)}),
    "context_actions": all_of(
        only_in("message"), _block({"elements": items(element(IN_CONTEXT_ACTIONS), 5)})
    ),
    "data_table": all_of(
        only_in("message"),
        _block(
            {"rows": items(items(CELL, 20), 101, 2), "caption": string()},
            {"page_size": integer(1, 100), "row_header_column_index": integer(0, 19)},
        ),
        _same_width,
    ),
    "data_visualization": all_of(only_in("message"), _block({"title": string(50), "chart": CHART})),
    "divider": _block(),
    "file": all_of(
        only_in("message"),
        _block({"external_id": string(), "source": string(choices=("remote",))}),
    ),
    "header": _block({"text": plain(150)}),
    "image": _block(
        {"alt_text": string(2000, minimum=0)},
        {"image_url": url, "slack_file": SLACK_FILE, "title": plain(2000)},
        either=("image_url", "slack_file"),
    ),
    "input": _block(
        {"label": plain(2000), "element": element(IN_INPUT)},
        {"hint": plain(2000), "optional": boolean, "dispatch_action": boolean},
    ),
    "markdown": all_of(only_in("message"), _block({"text": string(MARKDOWN_CHARACTERS)})),
    "plan": all_of(
        only_in("message"),
        _block({"title": string()}, {"tasks": items(variants({"task_card": TASK}), 50)}),
    ),
    "rich_text": _block({"elements": items(anything, 100)}),
    "section": _block(
        {},
        {
            "text": text(3000),
            "fields": items(text(2000), 10),
            "accessory": element(IN_SECTION),
            "expand": boolean,
        },
        either=("text", "fields"),
    ),
    "table": all_of(
        only_in("message"),
        _block(
            {"rows": items(items(CELL, 20), 100)},
            {"column_settings": items(_column, 20)},
        ),
    ),
    "task_card": all_of(only_in("message"), TASK),
    "video": _block(
        {
            "alt_text": string(),
            "title": plain(199),
            "thumbnail_url": url,
            "video_url": url,
        },
        {
            "author_name": string(49),
            "description": plain(),
            "provider_icon_url": url,
            "provider_name": string(),
            "title_url": url,
        },
    ),
}
BLOCK = variants(BLOCKS)
IDS = string(255, minimum=0)
VIEW_FIELDS: dict[str, Rule] = {
    "private_metadata": string(3000, minimum=0),
    "callback_id": IDS,
    "external_id": IDS,
    "clear_on_close": boolean,
    "notify_on_close": boolean,
}
MODAL = record(
    {"type": kind, "title": plain(24), "blocks": items(BLOCK, VIEW_BLOCKS)},
    {**VIEW_FIELDS, "submit": plain(24), "close": plain(24)},
)
HOME = record({"type": kind, "blocks": items(BLOCK, VIEW_BLOCKS, 0)}, VIEW_FIELDS)


def _whole(check: Check, blocks: Any, pointer: str) -> None:
    """What holds for all blocks together."""
    if not isinstance(blocks, list):
        return
    seen: set[str] = set()
    found = [(index, block) for index, block in enumerate(blocks) if isinstance(block, dict)]
    for index, block in found:
        block_id = block.get("block_id")
        if isinstance(block_id, str) and block_id:
            if block_id in seen:
                check.add("block_id already exists", f"{pointer}/{index}/block_id")
            seen.add(block_id)
    kinds = [block.get("type") for _, block in found]
    if kinds.count("table") > 1:
        check.add("only one table allowed", pointer)
    if kinds.count("data_visualization") > 2:
        check.add("no more than 2 data_visualization blocks allowed", pointer)
    markdown = sum(len(str(b.get("text"))) for _, b in found if b.get("type") == "markdown")
    if markdown > MARKDOWN_CHARACTERS:
        text = f"markdown blocks must have less than {MARKDOWN_CHARACTERS + 1} characters in all"
        check.add(text, pointer)
    cells = sum(_cell_characters(b) for _, b in found if b.get("type") in ("table", "data_table"))
    if cells > TABLE_CHARACTERS:
        text = f"tables must have less than {TABLE_CHARACTERS + 1} characters in all"
        check.add(text, pointer)


def _cell_characters(table: Mapping[str, Any]) -> int:
    """How much text the cells hold, rich text included."""
    total, stack = 0, [table.get("rows")]
    while stack:
        node = stack.pop()
        if isinstance(node, list):
            stack.extend(node)
        elif isinstance(node, dict):
            total += len(node["text"]) if isinstance(node.get("text"), str) else 0
            stack.extend(value for value in node.values() if isinstance(value, list))
    return total


def check_message(message_text: str, blocks: Any) -> list[Finding]:
    """What is wrong with a message.

    Args:
        message_text: Its `text`: beside blocks it is what notifications and screen readers say.
        blocks: Its blocks as sent, or None.
    """
    check = Check("message")
    if blocks is not None:
        items(BLOCK, MESSAGE_BLOCKS, 0)(check, blocks, "/blocks")
        _whole(check, blocks, "/blocks")
        if blocks and not message_text.strip():
            check.add("the `text` beside blocks is missing: notifications need it", "/text", True)
    return check.findings


def check_view(view: Mapping[str, Any], kinds: Sequence[str]) -> list[Finding]:
    """What is wrong with a modal or Home tab; `kinds` are the types that the method takes."""
    surface = str(view.get("type"))
    check = Check(surface)
    if view.get("type") is None:
        check.add("missing required field: type", "/view")
    elif surface not in kinds:
        check.add("unsupported type", "/view/type")
    else:
        (MODAL if surface == "modal" else HOME)(check, dict(view), "/view")
        _whole(check, view.get("blocks"), "/view/blocks")
        _needs_submit(check, view)
    return check.findings


def _needs_submit(check: Check, view: Mapping[str, Any]) -> None:
    blocks = view.get("blocks")
    inputs = isinstance(blocks, list) and any(
        isinstance(block, dict) and block.get("type") == "input" for block in blocks
    )
    if view.get("type") == "modal" and inputs and not view.get("submit"):
        check.add("missing required field: submit", "/view")
