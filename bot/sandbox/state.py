"""What the workspace holds: conversations, messages, files, read marks, statuses. No I/O.

Messages are Slack's own objects. Who may see what is decided here, and every change is published
to the subscribers (the open pages) with the people it is for.
"""

import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox import seed

Json = dict[str, Any]
Subscriber = Callable[[frozenset[str], Json], None]


@dataclass
class Post:
    """A message in a conversation; `only_for` is set on an ephemeral one."""

    message: Json = field(repr=False)
    only_for: str | None = None

    @property
    def ts(self) -> str:
        """Its timestamp, which is its id within the conversation."""
        return str(self.message["ts"])


@dataclass
class File:
    """An uploaded file, in memory only."""

    id: str
    name: str
    title: str
    mimetype: str
    user: str
    created: int
    data: bytes = field(repr=False)
    mode: str = "hosted"
    channels: set[str] = field(default_factory=set)


class Workspace:
    """The state of one sandbox. Used from one thread: the server's loop."""

    def __init__(self, url: str = "", clock: Callable[[], float] = time.time) -> None:
        self.url = url
        self.clock = clock
        self.users = {user.id: user for user in seed.USERS}
        self.conversations = {c.id: c for c in seed.conversations()}
        self.usergroups = dict(seed.USERGROUPS)
        self.posts: dict[str, list[Post]] = {c: [] for c in self.conversations}
        self.files: dict[str, File] = {}
        self.statuses: dict[tuple[str, str], str] = {}
        self.suggested_prompts: dict[tuple[str, str], list[Json]] = {}
        self.thread_titles: dict[tuple[str, str], str] = {}
        self.read_until: dict[tuple[str, str], float] = {}
        self.subscribers: list[Subscriber] = []
        self._last_ts = 0.0

    # --- identifiers -------------------------------------------------------------------------

    def next_ts(self) -> str:
        """A timestamp like Slack's, later than any before it."""
        self._last_ts = max(self._last_ts + 0.000001, self.clock())
        return f"{self._last_ts:.6f}"

    @staticmethod
    def new_id(letter: str) -> str:
        """An id like Slack's: a letter for the kind, then capitals and digits."""
        return f"{letter}0{uuid.uuid4().hex[:9].upper()}"

    # --- who and where -----------------------------------------------------------------------

    def find_conversation(self, name: str) -> seed.Conversation | None:
        """By id, by `#name`, or by a person's id (their direct message with the bot)."""
        if name in self.conversations:
            return self.conversations[name]
        if name in self.users:
            return self.conversations.get(f"D{name[1:]}")
        for conversation in self.conversations.values():
            if conversation.name and conversation.name == name.removeprefix("#"):
                return conversation
        return None

    def publish(self, audience: Iterable[str], change: Json) -> None:
        """Tell the open pages of these people."""
        people = frozenset(audience)
        for subscriber in list(self.subscribers):
            subscriber(people, change)

    def notice(self, user: str, level: str, text: str) -> None:
        """A line that the page shows to one person, as Slack's client does for its own errors."""
        self.publish({user}, {"type": "notice", "level": level, "text": text})

    def audience(self, channel: str, post: Post) -> set[str]:
        """Who sees a post."""
        return {post.only_for} if post.only_for else set(self.conversations[channel].members)

    # --- messages ----------------------------------------------------------------------------

    def add(self, channel: str, message: Json, only_for: str | None = None) -> Post:
        """Append a message (its `ts` is given here if it has none) and publish it."""
        message.setdefault("ts", self.next_ts())
        post = Post(message, only_for)
        self.posts[channel].append(post)
        self._count_reply(channel, message)
        change = {"type": "message", "channel": channel, "message": for_page(message)}
        self.publish(self.audience(channel, post), change)
        return post

    def _count_reply(self, channel: str, message: Json) -> None:
        """Keep the parent's `thread_ts` and `reply_count`, as history shows them."""
        thread = message.get("thread_ts")
        if not thread or thread == message["ts"] or message.get("is_ephemeral"):
            return
        parent = self.find(channel, thread)
        if parent is None or parent.only_for:
            return
        parent.message["thread_ts"] = thread
        parent.message["reply_count"] = int(parent.message.get("reply_count", 0)) + 1
        parent.message["latest_reply"] = message["ts"]

    def find(self, channel: str, ts: str) -> Post | None:
        """A post by its timestamp."""
        for post in reversed(self.posts.get(channel, [])):
            if post.ts == ts:
                return post
        return None

    def change(self, channel: str, post: Post, fields: Json) -> None:
        """Replace some fields of a message and publish it."""
        post.message.update(fields)
        for name in [key for key, value in post.message.items() if value is None]:
            del post.message[name]
        change = {"type": "message_changed", "channel": channel, "message": for_page(post.message)}
        self.publish(self.audience(channel, post), change)

    def remove(self, channel: str, post: Post) -> None:
        """Take a message away and publish that."""
        self.posts[channel].remove(post)
        change = {"type": "message_deleted", "channel": channel, "ts": post.ts}
        self.publish(self.audience(channel, post), change)

    def seen_by(self, channel: str, user: str | None) -> list[Json]:
        """The messages of a conversation, as `user` sees them; None: everyone's but ephemerals."""
        return [
            for_page(post.message)
            for post in self.posts.get(channel, [])
            if post.only_for is None or post.only_for == user
        ]

    def mark_read(self, channel: str, user: str) -> None:
        """Everything up to now has been seen."""
        self.read_until[(channel, user)] = max(self.clock(), self._last_ts)

    def unread(self, channel: str, user: str) -> int:
        """How many messages of others came after the last time `user` looked."""
        since = self.read_until.get((channel, user), 0.0)
        return sum(
            float(post.ts) > since and post.message.get("user") != user
            for post in self.posts[channel]
            if post.only_for in (None, user)
        )

    def set_status(self, channel: str, thread_ts: str, status: str) -> None:
        """What the assistant says it is doing in a thread; empty clears it."""
        if status == self.statuses.get((channel, thread_ts), ""):
            return
        self.statuses[(channel, thread_ts)] = status
        change = {"type": "status", "channel": channel, "thread_ts": thread_ts, "status": status}
        self.publish(self.conversations[channel].members, change)


def for_page(message: Json) -> Json:
    """A copy without the rich text that Slack adds to what people type: `text` says the same."""
    if message.get("user") != seed.BOT_USER and "client_msg_id" in message:
        return {key: value for key, value in message.items() if key != "blocks"}
    return dict(message)
