"""The `files.*` methods: metadata, and the upload in three steps."""

import mimetypes

from bot.sandbox import seed
from bot.sandbox.methods_chat import bot_message
from bot.sandbox.payloads import file_object, message_event
from bot.sandbox.state import File, Json
from bot.sandbox.table import Call, SlackError, method

MAX_FILE_BYTES = 50_000_000


def _file(call: Call) -> File:
    file = call.hub.workspace.files.get(call.text("file"))
    if file is None:
        raise SlackError("file_not_found")
    return file


@method("files.info", "files:read")
def info(call: Call) -> Json:
    """What Slack knows of a file."""
    described = file_object(call.hub.workspace, _file(call))
    return {"file": described, "comments": [], "response_metadata": {"next_cursor": ""}}


@method("files.getUploadURLExternal", "files:write")
def get_upload_url(call: Call) -> Json:
    """Step 1: where to send the bytes."""
    name = call.required("filename")
    length = call.number("length", 0)
    if length <= 0:
        raise SlackError("invalid_arguments")
    if length > MAX_FILE_BYTES:
        raise SlackError("file_upload_size_restricted")
    workspace = call.hub.workspace
    file_id = workspace.new_id("F")
    mimetype = mimetypes.guess_type(name)[0] or "application/octet-stream"
    snippet = "snippet" if call.text("snippet_type") else "hosted"
    # Not a file until the upload is completed: kept apart, so that nobody can see it before.
    call.hub.uploads[file_id] = File(
        file_id, name, name, mimetype, seed.BOT_USER, int(workspace.clock()), b"", snippet
    )
    return {"upload_url": f"{workspace.url}/upload/v1/{file_id}", "file_id": file_id}


@method("files.completeUploadExternal", "files:write")
def complete_upload(call: Call) -> Json:
    """Step 3: the files exist, and are shared if a conversation is named."""
    wanted = call.parsed("files")
    if not isinstance(wanted, list) or not wanted:
        raise SlackError("invalid_arguments")
    channels = [
        name for name in (call.text("channel_id"), *call.text("channels").split(",")) if name
    ]
    workspace = call.hub.workspace
    conversations = [workspace.find_conversation(name) for name in channels]
    if any(c is None or seed.BOT_USER not in c.members for c in conversations):
        raise SlackError("channel_not_found")
    files = [call.hub.uploads.get(str(item.get("id"))) for item in wanted if isinstance(item, dict)]
    if len(files) != len(wanted) or any(file is None or not file.data for file in files):
        raise SlackError("file_not_found")
    done = []
    for item, file in zip(wanted, files, strict=True):
        assert file is not None
        file.title = item.get("title") or file.name
        file.channels.update(c.id for c in conversations if c)
        workspace.files[file.id] = call.hub.uploads.pop(file.id)
        done.append(file_object(workspace, file))
    for conversation in conversations:
        if conversation is None:
            continue
        message = {**bot_message(), "text": call.text("initial_comment"), "files": done}
        if thread := call.text("thread_ts"):
            message["thread_ts"] = thread
        post = workspace.add(conversation.id, message)
        call.hub.dispatcher.event(message_event(conversation, post.message))
    return {"files": done}
