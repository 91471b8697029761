"""`/redeploy`: who may, which version, and the lock; the list of versions and its buttons."""

import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot import deploy_messages, messages, ops_messages
from bot.blocks.notices import notice, trouble
from bot.blocks.parts import moment
from bot.blocks.redeploy import title_of
from bot.blocks.versions import loading, told, version_line, versions_form
from bot.deciding import another_under_way
from bot.handover import tell
from bot.intake import plain_text
from bot.placing import elsewhere, link
from bot.redeploying.running import go_on
from bot.redeploying.showing import show
from bot.services import Services
from bot.store.lock import REASON_CHARACTERS
from bot.store.redeploys import Redeploy
from mlops.backends import Endpoint
from mlops.errors import NotFoundError, TriageError

Payload = Mapping[str, Any]
LISTED = 5
ALONE = ("help", "status", "unlock", "rollback")


@dataclass(frozen=True)
class Request:
    """What was typed after `/redeploy`: a verb, and a version or a reason."""

    verb: str
    argument: str = ""


def parse(text: str) -> Request:
    """The words after the command.

    >>> parse("lock audit until Friday"), parse("3bc3")
    (Request(verb='lock', argument='audit until Friday'), Request(verb='deploy', argument='3bc3'))
    >>> parse("something else").verb
    'unknown'
    """
    first, _, rest = text.strip().partition(" ")
    verb = first.lower()
    if not verb:
        return Request("list")
    if verb == "lock":
        return Request("lock", " ".join(rest.split()))
    if rest.strip():
        return Request("unknown")
    return Request(verb) if verb in ALONE else Request("deploy", verb)


def redeploy(services: Services, command: Payload) -> None:
    """Answer the slash command.

    Args:
        services: Of this process.
        command: Its payload.
    """
    user, channel = str(command.get("user_id") or ""), str(command.get("channel_id") or "")
    wanted = parse(plain_text(str(command.get("text") or "")))
    if wanted.verb == "help":
        tell(services, command, notice(deploy_messages.redeploy_help()))
        return
    action = wanted.verb if wanted.verb in ("lock", "unlock", "rollback") else "redeploy"
    target = wanted.argument if wanted.verb == "deploy" else ""
    if not services.allowed(user, action, target[:80], channel):
        tell(services, command, notice(ops_messages.ask_leads(services.roles.leads)))
    elif wanted.verb == "list":
        open_list(services, channel, command)
    elif wanted.verb == "deploy":
        tell_if(services, command, start(services, user, channel, wanted.argument))
    elif wanted.verb == "rollback":
        tell_if(services, command, roll_back(services, user, channel))
    elif wanted.verb == "status":
        tell(services, command, notice(_status(services)))
    elif wanted.verb in ("lock", "unlock"):
        tell(services, command, notice(_lock(services, wanted, user, channel)))
    else:
        tell(services, command, notice(deploy_messages.redeploy_unknown()))


def tell_if(services: Services, payload: Payload, sentence: str) -> None:
    """Tell what there is to tell; a card that is in the conversation says enough."""
    if sentence:
        tell(services, payload, notice(sentence))


# --- versions -----------------------------------------------------------------------------------


def start(services: Services, user: str, channel: str, version: str) -> str:
    """Begin a redeployment; what to tell the person, or "" (mrkdwn)."""
    from mlops.operations import champion

    audit = services.store.audit
    if (lock := services.store.lock.current()) is not None:
        audit.add(user, "redeploy", version[:80], channel, "refused: locked")
        return deploy_messages.locked(lock)
    try:
        found = services.backend.version(version).name
    except NotFoundError as error:
        audit.add(user, "redeploy", version[:80], channel, "refused: no such version")
        return messages.problem(error)
    endpoint = services.endpoint
    serves = champion(services.backend, endpoint).name
    if found == serves and _endpoint(services) is not None:
        return deploy_messages.serves_already(found)
    redeploys = services.store.redeploys
    if services.settings.triage_two_person:
        expires = time.time() + services.settings.triage_approval_hours * 3600
        row = redeploys.propose(user, channel, endpoint, found, serves, expires)
    else:
        row = redeploys.begin(user, channel, endpoint, found, serves, "deploy")
    return _begun(services, row, user, channel, "redeploy")


def roll_back(services: Services, user: str, channel: str) -> str:
    """Go back to the version before; what to tell the person, or "" (mrkdwn)."""
    redeploys = services.store.redeploys
    active = redeploys.active()
    if active is not None and redeploys.request_return(active, user) is not None:
        return deploy_messages.going_back(link(services, active))
    endpoint = _endpoint(services)
    if endpoint is None or endpoint.previous is None:
        services.store.audit.add(user, "rollback", "", channel, "refused: nothing before")
        return deploy_messages.nothing_before()
    row = redeploys.begin(
        user, channel, endpoint.name, endpoint.previous, endpoint.version, "rollback"
    )
    return _begun(services, row, user, channel, "rollback")


def _begun(services: Services, row: Redeploy | None, user: str, channel: str, action: str) -> str:
    if row is None:
        return another_under_way(services, user, action, "", channel)
    shown = show(services, row)
    if shown.under_way:
        go_on(services, shown)
    return deploy_messages.shown_elsewhere() if elsewhere(shown, channel) else ""


def _endpoint(services: Services) -> Endpoint | None:
    """The endpoint that the bot asks; None where there is none yet."""
    try:
        return services.backend.endpoint(services.endpoint)
    except NotFoundError:
        return None


def _status(services: Services) -> str:
    """What serves, the lock, and the latest redeployments (mrkdwn)."""
    from mlops.operations import champion

    version = champion(services.backend, services.endpoint)
    lines = [
        version_line(version, [":large_green_circle: serves now"]),
        deploy_messages.lock_state(services.store.lock.current()),
    ]
    for row in services.store.redeploys.latest(LISTED):
        where = link(services, row)
        title = f"<{where}|{title_of(row)}>" if where else title_of(row)
        lines.append(f"• {title}: `{row.version}`, asked by <@{row.user}> {moment(row.started)}")
    return "\n".join(lines)


# --- the list -----------------------------------------------------------------------------------


def open_list(services: Services, channel: str, payload: Payload) -> None:
    """Open the list of versions."""
    from mlops.operations import champion

    external_id = uuid.uuid4().hex
    view = loading(channel, external_id)
    if not services.slack.open_view(str(payload.get("trigger_id") or ""), view):
        tell(services, payload, trouble(messages.form_failed()))
        return
    try:
        endpoint = _endpoint(services)
        shown = versions_form(
            channel,
            services.backend.versions(),
            champion(services.backend, services.endpoint).name,
            endpoint.previous if endpoint is not None else None,
            services.store.lock.current(),
        )
    except TriageError as error:
        shown = told(channel, messages.problem(error))
    services.slack.call("views.update", external_id=external_id, view=shown)


def clicked_deploy(services: Services, body: Payload) -> None:
    """A click on Deploy in the list."""
    user, channel, version = _clicked(body)
    if not services.allowed(user, "redeploy", version[:80], channel):
        _answer(services, body, channel, ops_messages.ask_leads(services.roles.leads))
        return
    sentence = start(services, user, channel, version)
    if not sentence:
        row = services.store.redeploys.latest(1)[0]
        say = deploy_messages.proposed if row.state == "waiting" else deploy_messages.started
        sentence = say(version, link(services, row))
    _answer(services, body, channel, sentence)


def clicked_back(services: Services, body: Payload) -> None:
    """A click on Roll back in the list or on the Home tab."""
    user, channel, _ = _clicked(body)
    if not services.allowed(user, "rollback", "", channel):
        _answer(services, body, channel, ops_messages.ask_leads(services.roles.leads))
        return
    sentence = roll_back(services, user, channel)
    if not sentence:
        active = services.store.redeploys.active()
        sentence = deploy_messages.going_back(link(services, active) if active else None)
    _answer(services, body, channel, sentence)


def clicked_list(services: Services, body: Payload) -> None:
    """A click on Redeploy… on the Home tab."""
    user, channel, _ = _clicked(body)
    if services.allowed(user, "redeploy", "", channel):
        open_list(services, channel, body)
    else:
        _answer(services, body, channel, ops_messages.ask_leads(services.roles.leads))


def _clicked(body: Payload) -> tuple[str, str, str]:
    """Who clicked in a view, where its outcome is to be shown, and the button's value."""
    user = str((body.get("user") or {}).get("id") or "")
    view = body.get("view") or {}
    channel = str((body.get("channel") or {}).get("id") or "")
    try:
        known = json.loads(str(view.get("private_metadata") or "{}"))
    except ValueError:
        known = {}
    found = known.get("channel") if isinstance(known, dict) else None
    value = str((body.get("actions") or [{}])[0].get("value") or "")
    # The Home tab is in no conversation: a person's id stands for their direct message.
    return user, str(found or channel or user), value


def _answer(services: Services, body: Payload, channel: str, sentence: str) -> None:
    """In the list if it came from there, else to the person alone."""
    view = body.get("view") or {}
    if view.get("type") == "modal" and services.slack.update_view(
        str(view.get("id")), told(channel, sentence)
    ):
        return
    user = str((body.get("user") or {}).get("id") or "")
    tell(services, {**body, "user_id": user, "channel_id": channel}, notice(sentence))


# --- the lock -----------------------------------------------------------------------------------


def _lock(services: Services, wanted: Request, user: str, channel: str) -> str:
    """Set or release it; what to tell (mrkdwn)."""
    lock = services.store.lock
    if wanted.verb == "unlock":
        return deploy_messages.lock_released(lock.release(user, channel))
    if not wanted.argument:
        return deploy_messages.lock_needs_reason()
    if len(wanted.argument) > REASON_CHARACTERS:
        return deploy_messages.lock_reason_too_long(REASON_CHARACTERS)
    if lock.set(user, wanted.argument, channel) is not None:
        return deploy_messages.lock_set()
    there = lock.current()
    return deploy_messages.locked_already(there) if there else deploy_messages.just_unlocked()
