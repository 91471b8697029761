"""A bot connected to a sandbox, and what tests look for in what it posts."""

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bot.blocks.card import CARD_ID, WORK_ID
from bot.main import _handler
from bot.sandbox.server import Sandbox
from bot.services import Services
from mlops.backends import Backend
from mlops.backends.local import LocalBackend
from mlops.classifier import Classifier, Note
from mlops.result import Recommendation
from mlops.settings import Settings

SURGICAL = (
    "46-year-old teacher with five months of biliary colic, now weekly, two visits to the "
    "emergency department. Ultrasound: several gallstones up to 14 mm. A low-fat diet has not "
    "helped. She would like to go ahead with laparoscopic cholecystectomy."
)
CONSULT = (
    "58-year-old man with three weeks of mild left knee pain after gardening. No locking, no "
    "effusion, full range of motion. No physiotherapy yet. Please advise on exercises and pain "
    "relief; he does not want an operation."
)
Json = dict[str, Any]


def settings_for(slack: Sandbox, home: Path, **more: Any) -> Settings:
    """Settings of a bot that talks to a sandbox."""
    values: Json = {
        "slack_bot_token": slack.bot_token,
        "slack_app_token": slack.app_token,
        "slack_signing_secret": slack.signing_secret,
        "slack_api_url": slack.api_url,
        "triage_home": home,
        "triage_leads": ("U0LEO",),
        "triage_channels": ("C0REFERRALS",),
    }
    return Settings(_env_file=None, **(values | more))


class Slowly:
    """The model, after a while, as on a busy endpoint."""

    def __init__(self, model: Classifier, seconds: float) -> None:
        self._model = model
        self.seconds = seconds
        self.asked = threading.Event()

    @property
    def model_version(self) -> str:
        return self._model.model_version

    def classify(self, notes: Sequence[Note]) -> list[Recommendation]:
        self.asked.set()
        time.sleep(self.seconds)
        return self._model.classify(notes)


@contextlib.contextmanager
def running(
    slack: Sandbox,
    home: Path,
    model: Classifier | None,
    *,
    backend: Backend | None = None,
    lease_seconds: float = 60.0,
    **settings: Any,
) -> Iterator[Services]:
    """A bot over Socket Mode, as `bot.main.run` makes it."""
    chosen = settings_for(slack, home, **settings)
    # One process less to start for each change of what serves.
    backend = backend or LocalBackend(home, workers=1)
    services = Services(chosen, classifier=model, backend=backend, lease_seconds=lease_seconds)
    services.slack.identify()
    handler = _handler(chosen, services, slack.app_token)
    before = slack.connections
    handler.client.connect()
    slack.wait_for(lambda: slack.connections > before)
    services.start()
    try:
        yield services
    finally:
        # The SDK takes seconds to join its threads; nobody has to wait for that.
        threading.Thread(target=handler.client.close, daemon=True).start()
        services.close(5)


def block_ids(message: Json) -> list[str]:
    return [str(block.get("block_id", "")) for block in message.get("blocks") or []]


def is_answer(message: Json) -> bool:
    """Whether a message is the bot's final word on something."""
    if message.get("user") != "U0BOT":
        return False
    return not any(id.startswith(WORK_ID) for id in block_ids(message))


def is_card(message: Json) -> bool:
    """Whether a message is a recommendation."""
    return any(block["type"] == "header" for block in message.get("blocks") or []) and any(
        id.startswith(CARD_ID) for id in block_ids(message)
    )


def bots(slack: Sandbox, channel: str, user: str | None = None) -> list[Json]:
    """Everything that the bot has in a conversation."""
    return [m for m in slack.messages(channel, user) if m.get("user") == "U0BOT"]


def answers(
    slack: Sandbox, channel: str, count: int = 1, user: str | None = None, timeout: float = 20.0
) -> list[Json]:
    """Wait until the bot has so many answers there, and nothing half-done; they."""

    def found() -> list[Json]:
        posted = bots(slack, channel, user)
        done = len(posted) >= count and all(is_answer(m) for m in posted)
        return posted if done else []

    return slack.wait_for(found, timeout)


def answer(slack: Sandbox, channel: str, user: str | None = None, timeout: float = 20.0) -> Json:
    """The one answer of the bot in a conversation."""
    found = answers(slack, channel, 1, user, timeout)
    assert len(found) == 1, [words(m) for m in found]
    return found[0]


def words(thing: Any) -> str:
    """Every piece of text that a person sees in blocks."""
    if isinstance(thing, list):
        return "\n".join(filter(None, (words(item) for item in thing)))
    if isinstance(thing, dict):
        if "blocks" in thing or thing.get("type") == "message":
            return words(thing.get("blocks") or []) or str(thing.get("text") or "")
        own = thing.get("text")
        if isinstance(own, str):
            return own
        return "\n".join(
            filter(None, (words(v) for v in thing.values() if isinstance(v, dict | list)))
        )
    return ""


def buttons(message: Json) -> list[Json]:
    """The buttons of a message."""
    rows = [b for b in message.get("blocks") or [] if b["type"] == "actions"]
    return [element for row in rows for element in row["elements"]]


def settle(seconds: float = 0.7) -> None:
    """Wait for what should not happen."""
    time.sleep(seconds)
