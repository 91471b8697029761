"""The payloads Slack sends to an app: events, commands, clicks, shortcuts, submissions. Pure."""

import secrets
from typing import Any

from bot.sandbox import seed
from bot.sandbox.state import File, Json, Workspace

VERIFICATION_TOKEN = "sandbox-verification-token"  # noqa: S105 - deprecated by Slack, checked by no one


def event_callback(workspace: Workspace, event: Json) -> Json:
    """The outer body of an Events API request."""
    event_id = workspace.new_id("Ev")
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": seed.TEAM_ID,
        "context_team_id": seed.TEAM_ID,
        "context_enterprise_id": None,
        "api_app_id": seed.APP_ID,
        "event": event,
        "type": "event_callback",
        "event_id": event_id,
        "event_time": int(workspace.clock()),
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": seed.TEAM_ID,
                "user_id": seed.BOT_USER,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": False,
        "event_context": f"4-{secrets.token_urlsafe(24)}",
    }


def message_event(conversation: seed.Conversation, message: Json) -> Json:
    """A `message` event."""
    counted = ("reply_count", "latest_reply", "reactions")
    return {
        **{key: value for key, value in message.items() if key not in counted},
        "channel": conversation.id,
        "event_ts": message["ts"],
        "channel_type": conversation.channel_type,
    }


def mention_event(conversation: seed.Conversation, message: Json) -> Json:
    """An `app_mention` event: the same message once more, without a channel type."""
    event = message_event(conversation, message)
    del event["channel_type"]
    return {**event, "type": "app_mention"}


def user_object(user: seed.User) -> Json:
    """As the Web API describes a person."""
    return {
        "id": user.id,
        "team_id": seed.TEAM_ID,
        "name": user.name,
        "deleted": False,
        "color": user.color,
        "real_name": user.real_name,
        "tz": "Etc/UTC",
        "tz_label": "UTC",
        "tz_offset": 0,
        "profile": {
            "title": user.title,
            "real_name": user.real_name,
            "real_name_normalized": user.real_name,
            "display_name": user.name,
            "display_name_normalized": user.name,
            "team": seed.TEAM_ID,
            **({"bot_id": seed.BOT_ID, "api_app_id": seed.APP_ID} if user.is_bot else {}),
        },
        "is_admin": False,
        "is_owner": False,
        "is_restricted": False,
        "is_bot": user.is_bot,
        "is_app_user": False,
        "updated": 0,
    }


def file_object(workspace: Workspace, file: File) -> Json:
    """As in a message's `files` and in `files.info`."""
    extension = file.name.rpartition(".")[2].lower() if "." in file.name else "text"
    filetype = {"txt": "text", "md": "markdown"}.get(extension, extension)
    base = f"{workspace.url}/files-pri/{seed.TEAM_ID}-{file.id}"
    return {
        "id": file.id,
        "created": file.created,
        "timestamp": file.created,
        "name": file.name,
        "title": file.title,
        "mimetype": file.mimetype,
        "filetype": filetype,
        "pretty_type": filetype.upper(),
        "user": file.user,
        "user_team": seed.TEAM_ID,
        "editable": file.mode == "snippet",
        "size": len(file.data),
        "mode": file.mode,
        "is_external": False,
        "external_type": "",
        "is_public": any(channel.startswith("C") for channel in file.channels),
        "public_url_shared": False,
        "display_as_bot": False,
        "username": "",
        "url_private": f"{base}/{file.id.lower()}",
        "url_private_download": f"{base}/download/{file.id.lower()}",
        "permalink": f"{workspace.url}/files/{file.user}/{file.id}",
        "has_rich_preview": False,
        "file_access": "visible",
    }


def _person(workspace: Workspace, user: str) -> Json:
    name = workspace.users[user].name
    return {"id": user, "username": name, "name": name, "team_id": seed.TEAM_ID}


def _interactive(workspace: Workspace, kind: str, user: str) -> Json:
    return {
        "type": kind,
        "user": _person(workspace, user),
        "api_app_id": seed.APP_ID,
        "token": VERIFICATION_TOKEN,
        "team": {"id": seed.TEAM_ID, "domain": seed.TEAM_DOMAIN},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def slash_command(
    workspace: Workspace,
    user: str,
    conversation: seed.Conversation,
    command: str,
    text: str,
    **tickets: str,
) -> Json:
    """A slash command; `tickets` are `trigger_id` and `response_url`."""
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": seed.TEAM_ID,
        "team_domain": seed.TEAM_DOMAIN,
        "channel_id": conversation.id,
        "channel_name": conversation.payload_name,
        "user_id": user,
        "user_name": workspace.users[user].name,
        "command": command,
        "text": text,
        "api_app_id": seed.APP_ID,
        "is_enterprise_install": "false",
        **tickets,
    }


def block_actions(
    workspace: Workspace, user: str, action: Json, place: Json, **tickets: Any
) -> Json:
    """A click. `place` is made by `in_message` or `in_view`."""
    return {
        **_interactive(workspace, "block_actions", user),
        **place,
        **tickets,
        "actions": [action],
    }


def in_message(
    conversation: seed.Conversation, message: Json, values: Json, ephemeral: bool
) -> Json:
    """Where a click in a message happened. Slack does not send an ephemeral's content back."""
    container = {
        "type": "message",
        "message_ts": message["ts"],
        "channel_id": conversation.id,
        "is_ephemeral": ephemeral,
    }
    if message.get("thread_ts"):
        container["thread_ts"] = message["thread_ts"]
    place: Json = {
        "container": container,
        "channel": {"id": conversation.id, "name": conversation.payload_name},
        "state": {"values": values},
    }
    return place if ephemeral else {**place, "message": message}


def in_view(view: Json, values: Json) -> Json:
    """Where a click in a modal or on the Home tab happened."""
    container = {"type": "view", "view_id": view["id"]}
    return {"container": container, "view": {**view, "state": {"values": values}}}


def message_action(
    workspace: Workspace,
    user: str,
    conversation: seed.Conversation,
    message: Json,
    callback_id: str,
    **tickets: str,
) -> Json:
    """A message shortcut."""
    return {
        **_interactive(workspace, "message_action", user),
        "action_ts": workspace.next_ts(),
        "callback_id": callback_id,
        "message_ts": message["ts"],
        "channel": {"id": conversation.id, "name": conversation.payload_name},
        "message": message,
        **tickets,
    }


def view_submission(
    workspace: Workspace, user: str, view: Json, values: Json, trigger_id: str, urls: list[Json]
) -> Json:
    """A modal that was submitted."""
    return {
        **_interactive(workspace, "view_submission", user),
        "trigger_id": trigger_id,
        "view": {**view, "state": {"values": values}},
        "response_urls": urls,
    }


def view_closed(workspace: Workspace, user: str, view: Json, cleared: bool) -> Json:
    """A modal that was closed without submitting, for apps that asked to be told."""
    return {**_interactive(workspace, "view_closed", user), "view": view, "is_cleared": cleared}
