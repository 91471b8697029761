"""Everything one sandbox has, in one place, and the log of what the bot did."""

from dataclasses import dataclass, field

from bot.sandbox import seed
from bot.sandbox.delivery import Dispatcher
from bot.sandbox.faults import Faults
from bot.sandbox.state import File, Json, Workspace
from bot.sandbox.tickets import Tickets
from bot.sandbox.views import Views


@dataclass(frozen=True)
class Request:
    """One call that the bot made to the Web API, and the answer."""

    method: str
    payload: Json = field(repr=False)
    ok: bool
    error: str = ""


@dataclass(frozen=True)
class Problem:
    """Something Slack refuses, or warns about, in what the bot sent.

    `pointer` is where, as a JSON pointer; `text` never quotes the content.
    """

    method: str
    text: str
    pointer: str = ""
    warning: bool = False

    def __str__(self) -> str:
        return f"{self.method}: {self.text} [json-pointer:{self.pointer}]"


@dataclass(frozen=True)
class Credentials:
    """What a bot needs to connect."""

    bot_token: str = field(repr=False)
    app_token: str = field(repr=False)
    signing_secret: str = field(repr=False)
    scopes: frozenset[str] = seed.SCOPES


@dataclass
class Hub:
    """What the Web API, the people and the page share."""

    credentials: Credentials
    workspace: Workspace
    views: Views
    tickets: Tickets
    dispatcher: Dispatcher
    faults: Faults = field(default_factory=Faults)
    requests: list[Request] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    uploads: dict[str, File] = field(default_factory=dict)

    def report(self, problem: Problem) -> None:
        """Record a problem and show it on the pages: the real Slack would refuse this."""
        self.problems.append(problem)
        level, text = "error", f"Slack would refuse this: {problem}"
        if problem.warning:
            level, text = "warning", str(problem)
        for user in seed.PEOPLE:
            self.workspace.notice(user, level, text)
