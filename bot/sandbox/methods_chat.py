"""The `chat.*` and `reactions.*` methods."""

from bot.sandbox import seed
from bot.sandbox.blocks import complete_blocks
from bot.sandbox.payloads import message_event
from bot.sandbox.state import Json, Post
from bot.sandbox.table import Call, SlackError, method
from bot.sandbox.validation import check_message

MAX_TEXT = 40_000
MAX_UPDATE = 4_000


def content(call: Call) -> Json:
    """The text, blocks and attachments of a message, checked and completed."""
    blocks = call.parsed("blocks", "invalid_blocks_format")
    attachments = call.parsed("attachments", "invalid_attachments")
    text = call.text("text")
    markdown = call.text("markdown_text")
    if markdown and (text or blocks):
        raise SlackError("markdown_text_conflict")
    if not (text or blocks or attachments or markdown):
        raise SlackError("no_text")
    if blocks is not None and not isinstance(blocks, list):
        raise SlackError("invalid_blocks_format")
    call.refuse("invalid_blocks", check_message(text or markdown, blocks))
    if len(markdown) > 12_000:
        raise SlackError("msg_too_long")
    # Slack cuts a new message short, but refuses an update.
    if len(text) > MAX_UPDATE and call.method == "chat.update":
        raise SlackError("msg_too_long")
    made: Json = {"text": (text or markdown)[:MAX_TEXT]}
    if markdown:
        blocks = [{"type": "markdown", "text": markdown}]
    if blocks:
        made["blocks"] = complete_blocks(blocks)
    if attachments:
        made["attachments"] = attachments
    if metadata := call.parsed("metadata", "invalid_metadata_format"):
        made["metadata"] = metadata
    return made


def bot_message() -> Json:
    """What every message of the bot carries."""
    return {
        "type": "message",
        "user": seed.BOT_USER,
        "bot_id": seed.BOT_ID,
        "app_id": seed.APP_ID,
        "team": seed.TEAM_ID,
        "bot_profile": {
            "id": seed.BOT_ID,
            "app_id": seed.APP_ID,
            "name": seed.APP_NAME,
            "deleted": False,
            "updated": 0,
            "team_id": seed.TEAM_ID,
            "icons": {},
        },
    }


@method("chat.postMessage", "chat:write")
def post_message(call: Call) -> Json:
    """Post; the bot gets its own message back as an event, as with Slack."""
    conversation = call.joined()
    message = {**bot_message(), **content(call)}
    if thread := call.text("thread_ts"):
        parent = call.hub.workspace.find(conversation.id, thread)
        if parent is None or parent.only_for:
            raise SlackError("thread_not_found")
        root = parent.message.get("thread_ts", thread)
        message["thread_ts"] = root
        message["parent_user_id"] = parent.message.get("user", "")
        call.hub.workspace.set_status(conversation.id, root, "")
    post = call.hub.workspace.add(conversation.id, message)
    call.hub.dispatcher.event(message_event(conversation, post.message))
    return {"channel": conversation.id, "ts": post.ts, "message": post.message}


@method("chat.postEphemeral", "chat:write")
def post_ephemeral(call: Call) -> Json:
    """Post for one person's eyes."""
    conversation = call.joined()
    user = call.person()
    if user.id not in conversation.members:
        raise SlackError("user_not_in_channel")
    message = {**bot_message(), **content(call), "is_ephemeral": True}
    if thread := call.text("thread_ts"):
        message["thread_ts"] = thread
    post = call.hub.workspace.add(conversation.id, message, only_for=user.id)
    return {"message_ts": post.ts}


def _own(post: Post, error: str) -> None:
    if post.message.get("user") != seed.BOT_USER:
        raise SlackError(error)


@method("chat.update", "chat:write")
def update(call: Call) -> Json:
    """Change a message of the bot's own. Blocks that are not sent stay; an empty list removes."""
    conversation = call.joined()
    post = call.post(conversation.id)
    _own(post, "cant_update_message")
    before = dict(post.message)
    made = content(call)
    fields: Json = {**made, "edited": {"user": seed.BOT_ID, "ts": call.hub.workspace.next_ts()}}
    for name in ("blocks", "attachments"):
        if call.parsed(name) == []:
            fields[name] = None
    call.hub.workspace.change(conversation.id, post, fields)
    call.hub.dispatcher.event(changed_event(call, conversation, post.message, before))
    answer = {"channel": conversation.id, "ts": post.ts, "text": post.message["text"]}
    return {**answer, "message": post.message}


def changed_event(
    call: Call, conversation: seed.Conversation, message: Json, previous: Json
) -> Json:
    """The `message_changed` event of an update."""
    ts = call.hub.workspace.next_ts()
    return {
        "type": "message",
        "subtype": "message_changed",
        "hidden": True,
        "message": dict(message),
        "previous_message": previous,
        "channel": conversation.id,
        "ts": ts,
        "event_ts": ts,
        "channel_type": conversation.channel_type,
    }


@method("chat.delete", "chat:write")
def delete(call: Call) -> Json:
    """Take a message of the bot's own away."""
    conversation = call.joined()
    post = call.post(conversation.id)
    _own(post, "cant_delete_message")
    call.hub.workspace.remove(conversation.id, post)
    ts = call.hub.workspace.next_ts()
    call.hub.dispatcher.event(
        {
            "type": "message",
            "subtype": "message_deleted",
            "hidden": True,
            "deleted_ts": post.ts,
            "previous_message": post.message,
            "channel": conversation.id,
            "ts": ts,
            "event_ts": ts,
            "channel_type": conversation.channel_type,
        }
    )
    return {"channel": conversation.id, "ts": post.ts}


@method("chat.getPermalink")
def permalink(call: Call) -> Json:
    """The address of a message."""
    conversation = call.conversation()
    post = call.post(conversation.id, "message_ts")
    url = f"{call.hub.workspace.url}/archives/{conversation.id}/p{post.ts.replace('.', '')}"
    return {"channel": conversation.id, "permalink": url}


def _reactions(call: Call) -> tuple[seed.Conversation, Post, list[Json]]:
    conversation = call.joined()
    post = call.post(conversation.id, "timestamp")
    return conversation, post, [dict(r) for r in post.message.get("reactions", [])]


@method("reactions.add", "reactions:write")
def add_reaction(call: Call) -> Json:
    """React as the bot."""
    conversation, post, reactions = _reactions(call)
    name = call.required("name").strip(":")
    mine = next((r for r in reactions if r["name"] == name), None)
    if mine is None:
        reactions.append({"name": name, "users": [seed.BOT_USER], "count": 1})
    elif seed.BOT_USER in mine["users"]:
        raise SlackError("already_reacted")
    else:
        mine.update(users=[*mine["users"], seed.BOT_USER], count=mine["count"] + 1)
    call.hub.workspace.change(conversation.id, post, {"reactions": reactions})
    return {}


@method("reactions.remove", "reactions:write")
def remove_reaction(call: Call) -> Json:
    """Take the bot's reaction back."""
    conversation, post, reactions = _reactions(call)
    name = call.required("name").strip(":")
    mine = next((r for r in reactions if r["name"] == name), None)
    if mine is None or seed.BOT_USER not in mine["users"]:
        raise SlackError("no_reaction")
    users = [user for user in mine["users"] if user != seed.BOT_USER]
    mine.update(users=users, count=len(users))
    kept = [r for r in reactions if r["users"]]
    call.hub.workspace.change(conversation.id, post, {"reactions": kept or None})
    return {}


@method("reactions.get", "reactions:read")
def get_reactions(call: Call) -> Json:
    """A message with its reactions."""
    conversation, post, _ = _reactions(call)
    return {"type": "message", "channel": conversation.id, "message": post.message}
