"""The pure parts: timestamps, text, tickets, form values; and that the seed is the manifest."""

import doctest
from pathlib import Path

import pytest
import yaml

from bot.sandbox import blocks, seed
from bot.sandbox.blocks import typed
from bot.sandbox.state import Workspace
from bot.sandbox.tickets import RESPONSE_URL_SECONDS, ResponseUrl, Tickets, Trigger
from bot.sandbox.views import Views, initial_values, merge_values

MANIFEST = Path(__file__).parents[2] / "manifest.yml"


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def test_timestamps_rise_even_when_the_clock_stands_or_goes_back() -> None:
    clock = Clock()
    workspace = Workspace(clock=clock)
    stamps = [workspace.next_ts() for _ in range(3)]
    clock.now -= 100
    stamps.append(workspace.next_ts())
    assert stamps == sorted(set(stamps))
    assert all(len(stamp.partition(".")[2]) == 6 for stamp in stamps)


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        ("a < b & c > d", "a &lt; b &amp; c &gt; d"),
        ("<@U0BOT> <#C0GENERAL|general> <!here>", "<@U0BOT> <#C0GENERAL|general> <!here>"),
        ("<@nobody> <script>", "&lt;@nobody&gt; &lt;script&gt;"),
        ("see https://x.test/a?b=1&c=2.", "see <https://x.test/a?b=1&amp;c=2>."),
        ("(http://x.test)", "(<http://x.test>)"),
        ("mail a.b@c.test now", "mail <mailto:a.b@c.test|a.b@c.test> now"),
        ("BP 120/80, 37.2 C, 5 mg/d", "BP 120/80, 37.2 C, 5 mg/d"),
        ("", ""),
    ],
)
def test_typed_text_is_sent_as_slack_sends_it(said: str, sent: str) -> None:
    assert typed(said) == sent


def test_the_example_in_the_docstring_is_true() -> None:
    assert doctest.testmod(blocks).failed == 0


def test_triggers_expire_and_are_used_up() -> None:
    clock = Clock()
    tickets = Tickets(clock)
    first, second = tickets.trigger("U0ANA"), tickets.trigger("U0ANA")
    assert isinstance(tickets.exchange(first), Trigger)
    assert tickets.exchange(first) == "exchanged_trigger_id"
    clock.now += 3.1
    assert tickets.exchange(second) == "expired_trigger_id"
    assert tickets.exchange("") == "invalid_trigger_id"


def test_response_urls_end_after_half_an_hour() -> None:
    clock = Clock()
    tickets = Tickets(clock, "http://127.0.0.1:1")
    key = tickets.response_url("D0ANA", "U0ANA").rpartition("/")[2]
    assert isinstance(tickets.use_response_url(key), ResponseUrl)
    clock.now += RESPONSE_URL_SECONDS + 1
    assert tickets.use_response_url(key) == "expired_url"


def test_a_name_finds_its_conversation() -> None:
    workspace = Workspace()
    for name in ("C0GENERAL", "#general", "general"):
        found = workspace.find_conversation(name)
        assert found is not None
        assert found.id == "C0GENERAL"
    found = workspace.find_conversation("U0MEI")
    assert found is not None
    assert found.id == "D0MEI"
    assert workspace.find_conversation("") is None
    assert workspace.find_conversation("U0BOT") is None


def test_a_form_holds_its_first_values_until_they_are_changed() -> None:
    option = {"text": {"type": "plain_text", "text": "Yes"}, "value": "yes"}
    label = {"type": "plain_text", "text": "L"}

    def field(block_id: str, **element: object) -> dict[str, object]:
        return {"type": "input", "block_id": block_id, "label": label, "element": element}

    form = [
        field("t", type="plain_text_input", action_id="text", initial_value="first"),
        field("r", type="radio_buttons", action_id="radio", options=[option]),
        field("c", type="checkboxes", action_id="checks", options=[option]),
        {"type": "divider", "block_id": "d"},
    ]
    values = initial_values(form)
    assert values["t"]["text"]["value"] == "first"
    assert values["r"]["radio"]["selected_option"] is None
    assert values["c"]["checks"]["selected_options"] == []
    whole = {"r": {"radio": {"type": "radio_buttons", "selected_option": option}}, "z": {"y": {}}}
    merged = merge_values(values, whole)
    assert merged["r"]["radio"]["selected_option"] == option
    assert merged["t"]["text"]["value"] == "first"
    assert "z" not in merged
    short = merge_values(values, {"t": "second", "radio": "yes", "checks": [option]})
    assert short["t"]["text"]["value"] == "second"
    assert short["r"]["radio"]["selected_option"]["value"] == "yes"
    assert short["c"]["checks"]["selected_options"] == [option]
    assert values["t"]["text"]["value"] == "first", "what was there is not changed"


def test_an_apps_own_name_for_a_view_finds_it() -> None:
    views = Views(Workspace())
    view = {"type": "modal", "title": {"type": "plain_text", "text": "T"}, "blocks": []}
    made = views.open("U0ANA", {**view, "external_id": "mine"})
    assert views.by_external_id("mine") == made
    assert views.by_external_id("") is None
    views.clear("U0ANA")
    assert views.by_external_id("mine") is None


def test_the_seed_is_what_the_manifest_says() -> None:
    manifest = yaml.safe_load(MANIFEST.read_text())
    features, settings = manifest["features"], manifest["settings"]
    assert set(manifest["oauth_config"]["scopes"]["bot"]) == seed.SCOPES
    assert set(settings["event_subscriptions"]["bot_events"]) | {"file_shared"} == seed.EVENTS
    commands = {c["command"]: c for c in features["slash_commands"]}
    assert set(commands) == {c["command"] for c in seed.COMMANDS}
    for ours in seed.COMMANDS:
        theirs = commands[ours["command"]]
        assert (ours["description"], ours["usage_hint"]) == (
            theirs["description"],
            theirs.get("usage_hint", ""),
        )
    messages = [s for s in features["shortcuts"] if s["type"] == "message"]
    assert [{"callback_id": s["callback_id"], "name": s["name"]} for s in messages] == list(
        seed.SHORTCUTS
    )
