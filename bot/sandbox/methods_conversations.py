"""The `conversations.*` methods."""

from collections.abc import Iterable

from bot.sandbox import seed
from bot.sandbox.state import Json
from bot.sandbox.table import Call, SlackError, method

_READ = ("channels:read", "groups:read", "im:read", "mpim:read")
_HISTORY = ("channels:history", "groups:history", "im:history", "mpim:history")


def conversation_object(conversation: seed.Conversation) -> Json:
    """As the Web API describes a conversation."""
    common: Json = {
        "id": conversation.id,
        "created": 0,
        "is_archived": False,
        "is_im": conversation.kind == "im",
        "is_mpim": conversation.kind == "mpim",
        "is_org_shared": False,
        "context_team_id": seed.TEAM_ID,
        "updated": 0,
    }
    if conversation.kind == "im":
        others = sorted(conversation.members - {seed.BOT_USER})
        return {**common, "user": others[0] if others else "", "is_open": True}
    return {
        **common,
        "name": conversation.name,
        "name_normalized": conversation.name,
        "is_channel": conversation.kind == "channel",
        "is_group": conversation.kind == "private",
        "is_private": conversation.kind != "channel",
        "is_general": conversation.name == "general",
        "is_member": seed.BOT_USER in conversation.members,
        "is_shared": False,
        "is_ext_shared": False,
        "creator": "U0LEO",
        "topic": {"value": conversation.topic, "creator": "U0LEO", "last_set": 0},
        "purpose": {"value": "", "creator": "", "last_set": 0},
    }


@method("conversations.info", *_READ)
def info(call: Call) -> Json:
    """One conversation."""
    conversation = call.conversation()
    described = conversation_object(conversation)
    if call.flag("include_num_members"):
        described["num_members"] = len(conversation.members)
    return {"channel": described}


@method("conversations.list", *_READ)
def list_conversations(call: Call) -> Json:
    """The conversations of the kinds asked for."""
    names = {"channel": "public_channel", "private": "private_channel"}
    wanted = call.text("types", "public_channel").replace(" ", "").split(",")
    if not set(wanted) <= {"public_channel", "private_channel", "im", "mpim"}:
        raise SlackError("invalid_types")
    found = [
        conversation_object(conversation)
        for conversation in call.hub.workspace.conversations.values()
        if names.get(conversation.kind, conversation.kind) in wanted
        and (conversation.kind == "channel" or seed.BOT_USER in conversation.members)
    ]
    channels, metadata = call.page(found, _limit(call))
    return {"channels": channels, "response_metadata": metadata}


@method("conversations.members", *_READ)
def members(call: Call) -> Json:
    """Who is in a conversation."""
    people = [{"id": user} for user in sorted(call.conversation().members)]
    page, metadata = call.page(people, _limit(call))
    return {"members": [person["id"] for person in page], "response_metadata": metadata}


@method("conversations.open", "im:write", "mpim:write")
def open_conversation(call: Call) -> Json:
    """The direct message with a person."""
    users = [user for user in call.text("users").split(",") if user]
    if call.text("channel"):
        conversation = call.conversation()
    elif len(users) == 1:
        if users[0] not in seed.PEOPLE:
            raise SlackError("user_not_found")
        found = call.hub.workspace.find_conversation(users[0])
        if found is None:
            raise SlackError("user_not_found")
        conversation = found
    else:
        raise SlackError("users_list_not_supplied" if not users else "not_enough_users")
    if call.flag("return_im"):
        return {"channel": conversation_object(conversation), "already_open": True}
    return {"channel": {"id": conversation.id}, "already_open": True, "no_op": True}


def _limit(call: Call) -> int:
    limit = call.number("limit", 100)
    if not 0 < limit <= 1000:
        raise SlackError("invalid_limit")
    return limit


def _within(call: Call, messages: Iterable[Json]) -> list[Json]:
    """Only those between `oldest` and `latest`."""
    try:
        oldest = float(call.text("oldest", "0") or 0)
        latest = float(call.text("latest") or "inf")
    except ValueError:
        raise SlackError("invalid_arguments") from None
    if call.flag("inclusive"):
        return [m for m in messages if oldest <= float(m["ts"]) <= latest]
    return [m for m in messages if oldest < float(m["ts"]) < latest]


@method("conversations.history", *_HISTORY)
def history(call: Call) -> Json:
    """The messages of a conversation, newest first, without replies and ephemerals."""
    conversation = call.joined()
    posts = [p.message for p in call.hub.workspace.posts[conversation.id] if not p.only_for]
    top = [m for m in posts if m.get("thread_ts", m["ts"]) == m["ts"]]
    page, metadata = call.page(list(reversed(_within(call, top))), _limit(call))
    more = bool(metadata["next_cursor"])
    answer: Json = {"messages": page, "has_more": more, "pin_count": 0}
    return {**answer, **({"response_metadata": metadata} if more else {})}


@method("conversations.replies", *_HISTORY)
def replies(call: Call) -> Json:
    """A thread: its parent, then the replies, oldest first."""
    conversation = call.joined()
    parent = call.hub.workspace.find(conversation.id, call.required("ts"))
    if parent is None or parent.only_for:
        raise SlackError("thread_not_found")
    root = parent.message.get("thread_ts", parent.ts)
    posts = [p.message for p in call.hub.workspace.posts[conversation.id] if not p.only_for]
    answers = [m for m in posts if m.get("thread_ts") == root and m["ts"] != root]
    first = [m for m in posts if m["ts"] == root]
    page, metadata = call.page(first + _within(call, answers), _limit(call))
    more = bool(metadata["next_cursor"])
    return {
        "messages": page,
        "has_more": more,
        **({"response_metadata": metadata} if more else {}),
    }
