"""Everything on one machine: a stand-in for Slack, an endpoint, and the bot as it is deployed."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from bot.main import run
from bot.sandbox.server import Sandbox
from mlops.backends.local import LocalBackend
from mlops.errors import TriageError
from mlops.settings import DEFAULT_ENDPOINT, Settings

# Of the sandbox's seed: the team leads, and the public channel where notes are answered.
LEADS = ("U0LEO", "U0IDA")
REFERRALS = "C0REFERRALS"
Say = Callable[[str], None]


@contextlib.contextmanager
def running(home: Path, port: int, say: Say) -> Iterator[Sandbox]:
    """Start sandbox, endpoint and bot; stop them all at the end, also after a failure.

    Args:
        home: The demo's state folder; model versions trained in it are there the next time.
        port: Of the page; if it is taken, a free one.
        say: Told each step in a line.

    Yields:
        The sandbox, once the bot is connected to it.

    Raises:
        TriageError: if a part doesn't start.
    """
    with contextlib.ExitStack() as stack:
        slack = _sandbox(port, say)
        stack.callback(slack.stop)
        say("Starting the endpoint")
        backend = LocalBackend(home)
        endpoint = stack.enter_context(backend.hosted(DEFAULT_ENDPOINT, "shipped"))
        say(f"{endpoint.name} serves model version {endpoint.version}")
        say("Starting the bot")
        stack.enter_context(_bot(_settings(slack, home), slack))
        yield slack


def _sandbox(port: int, say: Say) -> Sandbox:
    try:
        slack = Sandbox(port).start()
    except OSError:
        say(f"Port {port} is taken; using a free one")
        slack = Sandbox(0).start()
    return slack


def _settings(slack: Sandbox, home: Path) -> Settings:
    """What a person would put into `.env`, for the sandbox; the person's own is not read."""
    return Settings(
        _env_file=None,
        slack_bot_token=slack.bot_token,
        slack_app_token=slack.app_token,
        slack_signing_secret=slack.signing_secret,
        slack_api_url=slack.api_url,
        database_url=f"sqlite:///{home / 'triage.db'}",
        triage_backend="local",
        triage_endpoint=DEFAULT_ENDPOINT,
        triage_home=home,
        triage_leads=LEADS,
        triage_channels=(REFERRALS,),
    )


@contextlib.contextmanager
def _bot(settings: Settings, slack: Sandbox) -> Iterator[None]:
    """The bot in a thread, from its connection to its clean end."""
    stop = threading.Event()
    failure: list[BaseException] = []

    def work() -> None:
        try:
            run(settings, stop)
        except BaseException as error:  # noqa: BLE001  raised again below, where someone listens
            failure.append(error)

    thread = threading.Thread(target=work, name="bot")
    thread.start()
    try:
        with contextlib.suppress(TimeoutError):
            slack.wait_for(lambda: slack.connected or bool(failure), timeout=30)
        if failure:
            raise failure[0]
        if not slack.connected:
            raise TriageError("The bot did not connect within 30 s. Everything was stopped again.")
        yield
    finally:
        stop.set()
        thread.join(timeout=20)
