"""Commands, clicks, shortcuts and forms, answered by a real Bolt app."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from slack_bolt import Ack, App, Respond, Say
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.sandbox.people import CantDo
from bot.sandbox.server import Sandbox
from tests.sandbox.conftest import EVERY_SCOPE, client_of, running

Json = dict[str, Any]
PLAIN = "plain_text"


def button(action_id: str, **more: Any) -> Json:
    return {
        "type": "button",
        "text": {"type": PLAIN, "text": action_id},
        "action_id": action_id,
        **more,
    }


def modal(callback_id: str = "note", **more: Any) -> Json:
    note = {"type": "plain_text_input", "action_id": "text", "multiline": True, "min_length": 3}
    label = {"type": PLAIN, "text": "Note"}
    answers = [
        {"text": {"type": PLAIN, "text": v}, "value": v} for v in ("Surgery", "Consultation")
    ]
    pick = {"type": "static_select", "action_id": "answer", "options": answers}
    return {
        "type": "modal",
        "callback_id": callback_id,
        "title": {"type": PLAIN, "text": "A note"},
        "submit": {"type": PLAIN, "text": "Send"},
        "private_metadata": "meta",
        "blocks": [
            {"type": "input", "block_id": "note", "label": label, "element": note},
            {
                "type": "input",
                "block_id": "right",
                "label": label,
                "element": pick,
                "optional": True,
            },
            {"type": "actions", "block_id": "more", "elements": [button("inside", value="i")]},
        ],
        **more,
    }


class Seen:
    """What the app's listeners got."""

    def __init__(self) -> None:
        self.bodies: list[Json] = []

    def last(self) -> Json:
        return self.bodies[-1]


def register(app: App, seen: Seen) -> None:
    """Listeners for everything that a person can do."""

    @app.command("/triage")
    def command(ack: Ack, body: Json, respond: Respond, client: WebClient) -> None:
        seen.bodies.append(body)
        match body.get("text"):
            case "open":
                ack()
                client.views_open(trigger_id=body["trigger_id"], view=modal())
            case "public":
                ack({"response_type": "in_channel", "text": "for all"})
            case "later":
                ack()
                respond("first")
            case "bad":
                ack({"text": "x", "blocks": [{"type": "nonsense"}]})
            case _:
                ack("for you")

    @app.action("replace")
    def replace(ack: Ack, body: Json, respond: Respond) -> None:
        ack()
        seen.bodies.append(body)
        respond("replaced", replace_original=True)

    @app.action("delete")
    def delete(ack: Ack, respond: Respond) -> None:
        ack()
        respond(delete_original=True)

    @app.action("aside")
    def aside(ack: Ack, body: Json, respond: Respond) -> None:
        ack()
        seen.bodies.append(body)
        respond("only for you")

    @app.action("inside")
    def inside(ack: Ack, body: Json, client: WebClient) -> None:
        ack()
        seen.bodies.append(body)
        client.views_push(trigger_id=body["trigger_id"], view=modal("pushed"))

    @app.action("home_button")
    def home_button(ack: Ack, body: Json) -> None:
        ack()
        seen.bodies.append(body)

    @app.shortcut("triage_note")
    def shortcut(ack: Ack, body: Json, say: Say) -> None:
        ack()
        seen.bodies.append(body)
        say("read", thread_ts=body["message_ts"])

    @app.view("note")
    def note(ack: Ack, body: Json, view: Json) -> None:
        seen.bodies.append(body)
        text = view["state"]["values"]["note"]["text"]["value"]
        if text == "wrong":
            ack(response_action="errors", errors={"note": "Write more."})
        elif text == "no such block":
            ack(response_action="errors", errors={"elsewhere": "x"})
        elif text == "update":
            ack(response_action="update", view=modal(blocks=modal()["blocks"][:1]))
        elif text == "push":
            ack(response_action="push", view=modal("pushed"))
        elif text == "bad view":
            ack(response_action="update", view=modal(title={"type": PLAIN, "text": "x" * 25}))
        else:
            ack()

    @app.view("pushed")
    def pushed(ack: Ack) -> None:
        ack(response_action="clear")

    @app.view_closed("note")
    def closed(ack: Ack, body: Json) -> None:
        ack()
        seen.bodies.append(body)


@pytest.fixture(scope="module")
def world() -> Iterator[tuple[Sandbox, Seen]]:
    seen = Seen()
    with (
        Sandbox(scopes=EVERY_SCOPE) as sandbox,
        running(sandbox, lambda app: register(app, seen)),
    ):
        yield sandbox, seen


@pytest.fixture
def slack(world: tuple[Sandbox, Seen]) -> Sandbox:
    return world[0]


@pytest.fixture
def seen(world: tuple[Sandbox, Seen]) -> Seen:
    world[1].bodies.clear()
    return world[1]


@pytest.fixture
def client(slack: Sandbox) -> WebClient:
    return client_of(slack)


def texts(slack: Sandbox, channel: str, user: str) -> list[str]:
    return [m["text"] for m in slack.messages(channel, user)]


def opened(slack: Sandbox, user: str) -> Json:
    assert slack.command(user, f"D{user[1:]}", "/triage", "open").ok
    return slack.wait_for(lambda: slack.views(user)[-1:])[0]


def test_a_command_and_its_ack(slack: Sandbox, seen: Seen) -> None:
    ack = slack.command("U0ANA", "C0GENERAL", "/triage", "  BP <120  ")
    assert ack.payload["text"] == "for you"
    body = seen.last()
    assert body["text"] == "BP &lt;120"
    assert (body["channel_id"], body["channel_name"]) == ("C0GENERAL", "general")
    assert (body["user_id"], body["user_name"]) == ("U0ANA", "ana")
    assert texts(slack, "C0GENERAL", "U0ANA")[-1] == "for you"
    assert "for you" not in texts(slack, "C0GENERAL", "U0LEO")
    slack.command("U0ANA", "D0ANA", "/triage")
    assert seen.last()["channel_name"] == "directmessage"
    slack.command("U0ANA", "G0SURGERY", "/triage")
    assert seen.last()["channel_name"] == "privategroup"
    slack.command("U0ANA", "C0GENERAL", "/triage", "public")
    assert texts(slack, "C0GENERAL", "U0LEO")[-1] == "for all"
    slack.command("U0ANA", "D0ANA", "/triage", "later")
    slack.wait_for(lambda: "first" in texts(slack, "D0ANA", "U0ANA"))


def test_an_ack_that_slack_would_refuse_is_a_problem(slack: Sandbox) -> None:
    before = len(slack.problems)
    slack.command("U0ANA", "D0ANA", "/triage", "bad")
    (problem,) = slack.problems[before:]
    assert (problem.method, problem.pointer) == ("slash command ack", "/blocks/0/type")


def test_what_a_person_cannot_do(slack: Sandbox) -> None:
    for attempt, sentence in (
        (lambda: slack.say("U0MEI", "G0SURGERY", "x"), "not in that conversation"),
        (lambda: slack.say("U0MEI", "D0ANA", "x"), "not in that conversation"),
        (lambda: slack.say("U0ANA", "D0ANA", "  "), "message is empty"),
        (lambda: slack.say("U0BOT", "C0GENERAL", "x"), "no such person"),
        (lambda: slack.say("U0ANA", "D0ANA", "x", thread_ts="1.0"), "thread is gone"),
        (lambda: slack.command("U0ANA", "D0ANA", "/dance"), "not a command"),
        (lambda: slack.click("U0ANA", "D0ANA", "1.0", "x"), "message is gone"),
        (lambda: slack.upload("U0ANA", "a.txt", b""), "file is empty"),
        (lambda: slack.submit("U0ANA", "V9", {}), "form is closed"),
    ):
        with pytest.raises(CantDo, match=sentence):
            attempt()


def test_a_click_in_a_message(slack: Sandbox, seen: Seen, client: WebClient) -> None:
    blocks = [
        {
            "type": "actions",
            "block_id": "b",
            "elements": [button("replace", value="1"), button("aside"), button("delete")],
        }
    ]
    ts = client.chat_postMessage(channel="D0LEO", text="card", blocks=blocks)["ts"]
    assert slack.click("U0LEO", "D0LEO", ts, "aside").ok
    slack.wait_for(lambda: texts(slack, "D0LEO", "U0LEO")[-1] == "only for you")
    body = seen.last()
    assert body["container"] == {
        "type": "message",
        "message_ts": ts,
        "channel_id": "D0LEO",
        "is_ephemeral": False,
    }
    assert body["message"]["ts"] == ts
    assert body["channel"] == {"id": "D0LEO", "name": "directmessage"}

    slack.click("U0LEO", "D0LEO", ts, "replace")
    (action,) = seen.last()["actions"]
    assert (action["value"], action["block_id"], action["type"]) == ("1", "b", "button")
    slack.wait_for(lambda: texts(slack, "D0LEO", "U0LEO")[0] == "replaced")
    with pytest.raises(CantDo, match="button is gone"):
        slack.click("U0LEO", "D0LEO", ts, "delete")


def test_a_click_in_an_ephemeral_message(slack: Sandbox, seen: Seen, client: WebClient) -> None:
    blocks = [{"type": "actions", "elements": [button("aside"), button("delete")]}]
    client.chat_postEphemeral(channel="C0GENERAL", user="U0MEI", text="psst", blocks=blocks)
    ts = slack.messages("C0GENERAL", "U0MEI")[-1]["ts"]
    with pytest.raises(CantDo, match="message is gone"):
        slack.click("U0LEO", "C0GENERAL", ts, "delete")
    slack.click("U0MEI", "C0GENERAL", ts, "aside")
    assert seen.last()["container"]["is_ephemeral"]
    assert "message" not in seen.last(), "Slack does not send it back"
    slack.click("U0MEI", "C0GENERAL", ts, "delete")
    slack.wait_for(lambda: "psst" not in texts(slack, "C0GENERAL", "U0MEI"))


def test_a_shortcut(slack: Sandbox, seen: Seen) -> None:
    ts = slack.say("U0ANA", "C0REFERRALS", "a note")
    assert slack.shortcut("U0LEO", "C0REFERRALS", ts, "triage_note").ok
    body = seen.last()
    assert (body["type"], body["message"]["text"]) == ("message_action", "a note")
    assert (body["user"]["id"], body["message"]["user"]) == ("U0LEO", "U0ANA")
    slack.wait_for(lambda: texts(slack, "C0REFERRALS", "U0ANA")[-1] == "read")


def test_a_form_from_opening_to_closing(slack: Sandbox, seen: Seen) -> None:
    view = opened(slack, "U0ANA")
    # What the client itself refuses never reaches the app.
    seen.bodies.clear()
    for text in ("", "x"):
        answer = slack.submit("U0ANA", view["id"], {"note": text})
        assert set(answer["errors"]) == {"note"}
    assert seen.bodies == []
    answer = slack.submit("U0ANA", view["id"], {"note": "wrong", "answer": "Surgery"})
    assert answer == {"response_action": "errors", "errors": {"note": "Write more."}}
    body = seen.last()
    assert body["view"]["private_metadata"] == "meta"
    assert body["view"]["state"]["values"] == {
        "note": {"text": {"type": "plain_text_input", "value": "wrong"}},
        "right": {
            "answer": {
                "type": "static_select",
                "selected_option": {"text": {"type": PLAIN, "text": "Surgery"}, "value": "Surgery"},
            }
        },
    }
    whole = {"note": {"text": {"type": "plain_text_input", "value": "fine"}}}
    assert slack.submit("U0ANA", view["id"], whole) == {}
    assert seen.last()["view"]["state"]["values"]["right"]["answer"]["selected_option"] is None
    assert slack.views("U0ANA") == []


def test_a_form_can_be_updated_pushed_and_cleared(slack: Sandbox) -> None:
    view = opened(slack, "U0MEI")
    assert slack.submit("U0MEI", view["id"], {"note": "update"}) == {"response_action": "update"}
    (updated,) = slack.views("U0MEI")
    assert (updated["id"], len(updated["blocks"])) == (view["id"], 1)
    assert updated["hash"] != view["hash"]
    assert slack.submit("U0MEI", view["id"], {"note": "push"}) == {"response_action": "push"}
    bottom, top = slack.views("U0MEI")
    assert top["previous_view_id"] == top["root_view_id"] == bottom["id"]
    slack.submit("U0MEI", top["id"], {"note": "anything"})
    assert slack.views("U0MEI") == []


def test_answers_to_a_form_that_slack_would_refuse(slack: Sandbox) -> None:
    view = opened(slack, "U0LEO")
    before = len(slack.problems)
    slack.submit("U0LEO", view["id"], {"note": "no such block"})
    slack.submit("U0LEO", view["id"], {"note": "bad view"})
    assert [p.pointer for p in slack.problems[before:]] == ["/errors", "/view/title/text"]
    assert "trouble connecting" in slack.notices[-1][1]["text"]
    assert slack.views("U0LEO") == [view], "the form stays as it was"


def test_three_forms_on_top_of_each_other_are_the_most(slack: Sandbox, seen: Seen) -> None:
    opened(slack, "U0ANA")
    for depth in (2, 3):
        slack.click_view("U0ANA", slack.views("U0ANA")[-1]["id"], "inside")
        slack.wait_for(lambda depth=depth: len(slack.views("U0ANA")) == depth)
    assert seen.last()["container"]["type"] == "view"
    assert "response_url" not in seen.last()
    failed = len([r for r in slack.requests if r.error == "push_limit_reached"])
    slack.click_view("U0ANA", slack.views("U0ANA")[-1]["id"], "inside")
    slack.wait_for(
        lambda: len([r for r in slack.requests if r.error == "push_limit_reached"]) > failed
    )


def test_a_form_closed_is_told_to_apps_that_ask(
    slack: Sandbox, seen: Seen, client: WebClient
) -> None:
    view = opened(slack, "U0ANA")
    seen.bodies.clear()
    slack.close_view("U0ANA", view["id"])
    assert seen.bodies == []
    view = opened(slack, "U0ANA")
    client.views_update(view_id=view["id"], hash=view["hash"], view=modal(notify_on_close=True))
    with pytest.raises(SlackApiError, match="hash_conflict"):
        client.views_update(view_id=view["id"], hash=view["hash"], view=modal())
    slack.close_view("U0ANA", view["id"])
    assert (seen.last()["type"], seen.last()["is_cleared"]) == ("view_closed", False)
    with pytest.raises(SlackApiError, match="not_found"):
        client.views_update(view_id=view["id"], view=modal())


def test_the_home_tab(slack: Sandbox, seen: Seen, client: WebClient) -> None:
    assert slack.home("U0MEI") is None
    blocks = [{"type": "actions", "elements": [button("home_button", value="h")]}]
    first = client.views_publish(user_id="U0MEI", view={"type": "home", "blocks": blocks})["view"]
    again = client.views_publish(user_id="U0MEI", view={"type": "home", "blocks": blocks})["view"]
    assert first["id"] == again["id"]
    assert slack.home("U0LEO") is None
    assert slack.click_view("U0MEI", first["id"], "home_button").ok
    assert seen.last()["view"]["type"] == "home"


def test_a_trigger_is_good_once_and_for_a_short_while(client: WebClient, seen: Seen) -> None:
    with Sandbox(trigger_seconds=0.2) as quick, running(quick, lambda app: register(app, seen)):
        quick.command("U0ANA", "D0ANA", "/triage", "x")
        mine = client_of(quick)
        trigger = seen.last()["trigger_id"]
        mine.views_open(trigger_id=trigger, view=modal())
        with pytest.raises(SlackApiError, match="exchanged_trigger_id"):
            mine.views_open(trigger_id=trigger, view=modal())
        quick.command("U0ANA", "D0ANA", "/triage", "x")
        time.sleep(0.25)
        with pytest.raises(SlackApiError, match="expired_trigger_id"):
            mine.views_open(trigger_id=seen.last()["trigger_id"], view=modal())


def test_a_response_url_is_good_five_times(slack: Sandbox, seen: Seen) -> None:
    slack.command("U0LEO", "D0LEO", "/triage", "x")
    url = seen.last()["response_url"]

    def post(body: bytes, address: str = url) -> tuple[int, Json]:
        try:
            with urllib.request.urlopen(address, body, timeout=5) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    assert post(b"{nonsense") == (400, {"ok": False, "error": "invalid_payload"})
    for _ in range(4):
        assert post(b'{"text": "hello"}') == (200, {"ok": True})
    assert post(b"{}") == (400, {"ok": False, "error": "no_text"})
    assert post(b'{"text": "hello"}') == (404, {"ok": False, "error": "used_url"})
    assert post(b'{"text": "x"}', f"{slack.url}/response/none")[1]["error"] == "invalid_url"
    assert [r.error for r in slack.requests if r.method == "response_url"][-1] == "invalid_url"
