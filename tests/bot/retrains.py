"""Retrain runs for tests: runs that wait for a click, and their cards."""

import dataclasses
import time
from typing import Any

from bot.retraining.running import go_on
from bot.sandbox.server import Sandbox
from bot.services import Services
from bot.store.retrains import Line, Run
from mlops import operations
from mlops.evaluation.comparison import Check, Comparison, RungComparison
from mlops.evaluation.metrics import Interval
from tests.bot.running import Json, bots, words
from tests.trained import Trained

CHANNEL = "G0SURGERY"
LONG = 120.0


def comparison(champion: str, challenger: str, *, passed: bool = True) -> Json:
    """As the gate writes it."""
    figures = {
        "auc": Interval(0.951, 0.921, 0.975),
        "ece": Interval(0.06, 0.04, 0.09),
        "error_decided": Interval(0.09, 0.05, 0.12),
        "coverage": Interval(0.91, 0.88, 0.94),
    }
    rung = RungComparison("referral texts", 86, figures, figures, Interval(0.004, -0.011, 0.02))
    checks = (Check("as good", passed, "Not worse."), Check("privacy", True, "It holds no note."))
    about = {
        "champion": {"data_sha256": "a", "records": {"corpus": 856, "mtsamples-filed": 1104}},
        "challenger": {"data_sha256": "b", "records": {"corpus": 684}},
    }
    made: Json = Comparison(champion, challenger, (rung,), checks, about).to_json()
    return made


def waiting(services: Services, slack: Sandbox, trained: Trained, user: str = "U0LEO") -> Run:
    """A run in `CHANNEL` that has passed the gate and waits for a click."""
    retrains = services.store.retrains
    champion = operations.champion(services.backend, "referral-triage").name
    run = retrains.begin(user, CHANNEL)
    assert run is not None
    data = dataclasses.asdict(
        operations.describe_data(operations.prepare_data(services.settings.triage_home))
    )
    findings = {"data": data, "comparison": comparison(champion, trained.version)}
    values: dict[str, Any] = {"version": trained.version, "champion": champion}
    for state in ("training", "comparing"):
        moved = retrains.advance(run, state)  # type: ignore[arg-type]
        assert moved is not None
        run = moved
    expires = time.time() + services.settings.triage_approval_hours * 3600
    line = Line(user, "retrain", "passed the gate, waits for approval")
    offered = retrains.advance(run, "waiting", line, findings=findings, expires=expires, **values)
    assert offered is not None
    go_on(services, offered)
    card_of(slack, services, run.id)
    found = retrains.get(run.id)
    assert found is not None
    return found


def card_of(slack: Sandbox, services: Services, id: str, timeout: float = 10.0) -> Json:
    """A run's message, once it shows how the run stands now."""

    def shown() -> Json | None:
        run = services.store.retrains.get(id)
        if run is None or run.message_ts is None or run.shown < run.revision:
            return None
        return next((m for m in bots(slack, run.channel) if m["ts"] == run.message_ts), None)

    found = slack.wait_for(shown, timeout)
    assert found is not None
    return found


def until(slack: Sandbox, services: Services, id: str, *states: str, timeout: float = LONG) -> Run:
    """Wait until a run is in one of these states and its card shows it."""

    def there() -> Run | None:
        run = services.store.retrains.get(id)
        return run if run is not None and run.state in states else None

    slack.wait_for(there, timeout)
    card_of(slack, services, id)
    run = services.store.retrains.get(id)
    assert run is not None
    return run


def cards(slack: Sandbox, channel: str) -> list[Json]:
    """Every card of a run in a conversation."""
    return [
        m
        for m in bots(slack, channel)
        if any(str(b.get("block_id", "")).startswith("retrain-") for b in m.get("blocks") or [])
    ]


def title(message: Json) -> str:
    return words(message).splitlines()[0]


def results(services: Services) -> list[tuple[str, str, str]]:
    """The audit log: who, what, how it ended."""
    return [(e.user, e.action, e.result) for e in services.store.audit.entries()]


def active(slack: Sandbox, bot: Services) -> str:
    """The id of the run under way."""
    return str(slack.wait_for(lambda: (run := bot.store.retrains.active()) and run.id))


def told(slack: Sandbox, channel: str, user: str) -> str:
    """What the bot has said to one person there."""
    return words([m for m in bots(slack, channel, user) if m.get("is_ephemeral")])


def open_form(slack: Sandbox, user: str = "U0LEO", channel: str = CHANNEL) -> str:
    slack.command(user, channel, "/retrain")
    return str(slack.wait_for(lambda: slack.views(user))[0]["id"])


def choose(slack: Sandbox, view: str, name: str, value: str, user: str = "U0LEO") -> None:
    """Pick a radio button and wait until the form shows what it needs."""
    (now,) = slack.views(user)
    block = next(b for b in now["blocks"] if b["block_id"] == name)
    option = next(o for o in block["element"]["options"] if o["value"] == value)
    before = now["hash"]
    state = {name: {name: {"type": "radio_buttons", "selected_option": option}}}
    slack.click_view(user, view, name, selected_option=option, state=state)
    slack.wait_for(lambda: slack.views(user)[0]["hash"] != before)
