"""`triage doctor`: is everything set up? Each check says what is wrong and names the fix."""

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import click

from mlops.cli.options import echo_json, json_option
from mlops.errors import NotFoundError, SettingsError, TriageError
from mlops.settings import DEFAULT_ENDPOINT, Settings, get_settings

State = Literal["ok", "warning", "failed"]
MARKS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "failed": ("✗", "red")}
PROBE = "Irreducible inguinal hernia, vomiting since last night, tender and red."
TIMEOUT_SECONDS = 10


@dataclass(frozen=True)
class Check:
    """The result of one check; `fix` says what to do when it isn't ok."""

    name: str
    state: State
    found: str
    fix: str = ""


@click.command(short_help="Check the set-up, and name the fix.")
@json_option
@click.option("--settings", "list_settings", is_flag=True, help="List every setting instead.")
@click.option(
    "--iam",
    type=click.Choice(["bot", "engineer", "execution", "trust"]),
    help="Print the least AWS policy for one of these instead.",
)
def doctor(
    as_json: bool,
    list_settings: bool,
    iam: Literal["bot", "engineer", "execution", "trust"] | None,
) -> None:
    """Check settings, tokens, database, model and endpoint, and name the fix for each.

    It changes nothing and never prints a token.

    \b
    Examples:
      triage doctor
      triage doctor --settings
      triage doctor --iam execution > policy.json
      triage doctor --json | jq '.[] | select(.state != "ok")'

    Exit code 1 if a check failed; a warning is not a failure.
    """
    if list_settings:
        _list_settings(as_json)
        return
    if iam is not None:
        from mlops.backends.sagemaker.access import policy

        echo_json(policy(iam, get_settings()))
        return
    checks = list(run_checks())
    if as_json:
        echo_json([asdict(check) for check in checks])
    else:
        for check in checks:
            mark, colour = MARKS[check.state]
            click.echo(f"{click.style(mark, fg=colour)} {check.name}: {check.found}")
            if check.fix:
                click.echo(f"    {check.fix}")
    if any(check.state == "failed" for check in checks):
        sys.exit(1)


def run_checks() -> Iterator[Check]:
    """Every check, in the order in which to mend things."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    yield Check("Python", "ok", version)
    try:
        settings = get_settings()
    except SettingsError as error:
        yield Check("Settings", "failed", str(error), "Correct it, then run this again.")
        return
    yield Check("Settings", "ok", f"read from the environment{_dotenv()}")
    checks: tuple[Callable[[Settings], Check], ...] = (
        _check_home,
        _check_database,
        _check_model,
        _check_backend,
        _check_endpoint,
        _check_bot_token,
        _check_app_token,
        _check_leads,
        _check_channels,
        _check_notes,
    )
    for check in checks:
        yield check(settings)


def _dotenv() -> str:
    return " and .env" if Path(".env").is_file() else ""


def _check_home(settings: Settings) -> Check:
    home = settings.triage_home
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        fix = "Set TRIAGE_HOME to a folder that can be written."
        return Check("State folder", "failed", f"{home}: {error.strerror}", fix)
    if not os.access(home, os.W_OK):
        fix = f"Let this user write there (chmod u+w {home}), or set TRIAGE_HOME."
        return Check("State folder", "failed", f"{home} can't be written", fix)
    return Check("State folder", "ok", str(home))


def _check_database(settings: Settings) -> Check:
    from sqlalchemy import create_engine, text
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import SQLAlchemyError

    try:
        url = make_url(settings.database)
        shown = url.render_as_string(hide_password=True)
        with create_engine(url).connect() as connection:
            connection.execute(text("SELECT 1"))
    except (SQLAlchemyError, ModuleNotFoundError) as error:
        # Drivers put the whole URL into their message: only the kind of error is shown.
        fix = "Correct DATABASE_URL, or leave it empty for SQLite below TRIAGE_HOME."
        return Check("Database", "failed", f"can't connect ({type(error).__name__})", fix)
    return Check("Database", "ok", shown)


def _check_model(_settings: Settings) -> Check:
    from mlops.classifier import LocalClassifier, Note
    from mlops.container.compiled import IS_COMPILED
    from mlops.shipped import ARTIFACT

    try:
        classifier = LocalClassifier(ARTIFACT)
        answer = classifier.classify([Note("probe", PROBE)])[0]
    except (TriageError, OSError) as error:
        fix = "Install referral-triage again: its files are incomplete."
        return Check("Shipped model", "failed", str(error), fix)
    speed = "" if IS_COMPILED else "; without a C compiler at its installation, so slower"
    return Check("Shipped model", "ok", f"{answer.model_version} answers{speed}")


def _check_backend(settings: Settings) -> Check:
    from mlops.backends import get_backend

    try:
        found = get_backend(settings).check()
    except TriageError as error:
        return Check("Backend", "failed", str(error), "Correct it, then run this again.")
    return Check("Backend", "ok", found)


def _check_endpoint(settings: Settings) -> Check:
    from mlops.backends import get_backend
    from mlops.classifier import EndpointClassifier, Note

    name = settings.triage_endpoint or DEFAULT_ENDPOINT
    try:
        backend = get_backend(settings)
        endpoint = backend.endpoint(name)
        EndpointClassifier(backend, name).classify([Note("probe", PROBE)])
    except NotFoundError:
        if settings.triage_endpoint:
            fix = f"Create it: triage deploy --endpoint {name}; or empty TRIAGE_ENDPOINT."
            return Check("Endpoint", "failed", f"{name} does not exist", fix)
        found = "none deployed: the bot runs the shipped model in its own process"
        return Check("Endpoint", "ok", found)
    except TriageError as error:
        return Check("Endpoint", "failed", str(error), f"Look at it: triage endpoints show {name}")
    return Check("Endpoint", "ok", f"{name} is {endpoint.status}, serves {endpoint.version}")


def _check_bot_token(settings: Settings) -> Check:
    fix = "Copy it from your app's page: OAuth & Permissions, Bot User OAuth Token."
    if settings.slack_bot_token is None:
        found = "SLACK_BOT_TOKEN is not set (triage demo needs none)"
        return Check("Bot token", "warning", found, fix)
    found, state = _ask_slack(settings, settings.slack_bot_token.get_secret_value(), "auth.test")
    return Check("Bot token", state, found, "" if state == "ok" else fix)


def _check_app_token(settings: Settings) -> Check:
    if settings.slack_app_token is None and settings.slack_signing_secret is not None:
        return Check("App token", "ok", "not set: HTTP mode, by SLACK_SIGNING_SECRET")
    fix = "Make one on your app's page: Basic Information, App-Level Tokens, connections:write."
    if settings.slack_app_token is None:
        return Check("App token", "warning", "SLACK_APP_TOKEN is not set", fix)
    token = settings.slack_app_token.get_secret_value()
    found, state = _ask_slack(settings, token, "apps.connections.open")
    return Check("App token", state, found, "" if state == "ok" else fix)


def _ask_slack(settings: Settings, token: str, method: str) -> tuple[str, State]:
    """Call a method that needs the token; say whom Slack takes us for, or what it refuses."""
    from slack_sdk import WebClient
    from slack_sdk.errors import SlackApiError

    client = WebClient(token=token, base_url=settings.slack_api_url, timeout=TIMEOUT_SECONDS)
    try:
        answer = client.api_call(method)
    except SlackApiError as error:
        return f"Slack refuses it: {error.response.get('error', 'unknown error')}", "failed"
    except (OSError, ValueError):
        return f"{settings.slack_api_url} can't be reached", "failed"
    team, user = answer.get("team"), answer.get("user")
    return (f"{user} in {team}" if team and user else "accepted"), "ok"


def _check_leads(settings: Settings) -> Check:
    if settings.triage_leads:
        return Check("Team leads", "ok", " ".join(settings.triage_leads))
    fix = "Set TRIAGE_LEADS to the Slack IDs of who may: a member's profile, ⋮, Copy member ID."
    return Check("Team leads", "warning", "TRIAGE_LEADS is empty: nobody may retrain", fix)


def _check_channels(settings: Settings) -> Check:
    if settings.triage_channels:
        return Check("Public channels", "ok", " ".join(settings.triage_channels))
    found = "TRIAGE_CHANNELS is empty: notes are read in private conversations only"
    return Check("Public channels", "ok", found)


def _check_notes(settings: Settings) -> Check:
    from bot.store.labels import make_cipher

    try:
        kept = make_cipher(settings) is not None
    except SettingsError:
        found = "TRIAGE_KEEP_NOTES is on, and TRIAGE_NOTES_KEY is missing or no key"
        return Check("Kept notes", "failed", found, "Make a key with: triage feedback key")
    if not kept:
        return Check("Kept notes", "ok", "none: TRIAGE_KEEP_NOTES is off")
    found = f"those with a verdict, encrypted, for {settings.triage_notes_days} days"
    return Check("Kept notes", "ok", found)


def _list_settings(as_json: bool) -> None:
    """Name, whether it is set, and meaning of every setting; no values: some are secrets."""
    settings = get_settings()
    rows = [
        {
            "name": name.upper(),
            "set": name in settings.model_fields_set,
            "description": field.description,
        }
        for name, field in Settings.model_fields.items()
    ]
    if as_json:
        echo_json(rows)
        return
    for row in rows:
        mark = click.style("set  ", fg="green") if row["set"] else "     "
        click.echo(f"{mark}{row['name']:<22}{row['description']}")
