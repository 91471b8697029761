"""Modals and Home tabs: the stack each person has open, and what is on it. No I/O."""

import secrets
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox import seed
from bot.sandbox.blocks import complete_blocks
from bot.sandbox.state import Json, Workspace

MAX_STACK = 3

# What an input element holds before anybody touches it, by type: the key in `state.values`, and
# the element's own field with the initial value.
_HOLDS = {
    "plain_text_input": ("value", "initial_value"),
    "rich_text_input": ("rich_text_value", "initial_value"),
    "email_text_input": ("value", "initial_value"),
    "url_text_input": ("value", "initial_value"),
    "number_input": ("value", "initial_value"),
    "static_select": ("selected_option", "initial_option"),
    "external_select": ("selected_option", "initial_option"),
    "radio_buttons": ("selected_option", "initial_option"),
    "checkboxes": ("selected_options", "initial_options"),
    "multi_static_select": ("selected_options", "initial_options"),
    "users_select": ("selected_user", "initial_user"),
    "multi_users_select": ("selected_users", "initial_users"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
    "channels_select": ("selected_channel", "initial_channel"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
    "file_input": ("files", ""),
}
_LISTS = ("selected_options", "selected_users", "selected_conversations", "files")


def interactive_elements(blocks: list[Json]) -> list[tuple[Json, Json]]:
    """Every (block, element) that a person can use, in order."""
    found = []
    for block in blocks:
        elements = list(block.get("elements") or [])
        elements += [block[key] for key in ("accessory", "element") if block.get(key)]
        found += [(block, element) for element in elements if element.get("action_id")]
    return found


def initial_values(blocks: list[Json]) -> dict[str, dict[str, Json]]:
    """`state.values` of blocks that nobody has touched: every element, empty or initial."""
    values: dict[str, dict[str, Json]] = {}
    for block, element in interactive_elements(blocks):
        if element["type"] in _HOLDS:
            key, initial = _HOLDS[element["type"]]
            empty: Any = [] if key in _LISTS else None
            entry = {"type": element["type"], key: element.get(initial, empty)}
            values.setdefault(block["block_id"], {})[element["action_id"]] = entry
    return values


def merge_values(base: dict[str, dict[str, Json]], given: Json) -> dict[str, dict[str, Json]]:
    """What a person entered, over what was there. Unknown blocks and actions are left out.

    `given` has the shape of `state.values`, or for short (in tests) a block's or action's id and
    the text of its input or the value of its option.
    """
    merged = {block: {a: dict(v) for a, v in actions.items()} for block, actions in base.items()}
    for block_id, actions in merged.items():
        for action_id, entry in actions.items():
            new = given.get(block_id, given.get(action_id))
            if isinstance(new, dict) and isinstance(new.get(action_id), dict):
                new = new[action_id]
            key = _HOLDS[entry["type"]][0]
            if isinstance(new, dict) and key not in new and "value" in new:
                new = new["value"]
            if isinstance(new, dict):
                entry.update({k: v for k, v in new.items() if k == key})
            elif isinstance(new, str) and key == "selected_option":
                entry[key] = {"text": {"type": "plain_text", "text": new}, "value": new}
            elif new is not None:
                entry[key] = new
    return merged


@dataclass
class Views:
    """All views of one sandbox."""

    workspace: Workspace
    by_id: dict[str, Json] = field(default_factory=dict)
    stacks: dict[str, list[str]] = field(default_factory=dict)
    homes: dict[str, str] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)

    def make(self, view: Json, user: str, kept: Json | None = None) -> Json:
        """A whole view object from what an app sent; `kept` is the one that it replaces."""
        view_id = kept["id"] if kept else self.workspace.new_id("V")
        blocks = complete_blocks(view.get("blocks") or [])
        made: Json = {
            "id": view_id,
            "team_id": seed.TEAM_ID,
            "type": view.get("type", "modal"),
            "blocks": blocks,
            "private_metadata": view.get("private_metadata") or "",
            "callback_id": view.get("callback_id") or "",
            "state": {"values": {}},
            "hash": f"{int(self.workspace.clock())}.{secrets.token_hex(4)}",
            "title": view.get("title"),
            "clear_on_close": bool(view.get("clear_on_close")),
            "notify_on_close": bool(view.get("notify_on_close")),
            "close": view.get("close"),
            "submit": view.get("submit"),
            "previous_view_id": kept["previous_view_id"] if kept else None,
            "root_view_id": kept["root_view_id"] if kept else view_id,
            "app_id": seed.APP_ID,
            "external_id": view.get("external_id") or "",
            "app_installed_team_id": seed.TEAM_ID,
            "bot_id": seed.BOT_ID,
        }
        self.by_id[view_id] = made
        self.owners[view_id] = user
        return made

    def open(self, user: str, view: Json) -> Json:
        """A new modal, in place of any that is open."""
        self.clear(user)
        made = self.make(view, user)
        self.stacks[user] = [made["id"]]
        self.workspace.publish({user}, {"type": "view_open", "view": made})
        return made

    def push(self, user: str, view: Json) -> Json | None:
        """A modal on top of the open ones; None when three are open already."""
        stack = self.stacks.setdefault(user, [])
        if len(stack) >= MAX_STACK:
            return None
        made = self.make(view, user)
        if stack:
            made["previous_view_id"], made["root_view_id"] = stack[-1], stack[0]
        stack.append(made["id"])
        self.workspace.publish({user}, {"type": "view_push", "view": made})
        return made

    def update(self, view_id: str, view: Json) -> Json:
        """Replace the content of an open modal."""
        kept, user = self.by_id[view_id], self.owners[view_id]
        made = self.make(view, user, kept=kept)
        self.workspace.publish({user}, {"type": "view_update", "view": made})
        return made

    def publish_home(self, user: str, view: Json) -> Json:
        """The Home tab of one person."""
        kept = self.by_id.get(self.homes.get(user, ""))
        made = self.make(view, user, kept=kept)
        self.homes[user] = made["id"]
        self.workspace.publish({user}, {"type": "home", "view": made})
        return made

    def home(self, user: str) -> Json | None:
        """The Home tab as last published."""
        return self.by_id.get(self.homes.get(user, ""))

    def close(self, view_id: str) -> None:
        """Close one modal of a stack."""
        user = self.owners[view_id]
        if view_id in self.stacks.get(user, []):
            self.stacks[user].remove(view_id)
            self.workspace.publish({user}, {"type": "view_close", "view_id": view_id})
        self.by_id.pop(view_id, None)

    def clear(self, user: str) -> None:
        """Close a person's whole stack."""
        for view_id in reversed(self.stacks.get(user, [])[:]):
            self.close(view_id)

    def opened(self, user: str) -> list[Json]:
        """The open modals of a person, the one in front last."""
        return [self.by_id[view_id] for view_id in self.stacks.get(user, [])]

    def by_external_id(self, external_id: str) -> Json | None:
        """A modal by the app's own name for it."""
        for view in self.by_id.values():
            if external_id and view["external_id"] == external_id:
                return view
        return None
