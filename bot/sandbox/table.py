"""The table of Web API methods: a name, the scopes it needs, and the function that answers."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

from bot.sandbox import seed
from bot.sandbox.hub import Hub, Problem
from bot.sandbox.state import Json, Post
from bot.sandbox.validation import Finding


class SlackError(Exception):
    """An answer with `ok: false`; `extra` goes beside the error's code."""

    def __init__(self, code: str, **extra: Any) -> None:
        super().__init__(code)
        self.code = code
        self.extra = extra


@dataclass(frozen=True)
class Call:
    """One call of a method: where it lands, and its arguments as sent."""

    hub: Hub
    method: str
    args: Json

    def text(self, name: str, default: str = "") -> str:
        """An argument as text."""
        value = self.args.get(name)
        return default if value is None else str(value)

    def required(self, name: str) -> str:
        """An argument that must be there."""
        value = self.text(name)
        if not value:
            message = f"[ERROR] missing required field: {name}"
            raise SlackError("invalid_arguments", response_metadata={"messages": [message]})
        return value

    def flag(self, name: str) -> bool:
        """A true or false argument, in any of the spellings Slack takes."""
        return self.args.get(name) in (True, "true", "True", "1", 1)

    def number(self, name: str, default: int) -> int:
        """A whole number."""
        value = self.text(name)
        if not value:
            return default
        try:
            return int(value)
        except ValueError:
            raise SlackError("invalid_arguments") from None

    def parsed(self, name: str, error: str = "invalid_arguments") -> Any:
        """An argument that is JSON, or a string with JSON in it."""
        value = self.args.get(name)
        if not isinstance(value, str) or not value:
            return value
        try:
            return json.loads(value)
        except ValueError:
            raise SlackError(error) from None

    def conversation(self, name: str = "channel") -> seed.Conversation:
        """The conversation an argument names."""
        found = self.hub.workspace.find_conversation(self.text(name))
        # A private conversation that the bot isn't in does not exist for it.
        hidden = found and found.kind != "channel" and seed.BOT_USER not in found.members
        if found is None or hidden:
            raise SlackError("channel_not_found")
        return found

    def joined(self, name: str = "channel") -> seed.Conversation:
        """The same, and the bot is in it."""
        conversation = self.conversation(name)
        if seed.BOT_USER not in conversation.members:
            raise SlackError("not_in_channel")
        return conversation

    def post(self, channel: str, name: str = "ts") -> Post:
        """The message an argument names; ephemeral ones can't be found again."""
        post = self.hub.workspace.find(channel, self.text(name))
        if post is None or post.only_for:
            raise SlackError("message_not_found")
        return post

    def person(self, name: str = "user") -> seed.User:
        """The user an argument names."""
        user = self.hub.workspace.users.get(self.text(name))
        if user is None:
            raise SlackError("user_not_found")
        return user

    def refuse(self, code: str, findings: list[Finding]) -> None:
        """Record what is wrong, and answer as Slack does if any of it is more than a warning."""
        for finding in findings:
            problem = Problem(self.method, finding.text, finding.pointer, finding.warning)
            self.hub.report(problem)
        wrong = [str(finding) for finding in findings if not finding.warning]
        if wrong:
            _refuse(code, wrong)

    def page(self, items: list[Json], limit: int) -> tuple[list[Json], Json]:
        """One page of a list and its `response_metadata`; the cursor is an offset."""
        cursor = self.text("cursor")
        if cursor and not (cursor.startswith("page:") and cursor[5:].isdigit()):
            raise SlackError("invalid_cursor")
        start = int(cursor[5:]) if cursor else 0
        more = start + limit < len(items)
        next_cursor = f"page:{start + limit}" if more else ""
        return items[start : start + limit], {"next_cursor": next_cursor}


def _refuse(code: str, wrong: list[str]) -> NoReturn:
    messages = [f"[ERROR] {text}" for text in wrong]
    extra: Json = {"response_metadata": {"messages": messages}}
    if code == "invalid_blocks":
        extra["errors"] = wrong
    raise SlackError(code, **extra)


Handler = Callable[[Call], Json]


@dataclass(frozen=True)
class Method:
    """One row. `scopes`: any one of them is enough; `token` is the kind that the method takes."""

    handler: Handler
    scopes: tuple[str, ...]
    token: str


METHODS: dict[str, Method] = {}


def method(name: str, *scopes: str, token: str = "xoxb") -> Callable[[Handler], Handler]:  # noqa: S107 - a kind of token
    """Put a function into the table."""

    def enter(handler: Handler) -> Handler:
        METHODS[name] = Method(handler, scopes, token)
        return handler

    return enter
