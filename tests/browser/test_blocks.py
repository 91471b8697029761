"""Block Kit as the page draws it: what an app posts is what a person sees and can use."""

import queue
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect
from slack_bolt import Ack, App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient

from bot.sandbox.server import Sandbox
from tests.browser.conftest import OpenPage

Json = dict[str, Any]
DM = "D0ANA"


def text(words: str, kind: str = "plain_text") -> Json:
    return {"type": kind, "text": words}


def option(words: str) -> Json:
    return {"text": text(words), "value": words.lower()}


class Probe:
    """A small app that posts what a test gives it, and keeps what comes back."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.client = WebClient(sandbox.bot_token, base_url=sandbox.api_url)
        self.actions: queue.Queue[Json] = queue.Queue()
        self.submissions: queue.Queue[Json] = queue.Queue()
        self.answer: Json = {}
        self.view: Json | None = None
        app = App(client=self.client)
        app.action(re.compile(""))(self._action)
        app.view("form")(self._submission)
        app.event("message")(lambda: None)
        app.event("app_home_opened")(self._home)
        self.handler = SocketModeHandler(app, sandbox.app_token)
        self.handler.client.proxy = None
        self.handler.connect()
        sandbox.wait_connected()

    def _action(self, ack: Ack, body: Json) -> None:
        ack()
        if self.view is not None:
            self.client.views_open(trigger_id=body["trigger_id"], view=self.view)
        self.actions.put(body)

    def _submission(self, ack: Ack, body: Json) -> None:
        ack(**self.answer)
        self.submissions.put(body)

    def _home(self, event: Json) -> None:
        blocks = [{"type": "header", "text": text(f"Home of {event['user']}")}]
        self.client.views_publish(user_id=event["user"], view={"type": "home", "blocks": blocks})

    def post(self, *blocks: Json, words: str = "A card", channel: str = DM) -> str:
        return str(self.client.chat_postMessage(channel=channel, text=words, blocks=blocks)["ts"])

    def action(self) -> Json:
        found: Json = self.actions.get(timeout=8)["actions"][0]
        return found


@pytest.fixture(scope="module")
def app() -> Iterator[Probe]:
    with Sandbox(ack_seconds=1.0) as sandbox:
        probe = Probe(sandbox)
        yield probe
        probe.handler.close()


@pytest.fixture(autouse=True)
def fresh(app: Probe) -> None:
    app.answer, app.view = {}, None


def test_marks_links_mentions_dates_and_emoji(app: Probe, open_page: OpenPage) -> None:
    chat = open_page(app.sandbox)
    words = (
        "*bold* _italic_ ~gone~ `code` a*b*c <https://example.invalid/a?b=1&amp;c|a link> <@U0ANA> "
        "<#C0GENERAL> <!here> :white_check_mark: :no_such_emoji: 10:30:45 &lt;b&gt; "
        "<!date^86400^{date_num}|then> <javascript:alert(1)|bad>\n> quoted\n```pre *x*```"
    )
    app.client.chat_postMessage(channel=DM, text=words)
    shown = chat.last().locator(".message-text")
    expect(shown.locator("strong")).to_have_text("bold")
    expect(shown.locator("em")).to_have_text("italic")
    expect(shown.locator("s")).to_have_text("gone")
    expect(shown.locator("code")).to_have_text("code")
    expect(shown.locator("blockquote")).to_have_text("quoted")
    expect(shown.locator("pre")).to_have_text("pre *x*")
    expect(shown.get_by_role("link")).to_have_attribute("href", "https://example.invalid/a?b=1&c")
    expect(shown.get_by_text("@Ana Ruiz")).to_have_class("mention mention-me")
    expect(shown.get_by_role("img", name="white check mark")).to_be_visible()
    for literal in ("a*b*c", ":no_such_emoji:", "10:30:45", "<b>", "1970-01-02", "@here", "bad"):
        expect(shown).to_contain_text(literal)
    shown.get_by_role("button", name="#general").click()
    expect(chat.page.get_by_role("heading", name="general", level=1)).to_be_visible()


def test_layout_blocks(app: Probe, open_page: OpenPage) -> None:
    chat = open_page(app.sandbox)
    cell = {"type": "raw_text", "text": "0.998"}
    listed = [{"type": "rich_text_section", "elements": [text("*not bold*", "text")]}]
    app.post(
        {"type": "header", "text": text("Surgery, 93 %")},
        {"type": "section", "text": text("*Body*", "mrkdwn"), "fields": [text("F1"), text("F2")]},
        {"type": "context", "elements": [text("small print", "mrkdwn")]},
        {"type": "divider"},
        {"type": "rich_text", "elements": [
            {"type": "rich_text_list", "style": "ordered", "elements": listed},
            {"type": "rich_text_quote", "elements": [text("quoted", "text")]},
            {"type": "rich_text_preformatted", "elements": [text("pre", "text")]},
        ]},
        {"type": "image", "image_url": "https://example.invalid/x.png", "alt_text": "A chart"},
        {"type": "table", "rows": [[{"type": "raw_text", "text": "AUC"}], [cell]]},
    )  # fmt: skip
    card = chat.last()
    expect(card.get_by_role("heading", name="Surgery, 93 %")).to_be_visible()
    expect(card.locator("strong")).to_have_text("Body")
    expect(card.get_by_text("F2")).to_be_visible()
    expect(card.get_by_role("listitem")).to_have_text("*not bold*")
    expect(card.locator("blockquote")).to_have_text("quoted")
    expect(card.get_by_role("img", name="A chart")).to_contain_text("it is on another host")
    expect(card.get_by_role("columnheader")).to_have_text("AUC")
    expect(card.get_by_role("cell")).to_have_text("0.998")


def test_markdown_blocks(app: Probe, open_page: OpenPage) -> None:
    chat = open_page(app.sandbox)
    source = """## Figures

An **AUC** of *0.998* in `eval` and snake_case_name.

- one
- two
  - in

1. first

| a | b |
|---|---|
| 1 | 2 |

```
x < y
```
<b>no</b> [l](javascript:x)"""
    app.post({"type": "markdown", "text": source})
    card = chat.last()
    expect(card.get_by_role("heading", name="Figures")).to_be_visible()
    expect(card.locator("strong")).to_have_text("AUC")
    expect(card.locator("em")).to_have_text("0.998")
    expect(card.locator("ul ul li")).to_have_text("in")
    expect(card.locator("ol li")).to_have_text("first")
    expect(card.get_by_role("cell", name="2")).to_be_visible()
    expect(card.locator("pre")).to_have_text("x < y")
    expect(card).to_contain_text("<b>no</b>")
    expect(card).to_contain_text("snake_case_name")
    assert card.get_by_role("link").count() == 0


def test_blocks_nobody_knows_are_labelled(app: Probe, open_page: OpenPage) -> None:
    chat = open_page(app.sandbox)
    card = chat.page.evaluate(
        """async () => {
            const {renderBlocks} = await import("/static/js/blocks.js");
            const {Values} = await import("/static/js/values.js");
            const hostile = {type: "<img src=x onerror=alert(1)>"};
            const broken = {type: "table", rows: 7};
            const element = {type: "actions", elements: [{type: "hologram"}]};
            const node = renderBlocks([hostile, broken, element, null], {values: new Values()});
            document.body.append(node);
            return [...node.querySelectorAll("[role=note]")].map((note) => note.textContent);
        }"""
    )
    assert card == [
        "Block not shown in the sandbox: <img src=x onerror=alert(1)>",
        "Block not shown in the sandbox: table, which couldn't be drawn",
        "Block not shown in the sandbox: element hologram",
        "Block not shown in the sandbox: without a type",
    ]


def test_buttons_wait_and_ask_before_they_act(app: Probe, open_page: OpenPage) -> None:
    chat = open_page(app.sandbox)
    sure = {
        "title": text("Deploy?"),
        "text": text("It serves *everybody*.", "mrkdwn"),
        "confirm": text("Deploy"),
        "deny": text("Keep"),
    }
    button = {"type": "button", "text": text("Go"), "action_id": "go", "value": "7"}
    app.post({"type": "actions", "elements": [{**button, "style": "danger", "confirm": sure}]})
    go = chat.last().get_by_role("button", name="Go")
    go.click()
    chat.page.get_by_role("dialog", name="Deploy?").get_by_role("button", name="Keep").click()
    expect(chat.modal).to_have_count(0)
    assert app.actions.empty()
    go.click()
    chat.modal.get_by_role("button", name="Deploy", exact=True).click()
    assert app.action()["value"] == "7"
    expect(go).not_to_have_attribute("aria-busy", "true")


def test_selects_choices_and_menus_send_what_was_chosen(app: Probe, open_page: OpenPage) -> None:
    chat = open_page(app.sandbox)
    options = [option("Surgery"), option("Consultation")]
    app.post(
        {"type": "section", "text": text("Pick"), "accessory": {
            "type": "static_select", "action_id": "pick", "placeholder": text("An answer"),
            "options": options}},
        {"type": "actions", "elements": [
            {"type": "radio_buttons", "action_id": "one", "options": options},
            {"type": "checkboxes", "action_id": "any", "options": options},
            {"type": "overflow", "action_id": "more", "options": options},
            {"type": "datepicker", "action_id": "day", "placeholder": text("A day")}]},
    )  # fmt: skip
    card = chat.last()
    card.get_by_role("combobox", name="An answer").select_option("Surgery")
    assert app.action()["selected_option"]["value"] == "surgery"
    card.get_by_role("radio", name="Consultation").check()
    assert app.action()["selected_option"]["value"] == "consultation"
    card.get_by_role("checkbox", name="Surgery").check()
    assert [o["value"] for o in app.action()["selected_options"]] == ["surgery"]
    card.get_by_role("button", name="More options").click()
    chat.page.get_by_role("menuitem", name="Consultation").click()
    assert app.action()["selected_option"]["value"] == "consultation"
    card.get_by_label("A day").fill("2026-11-23")
    assert app.action()["selected_date"] == "2026-11-23"


FORM: Json = {
    "type": "modal",
    "callback_id": "form",
    "title": text("A form"),
    "submit": text("Save"),
    "blocks": [
        {"type": "input", "block_id": "why", "label": text("Why"), "hint": text("No names"),
         "element": {"type": "plain_text_input", "action_id": "why", "max_length": 20}},
        {"type": "input", "block_id": "which", "label": text("Which"), "optional": True,
         "element": {"type": "radio_buttons", "action_id": "which", "options": [option("A")]}},
        {"type": "actions", "block_id": "again",
         "elements": [{"type": "button", "text": text("Refresh"), "action_id": "refresh"}]},
    ],
}  # fmt: skip


def test_forms_check_keep_and_send_what_was_entered(app: Probe, open_page: OpenPage) -> None:
    chat = open_page(app.sandbox)
    app.view = FORM
    app.post({"type": "actions", "elements": [
        {"type": "button", "text": text("Open"), "action_id": "open"}]})  # fmt: skip
    opener = chat.last().get_by_role("button", name="Open")
    opener.press("Enter")
    form = chat.page.get_by_role("dialog", name="A form")
    why = form.get_by_role("textbox", name="Why")
    expect(why).to_be_focused()
    expect(why).to_have_accessible_description("No names")

    # Nothing entered, then too much: said beside the field, and nothing is cut off.
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_text("Please complete this required field.")).to_be_visible()
    expect(why).to_have_attribute("aria-invalid", "true")
    why.fill("far too many letters for it")
    expect(form.get_by_text("7 characters too many")).to_be_visible()
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_text("Write at most 20 characters.")).to_be_visible()

    # The app finds something wrong.
    app.answer = {"response_action": "errors", "errors": {"why": "Say more."}}
    why.fill("because")
    why.press("Enter")
    expect(form.get_by_text("Say more.")).to_be_visible()
    app.submissions.get(timeout=8)

    # The app changes the form: what was typed stays.
    form.get_by_role("radio", name="A").check()
    app.view = None
    form.get_by_role("button", name="Refresh").click()
    app.actions.get(timeout=8)
    view_id = app.actions.get(timeout=8)["view"]["id"]
    app.client.views_update(view_id=view_id, view={**FORM, "title": text("Changed")})
    form = chat.page.get_by_role("dialog", name="Changed")
    expect(form.get_by_role("textbox", name="Why")).to_have_value("because")
    expect(form.get_by_role("radio", name="A")).to_be_checked()

    # A reload doesn't lose the form either; then it is sent.
    chat.page.reload()
    form = chat.page.get_by_role("dialog", name="Changed")
    form.get_by_role("textbox", name="Why").fill("at last")
    app.answer = {}
    form.get_by_role("button", name="Save").click()
    expect(chat.modal).to_have_count(0)
    values = app.submissions.get(timeout=8)["view"]["state"]["values"]
    assert values["why"]["why"]["value"] == "at last"


def test_forms_stack_and_escape_goes_back_one(app: Probe, open_page: OpenPage) -> None:
    chat = open_page(app.sandbox)
    app.view = FORM
    app.post({"type": "actions", "elements": [
        {"type": "button", "text": text("Open"), "action_id": "open"}]})  # fmt: skip
    chat.last().get_by_role("button", name="Open").click()
    first = chat.page.get_by_role("dialog", name="A form")
    first.get_by_role("textbox", name="Why").fill("kept")
    app.answer = {"response_action": "push", "view": {**FORM, "title": text("Second")}}
    first.get_by_role("button", name="Save").click()
    expect(chat.page.get_by_role("dialog", name="Second")).to_be_visible()
    expect(chat.modal.get_by_role("button", name="Back")).to_be_visible()
    chat.page.keyboard.press("Escape")
    expect(first.get_by_role("textbox", name="Why")).to_have_value("kept")
    # The focus stays inside, whichever way one walks.
    for _ in range(12):
        chat.page.keyboard.press("Tab")
        assert chat.page.evaluate(
            "document.activeElement === document.body || !!document.activeElement.closest('dialog')"
        )
    chat.page.keyboard.press("Escape")
    expect(chat.modal).to_have_count(0)


def test_messages_change_and_go_in_place(app: Probe, open_page: OpenPage) -> None:
    chat = open_page(app.sandbox)
    button = {"type": "button", "text": text("Stay"), "action_id": "stay"}
    block = {"type": "actions", "block_id": "b", "elements": [button]}
    ts = app.post(block, words="before")
    stay = chat.last().get_by_role("button", name="Stay")
    stay.focus()
    header = {"type": "header", "text": text("Changed")}
    app.client.chat_update(channel=DM, ts=ts, text="after", blocks=[header, block])
    expect(chat.last().get_by_role("heading", name="Changed")).to_be_visible()
    expect(chat.last().get_by_role("button", name="Stay")).to_be_focused()
    app.client.chat_delete(channel=DM, ts=ts)
    expect(chat.log.get_by_text("Changed")).to_have_count(0)


def test_home_status_and_notices(app: Probe, open_page: OpenPage) -> None:
    chat = open_page(app.sandbox, "U0MEI")
    expect(chat.page.get_by_text("Bot connected")).to_be_visible()
    chat.page.get_by_role("tab", name="Home").click()
    expect(chat.page.get_by_role("heading", name="Home of U0MEI")).to_be_visible()
    chat.page.keyboard.press("ArrowRight")
    chat.say("A note")
    expect(chat.last()).to_contain_text("A note")
    ts = app.sandbox.messages("D0MEI")[-1]["ts"]
    app.client.assistant_threads_setStatus(
        channel_id="D0MEI", thread_ts=ts, status="is reading the note…"
    )
    expect(chat.page.get_by_text("Referral Triage is reading the note…")).to_be_visible()
    app.client.chat_postMessage(channel="D0MEI", text="Done")
    expect(chat.page.get_by_text("Referral Triage is reading the note…")).to_have_count(0)

    chat.box.fill("/retrain")
    chat.box.press("Enter")
    notice = chat.page.get_by_role("alert").filter(has_text="/retrain failed")
    expect(notice).to_contain_text("operation_timeout")
    notice.get_by_role("button", name="Dismiss").click()
    expect(notice).to_have_count(0)


def test_what_only_one_person_sees(app: Probe, open_page: OpenPage) -> None:
    chat = open_page(app.sandbox)
    chat.go("general")
    app.client.chat_postEphemeral(channel="C0GENERAL", user="U0ANA", text="Between us")
    expect(chat.last()).to_contain_text("Only visible to you")
    expect(chat.last()).to_contain_text("Between us")
    other = open_page(app.sandbox, "U0MEI", where="#C0GENERAL")
    other.page.get_by_role("heading", name="general", level=1).wait_for()
    expect(other.log.get_by_text("Between us")).to_have_count(0)
