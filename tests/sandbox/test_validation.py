"""Every limit: what is at it passes, what is past it is refused, and where is said."""

import json
from typing import Any

import pytest
from slack_sdk.models import blocks as models

from bot.sandbox.validation import check_message, check_view

Json = dict[str, Any]


def plain(n: int = 3) -> Json:
    return {"type": "plain_text", "text": "x" * n}


def mrkdwn(n: int = 3) -> Json:
    return {"type": "mrkdwn", "text": "x" * n}


def section(n: int = 3, **more: Any) -> Json:
    return {"type": "section", "text": mrkdwn(n), **more}


def button(action_id: str = "a", **more: Any) -> Json:
    return {"type": "button", "text": plain(), "action_id": action_id, **more}


def actions(*elements: Json, **more: Any) -> Json:
    return {"type": "actions", "elements": list(elements) or [button()], **more}


def options(n: int, length: int = 3) -> list[Json]:
    return [{"text": plain(length), "value": str(i)} for i in range(n)]


def select(n: int = 2, **more: Any) -> Json:
    return {"type": "static_select", "action_id": "s", "options": options(n), **more}


def field(**element: Any) -> Json:
    typed = {"type": "plain_text_input", "action_id": "i", **element}
    return {"type": "input", "label": plain(), "element": typed}


def table(rows: int, columns: int = 2, length: int = 1) -> Json:
    cell = {"type": "raw_text", "text": "x" * length}
    return {"type": "table", "rows": [[cell] * columns] * rows}


def data_table(rows: list[int]) -> Json:
    cell = {"type": "raw_text", "text": "x"}
    return {"type": "data_table", "caption": "c", "rows": [[cell] * n for n in rows]}


def pie(segments: int) -> Json:
    point = {"label": "x", "value": 1}
    chart = {"type": "pie", "segments": [point] * segments}
    return {"type": "data_visualization", "title": "t", "chart": chart}


def image(url: str = "https://x.test/a.png", **more: Any) -> Json:
    return {"type": "image", "image_url": url, "alt_text": "a", **more}


def modal(*blocks: Json, **more: Any) -> Json:
    return {"type": "modal", "title": plain(), "blocks": list(blocks) or [section()], **more}


FINE: list[tuple[str, list[Json]]] = [
    ("50 blocks", [section()] * 50),
    ("section of 3000", [section(3000)]),
    ("field of 2000", [{"type": "section", "fields": [mrkdwn(2000)] * 10}]),
    ("header of 150", [{"type": "header", "text": plain(150)}]),
    ("25 buttons", [actions(*[button(str(i)) for i in range(25)])]),
    ("button at its limits", [actions(button("a" * 255, text=plain(75), value="v" * 2000))]),
    ("the same action_id in two blocks", [actions(block_id="1"), actions(block_id="2")]),
    ("context of 10", [{"type": "context", "elements": [mrkdwn()] * 10}]),
    ("table of 100 rows and 20 columns", [table(100, 20)]),
    ("null in column_settings", [{**table(1), "column_settings": [None, {"align": "right"}]}]),
    ("100 options", [actions(select(100))]),
    ("initial option", [actions(select(2, initial_option=options(2)[1]))]),
    ("image", [image(title=plain())]),
    ("divider", [{"type": "divider"}]),
    ("markdown", [{"type": "markdown", "text": "x" * 12_000}]),
    ("two charts", [pie(6), pie(1)]),
    ("data table", [data_table([2, 2, 2])]),
    ("rich text", [{"type": "rich_text", "elements": [{"type": "rich_text_section"}]}]),
    (
        "feedback",
        [
            {
                "type": "context_actions",
                "elements": [
                    {
                        "type": "feedback_buttons",
                        "action_id": "f",
                        "positive_button": {"text": plain(), "value": "1"},
                        "negative_button": {"text": plain(), "value": "0"},
                    }
                ],
            }
        ],
    ),
]


@pytest.mark.parametrize(("blocks"), [b for _, b in FINE], ids=[name for name, _ in FINE])
def test_at_the_limit_a_message_passes(blocks: list[Json]) -> None:
    assert check_message("text", blocks) == []


WRONG: list[tuple[str, list[Json], str, str]] = [
    ("51 blocks", [section()] * 51, "no more than 50 items", "/blocks"),
    ("section", [section(3001)], "less than 3001", "/blocks/0/text/text"),
    ("empty text", [section(0)], "more than 0", "/blocks/0/text/text"),
    ("no text", [{"type": "section"}], "`text` or `fields`", "/blocks/0"),
    (
        "long field",
        [{"type": "section", "fields": [mrkdwn(), mrkdwn(2001)]}],
        "less than 2001",
        "/blocks/0/fields/1/text",
    ),
    (
        "11 fields",
        [{"type": "section", "fields": [mrkdwn()] * 11}],
        "no more than 10",
        "/blocks/0/fields",
    ),
    ("header", [{"type": "header", "text": plain(151)}], "less than 151", "/blocks/0/text/text"),
    (
        "header in mrkdwn",
        [{"type": "header", "text": mrkdwn()}],
        "unsupported type",
        "/blocks/0/text/type",
    ),
    (
        "26 buttons",
        [actions(*[button(str(i)) for i in range(26)])],
        "no more than 25",
        "/blocks/0/elements",
    ),
    ("no buttons", [{"type": "actions", "elements": []}], "no less than 1", "/blocks/0/elements"),
    (
        "duplicate action_id",
        [actions(button("same"), button("same"))],
        "action_id already exists",
        "/blocks/0/elements/1/action_id",
    ),
    (
        "button text",
        [actions(button(text=plain(76)))],
        "less than 76",
        "/blocks/0/elements/0/text/text",
    ),
    (
        "button in mrkdwn",
        [actions(button(text=mrkdwn()))],
        "unsupported type",
        "/blocks/0/elements/0/text/type",
    ),
    (
        "button value",
        [actions(button(value="v" * 2001))],
        "less than 2001",
        "/blocks/0/elements/0/value",
    ),
    (
        "button style",
        [actions(button(style="default"))],
        "must be one of",
        "/blocks/0/elements/0/style",
    ),
    ("button url", [actions(button(url="no"))], "valid URL", "/blocks/0/elements/0/url"),
    (
        "action_id",
        [actions(button("a" * 256))],
        "less than 256",
        "/blocks/0/elements/0/action_id",
    ),
    ("block_id", [section(block_id="b" * 256)], "less than 256", "/blocks/0/block_id"),
    (
        "duplicate block_id",
        [section(block_id="b"), section(block_id="b")],
        "block_id already exists",
        "/blocks/1/block_id",
    ),
    (
        "11 in context",
        [{"type": "context", "elements": [mrkdwn()] * 11}],
        "no more than 10",
        "/blocks/0/elements",
    ),
    (
        "button in context",
        [{"type": "context", "elements": [button()]}],
        "unsupported type: button",
        "/blocks/0/elements/0/type",
    ),
    ("101 rows", [table(101)], "no more than 100", "/blocks/0/rows"),
    ("21 columns", [table(1, 21)], "no more than 20", "/blocks/0/rows/0"),
    ("two tables", [table(1), table(1)], "only one table", "/blocks"),
    ("10,001 characters in cells", [table(1, 1, 10_001)], "tables must have", "/blocks"),
    ("ragged data table", [data_table([2, 3])], "same number", "/blocks/0/rows"),
    ("data table of a header", [data_table([2])], "no less than 2", "/blocks/0/rows"),
    ("three charts", [pie(1)] * 3, "no more than 2", "/blocks"),
    ("7 segments", [pie(7)], "no more than 6", "/blocks/0/chart/segments"),
    ("101 options", [actions(select(101))], "no more than 100", "/blocks/0/elements/0/options"),
    (
        "option text",
        [actions(select(options=options(1, 76)))],
        "less than 76",
        "/blocks/0/elements/0/options/0/text/text",
    ),
    (
        "initial option that isn't offered",
        [actions(select(2, initial_option={"text": plain(), "value": "9"}))],
        "among the options",
        "/blocks/0/elements/0/initial_option",
    ),
    (
        "no options",
        [actions({"type": "static_select", "action_id": "s"})],
        "`options` or `option_groups`",
        "/blocks/0/elements/0",
    ),
    (
        "11 checkboxes",
        [actions({"type": "checkboxes", "action_id": "c", "options": options(11)})],
        "no more than 10",
        "/blocks/0/elements/0/options",
    ),
    (
        "image without alt",
        [{"type": "image", "image_url": "https://x.test"}],
        "alt_text",
        "/blocks/0",
    ),
    ("image address", [image("x" * 3001)], "less than 3001", "/blocks/0/image_url"),
    ("unknown block", [{"type": "banner"}], "unsupported type", "/blocks/0/type"),
    ("no type", [{"text": plain()}], "missing required field: type", "/blocks/0"),
    ("not an object", ["section"], "must provide an object", "/blocks/0"),  # type: ignore[list-item]
    ("unknown field", [section(color="red")], "additional property: color", "/blocks/0"),
    (
        "emoji in mrkdwn",
        [{"type": "section", "text": {**mrkdwn(), "emoji": True}}],
        "additional property: emoji",
        "/blocks/0/text",
    ),
    ("alert in a message", [{"type": "alert", "text": mrkdwn()}], "unsupported", "/blocks/0/type"),
    (
        "input of text with a bad length",
        [field(min_length=9, max_length=3)],
        "min_length",
        "/blocks/0/element/min_length",
    ),
    ("label", [{**field(), "label": plain(2001)}], "less than 2001", "/blocks/0/label/text"),
    ("placeholder", [field(placeholder=plain(151))], "151", "/blocks/0/element/placeholder/text"),
    (
        "button as an input",
        [{"type": "input", "label": plain(), "element": button()}],
        "unsupported type: button",
        "/blocks/0/element/type",
    ),
    (
        "markdown in all",
        [{"type": "markdown", "text": "x" * 7000}] * 2,
        "markdown blocks",
        "/blocks",
    ),
    (
        "confirm",
        [
            actions(
                button(
                    confirm={
                        "title": plain(101),
                        "text": plain(),
                        "confirm": plain(),
                        "deny": plain(),
                    }
                )
            )
        ],
        "less than 101",
        "/blocks/0/elements/0/confirm/title/text",
    ),
]


@pytest.mark.parametrize(
    ("blocks", "text", "pointer"), [w[1:] for w in WRONG], ids=[w[0] for w in WRONG]
)
def test_past_the_limit_a_message_is_refused(blocks: list[Json], text: str, pointer: str) -> None:
    found = [f for f in check_message("text", blocks) if f.pointer.startswith(pointer)]
    assert any(text in f.text for f in found), check_message("text", blocks)
    assert not any(f.warning for f in found)


VIEWS: list[tuple[str, Json, str, str]] = [
    ("101 blocks", modal(*[section()] * 101), "no more than 100", "/view/blocks"),
    ("title", modal(title=plain(25)), "less than 25", "/view/title/text"),
    ("title in mrkdwn", modal(title=mrkdwn()), "unsupported", "/view/title/type"),
    ("no title", {"type": "modal", "blocks": [section()]}, "field: title", "/view"),
    ("no blocks", {"type": "modal", "title": plain()}, "field: blocks", "/view"),
    ("no type", {"title": plain(), "blocks": []}, "field: type", "/view"),
    ("submit", modal(submit=plain(25)), "less than 25", "/view/submit/text"),
    ("close", modal(close=plain(25)), "less than 25", "/view/close/text"),
    ("metadata", modal(private_metadata="x" * 3001), "3001", "/view/private_metadata"),
    ("callback_id", modal(callback_id="x" * 256), "less than 256", "/view/callback_id"),
    ("input without submit", modal(field()), "field: submit", "/view"),
    ("unknown field", modal(color="red"), "additional property", "/view"),
    ("table in a modal", modal(table(1)), "unsupported type: table", "/view/blocks/0/type"),
    ("type", {"type": "message", "blocks": []}, "unsupported type", "/view/type"),
]


@pytest.mark.parametrize(
    ("view", "text", "pointer"), [v[1:] for v in VIEWS], ids=[v[0] for v in VIEWS]
)
def test_a_view_past_its_limits_is_refused(view: Json, text: str, pointer: str) -> None:
    found = check_view(view, ("modal",))
    assert any(text in f.text and f.pointer == pointer for f in found), found


def test_views_at_their_limits_pass() -> None:
    full = modal(
        *[section()] * 99,
        field(),
        title=plain(24),
        submit=plain(24),
        close=plain(24),
        private_metadata="x" * 3000,
        callback_id="x" * 255,
        notify_on_close=True,
    )
    assert check_view(full, ("modal",)) == []
    assert check_view({"type": "home", "blocks": [section(), actions()]}, ("home",)) == []
    alert = {"type": "alert", "text": mrkdwn(), "level": "warning"}
    assert check_view(modal(alert), ("modal",)) == []


def test_a_home_tab_has_no_title_and_is_no_modal() -> None:
    view = {"type": "home", "title": plain(), "blocks": []}
    assert [f.text for f in check_view(view, ("home",))] == ["invalid additional property: title"]
    assert [f.pointer for f in check_view(view, ("modal",))] == ["/view/type"]


def test_blocks_without_text_are_a_warning() -> None:
    (finding,) = check_message("", [section()])
    assert finding.warning
    assert check_message("text", None) == []


def test_a_finding_never_quotes_the_content() -> None:
    canary = "CANARY gallbladder"
    blocks: list[Any] = [
        section(),
        {"type": canary},
        {"type": "section", "text": {"type": canary, "text": canary}},
        section(accessory=canary),
        actions(button(style=canary, url=canary, value=canary * 200)),
        {"type": "context", "elements": canary},
        {"type": "image", "image_url": canary, "alt_text": canary * 200},
        field(initial_value=canary * 400, min_length=canary),
        canary,
    ]
    found = check_message("text", blocks)
    assert len(found) >= 9
    assert "CANARY" not in json.dumps([str(f) for f in found])


@pytest.mark.parametrize("junk", [None, 3, "x", {}, [None], [[]], [{"type": None}], [{"type": []}]])
def test_junk_is_refused_without_an_exception(junk: Any) -> None:
    if junk is not None:
        assert check_message("text", junk)
    assert check_view({"type": "modal", "title": junk, "blocks": junk}, ("modal",))


def test_what_the_sdk_models_make_passes() -> None:
    """Their own defaults must not be taken for unknown fields."""
    made = [
        models.HeaderBlock(text="Head"),
        models.SectionBlock(text="Hello", fields=["a", "b"]),
        models.SectionBlock(text="x", accessory=models.ButtonElement(text="b", action_id="a")),
        models.DividerBlock(),
        models.ContextBlock(elements=[models.MarkdownTextObject(text="c")]),
        models.ActionsBlock(
            elements=[
                models.ButtonElement(text="Agree", action_id="agree", value="1", style="primary"),
                models.StaticSelectElement(
                    action_id="s",
                    placeholder="Pick",
                    options=[models.Option(text="a", value="a")],
                ),
                models.OverflowMenuElement(
                    action_id="o", options=[models.Option(text="a", value="a")]
                ),
                models.DatePickerElement(action_id="d", initial_date="2026-01-31"),
            ]
        ),
        models.ContextActionsBlock(
            elements=[
                models.FeedbackButtonsElement(
                    action_id="f",
                    positive_button=models.FeedbackButtonObject(text="Good", value="1"),
                    negative_button=models.FeedbackButtonObject(text="Bad", value="0"),
                )
            ]
        ),
        models.MarkdownBlock(text="**x**"),
        models.TableBlock(rows=[[{"type": "raw_text", "text": "x"}]]),
        models.ImageBlock(image_url="https://x.test/a.png", alt_text="a"),
        models.InputBlock(
            label="Note",
            element=models.PlainTextInputElement(action_id="n", multiline=True, max_length=3000),
            hint="h",
        ),
        models.TaskCardBlock(task_id="1", title="t", status="complete"),
    ]
    assert check_message("text", [block.to_dict() for block in made]) == []
