"""What the page asks for and is told, and that no other page can."""

import http.client
import json
import threading
from typing import Any
from urllib.parse import urlsplit

import pytest
from slack_bolt import Ack, App
from slack_sdk import WebClient
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from bot.sandbox.seed import COMMANDS, SHORTCUTS
from bot.sandbox.server import Sandbox
from tests.sandbox.conftest import running
from tests.sandbox.wire import Wire

Json = dict[str, Any]


def request(
    slack: Sandbox, method: str, path: str, body: bytes = b"", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection(urlsplit(slack.url).netloc, timeout=5)
    try:
        connection.request(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def post(slack: Sandbox, what: str, user: str = "U0ANA", **body: Any) -> Json:
    data = json.dumps({"user": user, **body}).encode()
    status, _, answer = request(slack, "POST", f"/sandbox/{what}", data)
    assert status == 200
    return dict(json.loads(answer))


def state(slack: Sandbox, user: str = "U0ANA") -> Json:
    return dict(json.loads(request(slack, "GET", f"/sandbox/state?user={user}")[2]))


class Page:
    """The page's websocket."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        assert self.next()["type"] == "bot"

    def next(self, kind: str = "") -> Json:
        while True:
            change = dict(json.loads(self.socket.recv(5)))
            if not kind or change["type"] == kind:
                return change


def page(slack: Sandbox, user: str = "U0ANA") -> ClientConnection:
    url = slack.url.replace("http", "ws")
    return connect(f"{url}/sandbox/ws?user={user}", proxy=None, close_timeout=0.2)


def test_the_page_and_its_headers(slack: Sandbox) -> None:
    status, headers, body = request(slack, "GET", "/")
    assert status == 200
    assert b"<html" in body.lower()
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert request(slack, "GET", "/static/../server.py")[0] == 404
    assert request(slack, "GET", "/static/%2e%2e/server.py")[0] == 404


def test_the_state_is_what_the_person_may_see(slack: Sandbox, client: WebClient) -> None:
    slack.say("U0LEO", "D0LEO", "for the bot alone")
    slack.say("U0LEO", "C0GENERAL", "for all")
    client.chat_postEphemeral(channel="C0GENERAL", user="U0LEO", text="for Leo")
    ana, leo, mei = (state(slack, user) for user in ("U0ANA", "U0LEO", "U0MEI"))
    assert [c["id"] for c in ana["conversations"]] == [
        "C0REFERRALS",
        "C0GENERAL",
        "G0SURGERY",
        "D0ANA",
    ]
    assert "G0SURGERY" not in mei["messages"]
    assert [m["text"] for m in ana["messages"]["C0GENERAL"]] == ["for all"]
    assert [m["text"] for m in leo["messages"]["C0GENERAL"]] == ["for all", "for Leo"]
    assert [m["text"] for m in leo["messages"]["D0LEO"]] == ["for the bot alone"]
    assert ana["me"]["real_name"] == "Ana Ruiz"
    assert ana["me"]["color"].startswith("#")
    assert ana["commands"] == list(COMMANDS)
    assert ana["shortcuts"] == list(SHORTCUTS)
    assert ana["bot"] == {"connected": False, "user_id": "U0BOT"}
    assert (ana["mode"], ana["home"]) == ("socket", None)
    assert len(ana["examples"]) >= 8
    assert all(example["title"] and example["text"] for example in ana["examples"])
    unread = {c["id"]: c["unread"] for c in ana["conversations"]}
    assert unread == {"C0REFERRALS": 0, "C0GENERAL": 1, "G0SURGERY": 0, "D0ANA": 0}
    post(slack, "read", channel="C0GENERAL")
    assert {c["unread"] for c in state(slack)["conversations"]} == {0}


def test_messages_arrive_as_they_happen(slack: Sandbox, client: WebClient) -> None:
    with page(slack) as mine, page(slack, "U0MEI") as other:
        ana, mei = Page(mine), Page(other)
        ts = post(slack, "say", channel="C0GENERAL", text="hello <b>")["ts"]
        for seen in (ana, mei):
            message = seen.next()
            assert (message["type"], message["channel"]) == ("message", "C0GENERAL")
            assert message["message"]["text"] == "hello &lt;b&gt;"
            assert message["message"]["ts"] == ts
        post(slack, "say", channel="G0SURGERY", text="not for Mei")
        answer = client.chat_postMessage(channel="C0GENERAL", text="hi", thread_ts=ts)["ts"]
        assert ana.next()["channel"] == "G0SURGERY"
        assert mei.next()["message"]["ts"] == answer
        client.chat_update(channel="C0GENERAL", ts=answer, text="changed")
        assert mei.next("message_changed")["message"]["text"] == "changed"
        client.chat_delete(channel="C0GENERAL", ts=answer)
        assert mei.next("message_deleted")["ts"] == answer
        client.assistant_threads_setStatus(channel_id="C0GENERAL", thread_ts=ts, status="reads")
        assert mei.next("status") == {
            "type": "status",
            "channel": "C0GENERAL",
            "thread_ts": ts,
            "status": "reads",
        }
        with Wire.open(slack):
            assert mei.next("bot")["connected"] is True
        assert mei.next("bot")["connected"] is False


def test_a_file_goes_up_as_a_form(slack: Sandbox) -> None:
    body = (
        b'--x\r\nContent-Disposition: form-data; name="user"\r\n\r\nU0ANA\r\n'
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="note.txt"\r\n'
        b"Content-Type: text/plain\r\n\r\nthe text\r\n--x--\r\n"
    )
    kind = "multipart/form-data; boundary=x"
    answer = json.loads(request(slack, "POST", "/sandbox/upload", body, Content_Type=kind)[2])
    file = answer["file"]
    assert (file["name"], file["mimetype"], file["size"]) == ("note.txt", "text/plain", 8)
    post(slack, "say", channel="D0ANA", text="", files=[file["id"]])
    (message,) = state(slack)["messages"]["D0ANA"]
    assert message["files"][0]["id"] == file["id"]
    empty = body.replace(b"the text", b"")
    answer = json.loads(request(slack, "POST", "/sandbox/upload", empty, Content_Type=kind)[2])
    assert answer == {"ok": False, "error": "The file is empty. Slack refuses empty files."}


BUTTON: Json = {
    "type": "button",
    "action_id": "go",
    "text": {"type": "plain_text", "text": "Go"},
}
VIEW: Json = {
    "type": "modal",
    "callback_id": "v",
    "title": {"type": "plain_text", "text": "T"},
    "submit": {"type": "plain_text", "text": "S"},
    "blocks": [
        {
            "type": "input",
            "block_id": "b",
            "label": {"type": "plain_text", "text": "L"},
            "element": {"type": "plain_text_input", "action_id": "a"},
        }
    ],
}


def test_buttons_forms_and_home(slack: Sandbox, client: WebClient) -> None:
    def register(app: App) -> None:
        @app.command("/triage")
        def command(ack: Ack, body: Json) -> None:
            ack()
            client.views_open(trigger_id=body["trigger_id"], view=VIEW)

        @app.action("go")
        def go(ack: Ack, body: Json) -> None:
            ack()
            said = body["state"]["values"]["in"]["text"]["value"]
            client.chat_postMessage(channel="D0ANA", text=f"clicked with {said}")

        @app.shortcut("triage_note")
        def shortcut(ack: Ack) -> None:
            ack()

        @app.view("v")
        def submit(ack: Ack, view: Json) -> None:
            if view["state"]["values"]["b"]["a"]["value"] == "wrong":
                ack(response_action="errors", errors={"b": "No."})
            else:
                ack()

        @app.event("app_home_opened")
        def home(event: Json) -> None:
            client.views_publish(user_id=event["user"], view={"type": "home", "blocks": []})

    with running(slack, register), page(slack) as socket:
        ana = Page(socket)
        assert post(slack, "home") == {"ok": True}
        assert ana.next("home")["view"]["type"] == "home"
        assert state(slack)["home"]["type"] == "home"

        assert post(slack, "command", channel="D0ANA", command="/triage", text="") == {"ok": True}
        view = ana.next("view_open")["view"]
        assert state(slack)["views"] == [view]

        def entered(text: str) -> Json:
            return {"b": {"a": {"type": "plain_text_input", "value": text}}}

        answer = post(slack, "submit", view_id=view["id"], values=entered("wrong"))
        assert answer == {"ok": True, "response_action": "errors", "errors": {"b": "No."}}
        assert post(slack, "submit", view_id=view["id"], values=entered("fine")) == {"ok": True}
        assert ana.next("view_close")["view_id"] == view["id"]
        answer = post(slack, "close", view_id=view["id"])
        assert answer == {"ok": False, "error": "That form is closed."}

        blocks = [
            {**VIEW["blocks"][0], "block_id": "in"},
            {"type": "actions", "block_id": "b", "elements": [BUTTON]},
        ]
        blocks[0]["element"] = {"type": "plain_text_input", "action_id": "text"}
        ts = client.chat_postMessage(channel="D0ANA", text="card", blocks=blocks)["ts"]
        answer = post(
            slack,
            "action",
            channel="D0ANA",
            message_ts=ts,
            block_id="b",
            action_id="go",
            type="button",
            value="1",
            state={"in": {"text": {"type": "plain_text_input", "value": "words"}}},
        )
        assert answer == {"ok": True}
        slack.wait_for(lambda: slack.messages("D0ANA")[-1]["text"] == "clicked with words")
        answer = post(slack, "shortcut", channel="D0ANA", message_ts=ts, callback_id="triage_note")
        assert answer == {"ok": True}


def test_what_the_real_slack_would_refuse_is_shown(slack: Sandbox, client: WebClient) -> None:
    with page(slack) as socket:
        ana = Page(socket)
        with pytest.raises(Exception, match="invalid_blocks"):
            client.chat_postMessage(channel="D0ANA", text="x", blocks=[{"type": "nonsense"}])
        notice = ana.next("notice")
        assert notice["level"] == "error"
        assert "chat.postMessage: unsupported type" in notice["text"]


def test_bad_requests_get_a_sentence(slack: Sandbox) -> None:
    for body in (b"", b"{", b"[]", b'{"user": 3}'):
        status, _, answer = request(slack, "POST", "/sandbox/say", body)
        assert status == 400
        assert json.loads(answer)["error"].endswith(".")
    assert request(slack, "GET", "/sandbox/state?user=U9")[0] == 404
    assert request(slack, "POST", "/sandbox/upload", b"")[0] == 400
    assert post(slack, "say", user="U9", channel="D0ANA", text="x")["ok"] is False
    assert post(slack, "say", channel=["D0ANA"], text="x")["ok"] is False
    assert post(slack, "say", channel="D0ANA", text="x", files=["F1"])["ok"] is False
    assert post(slack, "command", channel="D0ANA", command="/dance")["ok"] is False
    assert post(slack, "action", channel="D0ANA", message_ts="1", action_id="x")["ok"] is False


def test_no_endpoint_breaks_on_junk(slack: Sandbox, client: WebClient) -> None:
    blocks = [{"type": "actions", "elements": [{**BUTTON, "value": "1"}]}, VIEW["blocks"][0]]
    ts = client.chat_postMessage(channel="D0ANA", text="card", blocks=blocks)["ts"]
    client.views_publish(user_id="U0ANA", view={"type": "home", "blocks": blocks})
    home = slack.home("U0ANA")
    assert home is not None
    sane: Json = {"channel": "D0ANA", "message_ts": ts, "action_id": "go", "command": "/none"}
    names = (*sane, "text", "files", "thread_ts", "state", "value", "block_id", "values", "tab")
    with Wire.open(slack) as wire:
        threading.Thread(target=wire.ack_all, daemon=True).start()
        for what in ("say", "command", "action", "shortcut", "submit", "close", "home", "read"):
            for name in names:
                for junk in (None, 3, [], [[]], {}, {"in": 3}, {"b": {"a": []}}, "\x00", "é"):
                    body = {**sane, name: junk}
                    assert isinstance(post(slack, what, **body)["ok"], bool)
                    if what in ("action", "submit"):
                        answer = post(slack, what, **body, view_id=home["id"])
                        assert isinstance(answer["ok"], bool)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.test"}, 403),
        ({"Host": "evil.test:4000"}, 403),
        ({"Host": "127.0.0.1.evil.test"}, 403),
        ({"Origin": "https://evil.test"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "no-cors"}, 403),
        ({"Sec_Fetch_Site": "same-origin"}, 200),
        ({"Host": "localhost"}, 200),
    ],
)
def test_other_pages_are_kept_out(slack: Sandbox, headers: dict[str, str], status: int) -> None:
    body = json.dumps({"user": "U0ANA", "channel": "D0ANA", "text": "x"}).encode()
    assert request(slack, "POST", "/sandbox/say", body, **headers)[0] == status
    assert request(slack, "GET", "/sandbox/state?user=U0ANA", **headers)[0] == status
    assert request(slack, "GET", "/api/api.test", **headers)[0] == status
    assert len(slack.messages("D0ANA")) == (status == 200)


def test_a_link_from_elsewhere_may_lead_to_the_page_only(slack: Sandbox) -> None:
    link = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"}
    assert request(slack, "GET", "/", **link)[0] == 200
    assert request(slack, "GET", "/sandbox/state?user=U0ANA", **link)[0] == 403
    assert request(slack, "POST", "/sandbox/say", b"{}", **link)[0] == 403


def test_other_pages_cannot_listen(slack: Sandbox) -> None:
    url = slack.url.replace("http", "ws")
    for path in ("/sandbox/ws?user=U0ANA", "/link/?ticket=x"):
        with pytest.raises(InvalidStatus):
            connect(f"{url}{path}", proxy=None, origin="https://evil.test")  # type: ignore[arg-type]
    with pytest.raises(InvalidStatus):
        connect(f"{url}/sandbox/ws?user=U9", proxy=None)
    with connect(f"{url}/sandbox/ws?user=U0ANA", proxy=None, origin=slack.url):  # type: ignore[arg-type]
        pass
