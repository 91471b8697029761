"""The page alone, without a bot: people, keys, themes, files, safety, and a server that goes."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from bot.sandbox.server import Sandbox
from tests.browser.conftest import OpenPage

HOSTILE = (
    "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script> "
    "<a href=\"javascript:document.title='owned'\">x</a> & <b>bold</b>"
)


def test_starts_as_ana_in_the_apps_messages(empty: Sandbox, open_page: OpenPage) -> None:
    chat = open_page(empty)
    expect(chat.page).to_have_title(re.compile("^Referral Triage · Slack sandbox"))
    expect(chat.page.get_by_role("button", name="You are Ana Ruiz")).to_be_visible()
    expect(chat.page.get_by_role("tab", name="Messages")).to_have_attribute("aria-selected", "true")
    expect(chat.page.get_by_text("Bot not connected")).to_be_visible()
    expect(chat.box).to_be_focused()


def test_what_people_type_stays_text(empty: Sandbox, open_page: OpenPage) -> None:
    chat = open_page(empty)
    title = chat.page.title()
    chat.go("referrals")
    chat.say(HOSTILE)
    expect(chat.last()).to_contain_text(HOSTILE)
    assert chat.last().locator("img[src=x], script, b, a").count() == 0
    assert "owned" not in chat.page.title()
    assert title != chat.page.title()


def test_a_notes_own_asterisks_and_lines_stay(empty: Sandbox, open_page: OpenPage) -> None:
    chat = open_page(empty)
    chat.go("general")
    chat.box.fill("PLAN: *ACL* repair")
    chat.box.press("Shift+Enter")
    chat.box.press_sequentially("_today_ `x` BP <120 & falling")
    chat.box.press("Enter")
    text = chat.last().locator(".message-text")
    expect(text).to_have_text("PLAN: *ACL* repair_today_ `x` BP <120 & falling")
    assert text.locator("br").count() == 1


def test_a_long_note_is_folded_until_asked_for(empty: Sandbox, open_page: OpenPage) -> None:
    chat = open_page(empty)
    chat.go("general")
    chat.say("\n".join(f"Line {number} of a long note." for number in range(40)))
    more = chat.last().get_by_role("button", name="Show more")
    folded = chat.last().bounding_box()
    more.click()
    shown = chat.last().bounding_box()
    assert folded is not None
    assert shown is not None
    assert shown["height"] > 2 * folded["height"]


def test_examples_are_one_click_away(empty: Sandbox, open_page: OpenPage) -> None:
    chat = open_page(empty, "U0MEI")
    cards = chat.page.get_by_role("group", name="Example notes").get_by_role("button")
    cards.first.click()
    expect(chat.box).to_be_focused()
    assert len(chat.box.input_value()) > 100
    chat.go("referrals")
    chat.page.get_by_role("button", name="Try an example").click()
    chat.page.get_by_role("menuitem").first.press("Enter")
    expect(chat.box).to_have_value(re.compile("^@Referral Triage .{100}"))


def test_mentions_and_commands_are_completed(empty: Sandbox, open_page: OpenPage) -> None:
    chat = open_page(empty)
    chat.go("referrals")
    chat.box.press_sequentially("@ref")
    expect(chat.page.get_by_role("option", name="Referral Triage")).to_be_visible()
    chat.box.press("Enter")
    chat.box.press_sequentially("look at #gen")
    chat.box.press("Tab")
    expect(chat.box).to_have_value("@Referral Triage look at #general ")
    chat.box.press("Enter")
    # Other tests have written there as well: what comes is waited for, not what there is.
    sent = "<@U0BOT> look at <#C0GENERAL|general>"
    empty.wait_for(lambda: empty.messages("C0REFERRALS")[-1]["text"] == sent)
    expect(chat.last().get_by_text("@Referral Triage")).to_have_class("mention")

    chat.box.press_sequentially("/tri")
    expect(chat.page.get_by_role("option", name="/triage")).to_be_visible()
    chat.box.press("Enter")
    expect(chat.box).to_have_value("/triage ")
    chat.box.fill("/nonsense now")
    chat.box.press("Enter")
    expect(chat.page.get_by_text("/nonsense is not a command here")).to_be_visible()
    expect(chat.box).to_have_value("/nonsense now")


def test_the_persons_of_the_page_change(empty: Sandbox, open_page: OpenPage) -> None:
    chat = open_page(empty)
    chat.go("surgery-desk")
    chat.box.fill("a draft of Ana's")
    chat.page.get_by_role("button", name="You are Ana Ruiz").click()
    chat.page.get_by_role("menuitemradio", name="Mei Tanaka").click()
    expect(chat.page.get_by_role("button", name="You are Mei Tanaka")).to_be_visible()
    sidebar = chat.page.get_by_role("navigation", name="Conversations")
    expect(sidebar.get_by_role("button", name="surgery-desk")).to_have_count(0)
    expect(chat.box).to_have_value("")
    chat.go("general")
    chat.say("Mei was here")
    expect(chat.last()).to_have_attribute("aria-label", re.compile("^Mei Tanaka"))
    chat.page.reload()
    expect(chat.page.get_by_role("button", name="You are Mei Tanaka")).to_be_visible()


def test_unread_messages_are_counted_until_seen(empty: Sandbox, open_page: OpenPage) -> None:
    chat = open_page(empty, "U0LEO")
    chat.go("general")
    chat.go("Referral Triage")
    empty.say("U0ANA", "C0GENERAL", "one")
    empty.say("U0MEI", "C0GENERAL", "two")
    row = chat.page.get_by_role("button", name=re.compile("^general, channel"))
    expect(row).to_have_accessible_name("general, channel, 2 unread")
    row.click()
    expect(row).to_have_accessible_name("general, channel")
    chat.page.reload()
    expect(row).to_have_accessible_name("general, channel")


def test_threads_open_beside_and_take_replies(empty: Sandbox, open_page: OpenPage) -> None:
    chat = open_page(empty)
    chat.go("general")
    ts = empty.say("U0ANA", "C0GENERAL", "Who has the list?")
    empty.say("U0LEO", "C0GENERAL", "I do", thread_ts=ts)
    # An answer to what one has written opens by itself.
    expect(chat.last(chat.thread)).to_contain_text("I do")
    reply = chat.page.get_by_role("textbox", name="Reply…")
    reply.fill("Thanks")
    reply.press("Enter")
    expect(chat.last(chat.thread)).to_contain_text("Thanks")
    expect(chat.log.get_by_role("button", name=re.compile("^2 replies"))).to_be_visible()
    assert chat.log.get_by_text("Thanks").count() == 0
    chat.page.keyboard.press("Escape")
    expect(chat.thread).to_have_count(0)
    expect(chat.log.get_by_role("button", name=re.compile("^2 replies"))).to_be_visible()


def test_files_by_button_drop_and_paste(
    empty: Sandbox, open_page: OpenPage, tmp_path: Path
) -> None:
    chat = open_page(empty)
    chat.go("referrals")
    chosen = tmp_path / "letter.txt"
    chosen.write_text("Dear colleague")
    chat.attach(chosen)
    drop = """([target, type, name]) => {
        const data = new DataTransfer();
        data.items.add(new File(["Knee pain"], name, {type: "text/plain"}));
        const node = document.querySelector(target);
        const event = type === "paste"
            ? new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true})
            : new DragEvent(type, {dataTransfer: data, bubbles: true, cancelable: true});
        node.dispatchEvent(event);
    }"""
    chat.page.evaluate(drop, ["#pane", "drop", "dropped.txt"])
    chat.page.evaluate(drop, ["#composer-main", "paste", "pasted.txt"])
    chips = chat.page.get_by_role("list", name="Files to send").get_by_role("listitem")
    expect(chips).to_have_count(3)
    chat.page.get_by_role("button", name="Remove dropped.txt").click()
    expect(chips).to_have_count(2)
    chat.box.fill("Two letters")
    chat.box.press("Enter")
    sent = chat.last().get_by_role("list", name="2 files")
    expect(sent).to_contain_text("letter.txt")
    expect(sent).to_contain_text("pasted.txt")
    assert [f["name"] for f in empty.messages("C0REFERRALS")[-1]["files"]] == [
        "letter.txt",
        "pasted.txt",
    ]


def test_an_empty_file_is_refused_with_its_reason(
    empty: Sandbox, open_page: OpenPage, tmp_path: Path
) -> None:
    chat = open_page(empty)
    (tmp_path / "nothing.txt").write_bytes(b"")
    chat.attach(tmp_path / "nothing.txt")
    expect(
        chat.page.get_by_role("alert").get_by_text("nothing.txt: The file is empty")
    ).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_theme_follows_the_system_until_switched(
    empty: Sandbox, open_page: OpenPage, scheme: str
) -> None:
    chat = open_page(empty, color_scheme=scheme)
    background = "getComputedStyle(document.body).backgroundColor"
    before = chat.page.evaluate(background)
    other = "light" if scheme == "dark" else "dark"
    chat.page.get_by_role("button", name=f"Use the {other} theme").click()
    after = chat.page.evaluate(background)
    assert before != after
    chat.page.reload()
    chat.page.get_by_role("button", name=f"Use the {scheme} theme").wait_for()
    assert chat.page.evaluate(background) == after


# Every pair of text and background that the page shows, measured where it is shown.
CONTRAST = """() => {
    const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
    const parse = (colour) => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const luminance = (rgb) => {
        const [r, g, b] = rgb.slice(0, 3).map((v) => v / 255)
            .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (node) => {
        for (let at = node; at; at = at.parentElement) {
            const colour = parse(getComputedStyle(at).backgroundColor);
            if (colour[3] === 255) return colour;
        }
        return [255, 255, 255, 255];
    };
    const low = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let text = walker.nextNode(); text; text = walker.nextNode()) {
        const node = text.parentElement;
        if (!text.data.trim() || !node.checkVisibility({visibilityProperty: true})) continue;
        const a = luminance(parse(getComputedStyle(node).color));
        const b = luminance(behind(node));
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (ratio < 4.5) low.push(`${text.data.trim().slice(0, 30)}: ${ratio.toFixed(2)}`);
    }
    return low;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_has_contrast(empty: Sandbox, open_page: OpenPage, scheme: str) -> None:
    chat = open_page(empty, "U0MEI", color_scheme=scheme)
    empty.say("U0LEO", "C0GENERAL", "<@U0MEI> see <#C0REFERRALS> or https://example.invalid/x")
    assert chat.page.evaluate(CONTRAST) == []
    chat.go("general")
    chat.box.press_sequentially("@")
    expect(chat.page.get_by_role("option").first).to_be_visible()
    assert chat.page.evaluate(CONTRAST) == []


def test_the_keyboard_is_enough(empty: Sandbox, open_page: OpenPage) -> None:
    chat = open_page(empty)
    keys = chat.page.keyboard
    keys.press("Alt+ArrowDown")
    expect(chat.page.get_by_role("heading", name="referrals", level=1)).to_be_visible()
    keys.press("Alt+ArrowDown")
    expect(chat.box).to_be_focused()
    keys.type("first")
    keys.press("Enter")
    expect(chat.last()).to_contain_text("first")
    keys.type("second")
    keys.press("Enter")
    expect(chat.last()).to_contain_text("second")
    # Backwards through the page's parts: from the box to the messages.
    keys.press("Shift+F6")
    expect(chat.last()).to_be_focused()
    keys.press("ArrowUp")
    keys.press("Enter")
    expect(chat.page.get_by_role("menu", name="Message actions")).to_be_visible()
    expect(chat.page.get_by_role("menuitem", name="Reply in thread")).to_be_focused()
    keys.press("Enter")
    expect(chat.page.get_by_role("textbox", name="Reply…")).to_be_focused()
    keys.type("in the thread")
    keys.press("Enter")
    expect(chat.last(chat.thread)).to_contain_text("in the thread")
    keys.press("Escape")
    first = chat.log.get_by_role("article").filter(has_text="1 reply")
    expect(first).to_be_focused()
    keys.press("?")
    expect(chat.page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    keys.press("Escape")
    expect(chat.page.get_by_role("dialog")).to_have_count(0)
    expect(first).to_be_focused()


def test_every_control_has_a_name(empty: Sandbox, open_page: OpenPage) -> None:
    chat = open_page(empty)
    chat.go("general")
    chat.say("a message with tools")
    expect(chat.last()).to_contain_text("a message with tools")
    nameless = [
        control.evaluate("node => node.outerHTML")
        for control in chat.page.locator("button, input, textarea, select").all()
        if control.is_visible()
        and control.evaluate("node => !(node.ariaLabel || node.textContent.trim() || node.title)")
    ]
    assert nameless == []


def test_it_fits_a_small_screen(empty: Sandbox, open_page: OpenPage) -> None:
    chat = open_page(empty, viewport={"width": 380, "height": 760})
    wide = "document.documentElement.scrollWidth > innerWidth"
    assert not chat.page.evaluate(wide)
    chat.page.get_by_role("button", name="Conversations").click()
    chat.go("general")
    chat.say("A long_word_" + "without_any_break_" * 20)
    expect(chat.last()).to_contain_text("without_any_break")
    assert not chat.page.evaluate(wide)
    expect(chat.page.get_by_role("navigation", name="Conversations")).not_to_be_visible()


def test_a_server_that_goes_is_told_and_one_that_comes_back_is_found(open_page: OpenPage) -> None:
    with Sandbox() as first:
        chat = open_page(first)
        chat.go("general")
        chat.say("before")
        expect(chat.last()).to_contain_text("before")
        port = int(first.url.rpartition(":")[2])
    expect(chat.page.get_by_role("alert")).to_contain_text("The sandbox has gone")
    with Sandbox(port=port) as second:
        second.say("U0LEO", "C0GENERAL", "after")
        expect(chat.page.get_by_role("alert")).to_have_count(0)
        expect(chat.last()).to_contain_text("after")
        expect(chat.page.get_by_role("heading", name="general", level=1)).to_be_visible()
    # The browser itself reports each refused connection; nothing else may be on the console.
    refused = re.compile("ERR_CONNECTION|WebSocket connection to")
    chat.complaints[:] = [line for line in chat.complaints if not refused.search(line)]
