"""The `views.*` and `assistant.threads.*` methods."""

from bot.sandbox.state import Json
from bot.sandbox.table import Call, SlackError, method
from bot.sandbox.tickets import Trigger
from bot.sandbox.validation import check_view

MAX_VIEW_BYTES = 250_000


def _view(call: Call, kinds: tuple[str, ...]) -> Json:
    view = call.parsed("view")
    if not isinstance(view, dict):
        message = "[ERROR] missing required field: view"
        raise SlackError("invalid_arguments", response_metadata={"messages": [message]})
    call.refuse("invalid_arguments", check_view(view, kinds))
    if len(str(view)) > MAX_VIEW_BYTES:
        raise SlackError("view_too_large")
    external = call.hub.views.by_external_id(str(view.get("external_id") or ""))
    if external and call.method in ("views.open", "views.push"):
        raise SlackError("duplicate_external_id")
    return view


def _trigger(call: Call) -> Trigger:
    key = call.text("trigger_id") or call.text("interactivity_pointer")
    if not key:
        call.required("trigger_id")
    trigger = call.hub.tickets.exchange(key)
    if not isinstance(trigger, Trigger):
        raise SlackError(trigger)
    return trigger


@method("views.open")
def open_view(call: Call) -> Json:
    """Open a modal for the person whose trigger this is."""
    view = _view(call, ("modal",))
    return {"view": call.hub.views.open(_trigger(call).user, view)}


@method("views.push")
def push_view(call: Call) -> Json:
    """Put a modal on top of the one that the trigger came from."""
    view = _view(call, ("modal",))
    trigger = _trigger(call)
    if trigger.view_id not in call.hub.views.by_id:
        raise SlackError("not_found")
    pushed = call.hub.views.push(trigger.user, view)
    if pushed is None:
        raise SlackError("push_limit_reached")
    return {"view": pushed}


@method("views.update")
def update_view(call: Call) -> Json:
    """Change an open modal, found by its id or by the app's own name for it."""
    view = _view(call, ("modal", "home"))
    if call.text("view_id"):
        kept = call.hub.views.by_id.get(call.text("view_id"))
    else:
        kept = call.hub.views.by_external_id(call.required("external_id"))
    if kept is None:
        raise SlackError("not_found")
    if call.text("hash") and call.text("hash") != kept["hash"]:
        raise SlackError("hash_conflict")
    return {"view": call.hub.views.update(kept["id"], view)}


@method("views.publish")
def publish_view(call: Call) -> Json:
    """Set somebody's Home tab."""
    user = call.hub.workspace.users.get(call.required("user_id"))
    if user is None:
        raise SlackError("user_not_found")
    view = _view(call, ("home",))
    home = call.hub.views.home(user.id)
    if call.text("hash") and home and call.text("hash") != home["hash"]:
        raise SlackError("hash_conflict")
    return {"view": call.hub.views.publish_home(user.id, view)}


def _thread(call: Call) -> tuple[str, str]:
    conversation = call.joined("channel_id")
    thread = call.required("thread_ts")
    if call.hub.workspace.find(conversation.id, thread) is None:
        raise SlackError("thread_not_found")
    return conversation.id, thread


@method("assistant.threads.setStatus", "assistant:write", "chat:write")
def set_status(call: Call) -> Json:
    """Say what the assistant is doing; an empty status, or an answer, clears it."""
    channel, thread = _thread(call)
    if "status" not in call.args:
        call.required("status")
    call.hub.workspace.set_status(channel, thread, call.text("status"))
    return {}


@method("assistant.threads.setSuggestedPrompts", "assistant:write")
def set_suggested_prompts(call: Call) -> Json:
    """Offer up to four prompts; in the messages tab of an agent there may be no thread yet."""
    conversation = call.joined("channel_id")
    prompts = call.parsed("prompts")
    if not isinstance(prompts, list) or not prompts:
        raise SlackError("invalid_arguments")
    if len(prompts) > 4:
        raise SlackError("too_many_prompts")
    if any(not isinstance(p, dict) or not p.get("title") or not p.get("message") for p in prompts):
        raise SlackError("invalid_arguments")
    key = (conversation.id, call.text("thread_ts"))
    call.hub.workspace.suggested_prompts[key] = prompts
    return {}


@method("assistant.threads.setTitle", "assistant:write")
def set_title(call: Call) -> Json:
    """Name a thread."""
    key = _thread(call)
    call.hub.workspace.thread_titles[key] = call.required("title")
    return {}
