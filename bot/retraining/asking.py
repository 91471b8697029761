"""`/retrain` and its form: who may, what they want, and a run for it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from bot import messages, ops_messages
from bot.blocks import retrain_form as form
from bot.blocks.notices import notice, trouble
from bot.blocks.parts import Block, moment
from bot.blocks.retrain import TITLES
from bot.handover import tell
from bot.placing import elsewhere, link
from bot.retraining.deciding import request_stop
from bot.retraining.options import (
    MAX_MINUTES,
    MAX_PARALLEL,
    MAX_TRIALS,
    Data,
    Mode,
    Options,
    Then,
    is_one_of,
    number,
    parse,
    table,
)
from bot.retraining.running import go_on
from bot.retraining.showing import show
from bot.services import Services
from bot.store.retrains import Run
from mlops.errors import BackendError

Payload = Mapping[str, Any]
LISTED = 5


def retrain(services: Services, command: Payload) -> None:
    """Answer the slash command.

    Args:
        services: Of this process.
        command: Its payload.
    """
    user, channel = str(command.get("user_id") or ""), str(command.get("channel_id") or "")
    wanted = parse(str(command.get("text") or ""))
    if wanted.verb == "help":
        tell(services, command, notice(ops_messages.retrain_help()))
        return
    action = "stop" if wanted.verb == "stop" else "retrain"
    if not services.allowed(user, action, "", channel):
        tell(services, command, notice(ops_messages.ask_leads(services.roles.leads)))
    elif wanted.verb == "form":
        view = form_for(services, channel)
        if not services.slack.open_view(str(command.get("trigger_id") or ""), view):
            tell(services, command, trouble(messages.form_failed()))
    elif wanted.verb == "start":
        start(services, user, channel, wanted.options, command)
    elif wanted.verb == "status":
        tell(services, command, notice(_status(services)))
    elif wanted.verb == "stop":
        run = services.store.retrains.active()
        if run is None:
            tell(services, command, notice(ops_messages.nothing_runs()))
        else:
            request_stop(services, run, user, command)
    else:
        tell(services, command, notice(ops_messages.retrain_unknown()))


def start(services: Services, user: str, channel: str, options: Options, payload: Payload) -> None:
    """Begin a run, or say which one is in the way."""
    run = services.store.retrains.begin(user, channel, options)
    if run is None:
        active = services.store.retrains.active()
        job = active.job if active else ""
        services.store.audit.add(user, "retrain", job, channel, "refused: one runs")
        tell(services, payload, notice(_in_the_way(services, active)))
        return
    shown = show(services, run)
    if elsewhere(shown, channel):
        tell(services, payload, notice(ops_messages.shown_elsewhere()))
    go_on(services, shown)


def _in_the_way(services: Services, run: Run | None) -> str:
    if run is None:
        return ops_messages.just_ended()
    return ops_messages.running(run.user, moment(run.started), link(services, run))


def _status(services: Services) -> str:
    """What runs, what waits, and what was last (mrkdwn)."""
    runs = services.store.retrains.latest(LISTED)
    if not runs:
        return ops_messages.nothing_runs()
    lines = [] if any(run.under_way for run in runs) else [ops_messages.nothing_runs()]
    for run in runs:
        where = link(services, run)
        title = f"<{where}|{TITLES[run.state]}>" if where else TITLES[run.state]
        version = f", version `{run.version}`" if run.version else ""
        lines.append(f"• {title}: asked by <@{run.user}> {moment(run.started)}{version}")
    return "\n".join(lines)


# --- the form ---------------------------------------------------------------------------------


def form_for(services: Services, channel: str, data: str = "shipped", mode: str = "train") -> Block:
    """The form, with what this workspace and this backend have to choose from."""
    return form.retrain_form(
        channel,
        data,
        mode,
        corrections=services.store.labels.wanted,
        machines=services.backend.machines,
    )


def redraw(services: Services, body: Payload) -> None:
    """A choice in the form that needs other inputs."""
    view = body.get("view") or {}
    user = str((body.get("user") or {}).get("id") or "")
    channel = _channel(view) or user
    if not services.allowed(user, "retrain", "", channel):
        tell(services, body, notice(ops_messages.ask_leads(services.roles.leads)))
        return
    data, mode = _chosen(view, form.DATA), _chosen(view, form.MODE)
    if data in form.offered(services.store.labels.wanted) and mode in form.MODE_CHOICES:
        redrawn = form_for(services, channel, data, mode)
        services.slack.update_view(str(view.get("id")), redrawn)


def read_form(view: Payload, machines: Sequence[str]) -> tuple[Options, dict[str, str]]:
    """The options that a form holds, and what is wrong with it by input.

    Args:
        view: The form.
        machines: That there are to choose from.
    """
    errors: dict[str, str] = {}
    data, mode, then = (_chosen(view, name) for name in (form.DATA, form.MODE, form.THEN))
    for name, kind, value in (
        (form.DATA, Data, data),
        (form.MODE, Mode, mode),
        (form.THEN, Then, then),
    ):
        if not is_one_of(kind, value):
            errors[name] = ops_messages.unknown_choice()
    file = next((str(f.get("id") or "") for f in _files(view)), "") if data == "file" else ""
    if data == "file" and not file:
        errors[form.FILE] = ops_messages.no_file()
    address = _text(view, form.ADDRESS) if data == "s3" else ""
    if data == "s3" and not _is_address(address):
        errors[form.ADDRESS] = ops_messages.no_address()
    machine = _chosen(view, form.MACHINE)
    if machines and machine not in machines:
        errors[form.MACHINE] = ops_messages.unknown_choice()
    parameters = table(_text(view, form.PARAMETERS))
    if parameters is None:
        errors[form.PARAMETERS] = ops_messages.no_table()
    elif wrong := _wrong_hyperparameter(parameters):
        errors[form.PARAMETERS] = wrong
    numbers = {form.MINUTES: MAX_MINUTES}
    if mode == "tune":
        numbers |= {form.TRIALS: MAX_TRIALS, form.PARALLEL: MAX_PARALLEL}
    found = {name: number(_text(view, name), most) for name, most in numbers.items()}
    errors |= {
        name: ops_messages.no_whole_number(most)
        for name, most in numbers.items()
        if found[name] is None
    }
    trials, parallel = found.get(form.TRIALS), found.get(form.PARALLEL)
    if trials and parallel and parallel > trials:
        errors[form.PARALLEL] = ops_messages.parallel_exceeds()
    if errors:
        return Options(), errors
    usual = Options()
    return (
        Options(
            data=cast(Data, data),
            file=file,
            address=address,
            mode=cast(Mode, mode),
            hyperparameters=parameters or {},
            trials=trials or usual.trials,
            parallel=parallel or usual.parallel,
            minutes=found[form.MINUTES] or usual.minutes,
            machine=machine if machines else "",
            then=cast(Then, then),
        ),
        errors,
    )


def submitted(services: Services, body: Payload, options: Options) -> None:
    """A form that was sent; by now its sender may be a lead no more."""
    view = body.get("view") or {}
    user = str((body.get("user") or {}).get("id") or "")
    channel = _channel(view) or user
    # A form has no response URL, so the answer goes to where the run was asked for.
    answer = {"user_id": user, "channel_id": channel}
    if not services.allowed(user, "retrain", "", channel):
        tell(services, answer, notice(ops_messages.ask_leads(services.roles.leads)))
        return
    start(services, user, channel, options, answer)


def _is_address(address: str) -> bool:
    from mlops.data.remote import ADDRESS

    return ADDRESS.fullmatch(address) is not None


def _wrong_hyperparameter(parameters: Mapping[str, str]) -> str:
    from mlops.operations import check_hyperparameters

    try:
        check_hyperparameters(parameters)
    except BackendError as error:
        return str(error)
    return ""


def _channel(view: Payload) -> str:
    try:
        found = json.loads(str(view.get("private_metadata") or ""))
    except ValueError:
        return ""
    return str(found.get("channel") or "") if isinstance(found, dict) else ""


def _held(view: Payload, name: str) -> Payload:
    values = (view.get("state") or {}).get("values") or {}
    found = (values.get(name) or {}).get(name)
    return found if isinstance(found, Mapping) else {}


def _text(view: Payload, name: str) -> str:
    return str(_held(view, name).get("value") or "").strip()


def _chosen(view: Payload, name: str) -> str:
    return str((_held(view, name).get("selected_option") or {}).get("value") or "")


def _files(view: Payload) -> list[Payload]:
    # Slack sends file objects; a server may send ids alone.
    files = _held(view, form.FILE).get("files") or []
    return [file if isinstance(file, Mapping) else {"id": str(file)} for file in files]
