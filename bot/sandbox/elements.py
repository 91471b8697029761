"""The limits of block elements and composition objects. Pure.

Source: https://docs.slack.dev/reference/block-kit/block-elements
"""

from collections.abc import Mapping
from typing import Any

from bot.sandbox.rules import (
    Check,
    Rule,
    all_of,
    anything,
    boolean,
    integer,
    items,
    kind,
    matching,
    number,
    only_in,
    plain,
    record,
    string,
    text,
    url,
    variants,
)

ACTION_ID = string(255)
STYLE = string(choices=("primary", "danger"))
DATE = matching(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])", "a date as YYYY-MM-DD")
CLOCK = matching(r"([01]\d|2[0-3]):[0-5]\d", "a time as HH:mm")

CONFIRM = record(
    {"title": plain(100), "text": text(300), "confirm": plain(30), "deny": plain(30)},
    {"style": STYLE},
)
DISPATCH = record(
    {},
    {"trigger_actions_on": items(string(choices=("on_enter_pressed", "on_character_entered")), 2)},
)
SLACK_FILE = record({}, {"id": string(), "url": url}, either=("id", "url"))


def _option(label: Rule) -> Rule:
    fields = {"text": label, "value": string(150)}
    return record(fields, {"description": label, "url": url})


PLAIN_OPTION = _option(plain(75))
TEXT_OPTION = _option(text(75))
OPTION_GROUP = record({"label": plain(75), "options": items(PLAIN_OPTION, 100)})


def _initial(options: str, initial: str) -> Rule:
    """What is selected at first must be among the options, exactly."""

    def rule(check: Check, value: Any, pointer: str) -> None:
        offered = list(value.get(options) or [])
        for group in value.get("option_groups") or []:
            offered += (group.get("options") or []) if isinstance(group, dict) else []
        chosen = value.get(initial)
        if chosen is None:
            return
        for item in chosen if isinstance(chosen, list) else [chosen]:
            if item not in offered:
                check.add(f"{initial} must be among the options", f"{pointer}/{initial}")

    return rule


def _element(
    required: Mapping[str, Rule] | None = None, optional: Mapping[str, Rule] | None = None
) -> Rule:
    common = {"action_id": ACTION_ID, "focus_on_load": boolean}
    return record({"type": kind, **(required or {})}, {**common, **(optional or {})})


PLACEHOLDER = {"placeholder": plain(150)}
CONFIRMABLE = {"confirm": CONFIRM}
_ASKING = {**PLACEHOLDER, **CONFIRMABLE}

BUTTON = _element(
    {"text": plain(75)},
    {
        **CONFIRMABLE,
        "url": url,
        "value": string(2000),
        "style": STYLE,
        "accessibility_label": string(75),
        "agent_prompt": string(4000),
    },
)
FEEDBACK = record({"text": plain(75), "value": string(2000)}, {"accessibility_label": string(75)})


def _one_source(check: Check, value: Any, pointer: str) -> None:
    if (value.get("options") is None) == (value.get("option_groups") is None):
        check.add("must define either `options` or `option_groups`", pointer)


def _static(initial: str, more: Mapping[str, Rule] | None = None) -> Rule:
    chosen = PLAIN_OPTION if initial == "initial_option" else items(PLAIN_OPTION, 100)
    fields = {
        **_ASKING,
        "options": items(PLAIN_OPTION, 100),
        "option_groups": items(OPTION_GROUP, 100),
        initial: chosen,
    }
    shape = _element({}, {**fields, **(more or {})})
    return all_of(shape, _one_source, _initial("options", initial))


_MANY: Mapping[str, Rule] = {"max_selected_items": integer(1, 100)}
_FILTER = {"filter": anything, "default_to_current_conversation": boolean}
_RESPONSE = {"response_url_enabled": boolean}


def _choice(option: Rule, initial: str, maximum: int = 10) -> Rule:
    chosen = option if initial == "initial_option" else items(option, maximum)
    shape = _element({"options": items(option, maximum)}, {**CONFIRMABLE, initial: chosen})
    return all_of(shape, _initial("options", initial))


def _typed(value: Rule, more: Mapping[str, Rule] | None = None) -> Rule:
    fields = {"initial_value": value, "dispatch_action_config": DISPATCH, **PLACEHOLDER}
    return _element({}, {**fields, **(more or {})})


def _lengths(check: Check, value: Any, pointer: str) -> None:
    low, high = value.get("min_length", 0), value.get("max_length", 3000)
    if isinstance(low, int) and isinstance(high, int) and low > high:
        check.add("min_length must not exceed max_length", f"{pointer}/min_length")


ELEMENTS: dict[str, Rule] = {
    "button": BUTTON,
    "workflow_button": _element({"text": plain(75), "workflow": anything}, {"style": STYLE}),
    "checkboxes": _choice(TEXT_OPTION, "initial_options"),
    "radio_buttons": _choice(TEXT_OPTION, "initial_option"),
    "overflow": _element({"options": items(PLAIN_OPTION, 5)}, CONFIRMABLE),
    "datepicker": _element({}, {**_ASKING, "initial_date": DATE}),
    "timepicker": _element({}, {**_ASKING, "initial_time": CLOCK, "timezone": string()}),
    "datetimepicker": _element({}, {**CONFIRMABLE, "initial_date_time": integer(0, 9999999999)}),
    "plain_text_input": all_of(
        _typed(
            string(3000, minimum=0),
            {
                "multiline": boolean,
                "min_length": integer(0, 3000),
                "max_length": integer(1, 3000),
            },
        ),
        _lengths,
    ),
    "email_text_input": _typed(string()),
    "url_text_input": _typed(string(3000)),
    "number_input": _typed(
        string(), {"is_decimal_allowed": boolean, "min_value": string(), "max_value": string()}
    ),
    "rich_text_input": all_of(only_in("modal"), _typed(anything)),
    "file_input": all_of(
        only_in("modal"),
        _element({}, {"filetypes": items(string(), 100), "max_files": integer(1, 10)}),
    ),
    "static_select": _static("initial_option"),
    "multi_static_select": _static("initial_options", _MANY),
    "external_select": _element(
        {}, {**_ASKING, "initial_option": PLAIN_OPTION, "min_query_length": integer(0, 3000)}
    ),
    "multi_external_select": _element(
        {},
        {
            **_ASKING,
            **_MANY,
            "initial_options": items(PLAIN_OPTION, 100),
            "min_query_length": integer(0, 3000),
        },
    ),
    "users_select": _element({}, {**_ASKING, "initial_user": string()}),
    "multi_users_select": _element({}, {**_ASKING, **_MANY, "initial_users": items(string(), 100)}),
    "conversations_select": _element(
        {}, {**_ASKING, **_FILTER, **_RESPONSE, "initial_conversation": string()}
    ),
    "multi_conversations_select": _element(
        {}, {**_ASKING, **_FILTER, **_MANY, "initial_conversations": items(string(), 100)}
    ),
    "channels_select": _element({}, {**_ASKING, **_RESPONSE, "initial_channel": string()}),
    "multi_channels_select": _element(
        {}, {**_ASKING, **_MANY, "initial_channels": items(string(), 100)}
    ),
    "image": record(
        {"type": kind, "alt_text": string(2000, minimum=0)},
        {"image_url": url, "slack_file": SLACK_FILE},
        either=("image_url", "slack_file"),
    ),
    "feedback_buttons": _element({"positive_button": FEEDBACK, "negative_button": FEEDBACK}),
    "icon_button": _element(
        {"icon": string(choices=("trash",)), "text": plain(75)},
        {
            **CONFIRMABLE,
            "value": string(2000),
            "accessibility_label": string(75),
            "visible_to_user_ids": items(string(), 100),
        },
    ),
    "plain_text": plain(3000),
    "mrkdwn": text(3000),
    "raw_text": record({"type": kind, "text": string(minimum=1)}),
    "raw_number": record({"type": kind, "value": number}, {"text": string()}),
}

_SELECTS = {name for name in ELEMENTS if name.endswith("_select")}
_PICKERS = {"datepicker", "timepicker", "datetimepicker"}
_CHOICES = {"checkboxes", "radio_buttons"}
IN_ACTIONS = _SELECTS | _PICKERS | _CHOICES | {"button", "workflow_button", "overflow"}
IN_SECTION = (IN_ACTIONS - {"datetimepicker"}) | {"image"}
IN_INPUT = (
    _SELECTS
    | _PICKERS
    | _CHOICES
    | {
        "plain_text_input",
        "email_text_input",
        "url_text_input",
        "number_input",
        "rich_text_input",
        "file_input",
    }
)
IN_CONTEXT = {"image", "plain_text", "mrkdwn"}
IN_CONTEXT_ACTIONS = {"feedback_buttons", "icon_button"}


def element(allowed: set[str]) -> Rule:
    """One of these elements."""
    return variants(ELEMENTS, allowed)
