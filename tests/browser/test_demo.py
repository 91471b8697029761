"""The main job, end to end in the browser: sandbox, bot, endpoint and shipped model together."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fpdf import FPDF
from playwright.sync_api import Locator, expect

from bot.demo import running
from bot.sandbox.server import Sandbox
from tests.browser.chat import CARD_MS, Chat
from tests.browser.conftest import OpenPage

SURGICAL = (
    "Thank you for seeing this 46-year-old teacher with five months of biliary colic, now weekly, "
    "two visits to the emergency department. Ultrasound: several gallstones up to 14 mm, no duct "
    "dilatation. A low-fat diet has not helped. She would like to go ahead with laparoscopic "
    "cholecystectomy and has no other illness."
)
CONSULT = (
    "58-year-old man with three weeks of mild left knee pain after gardening. No locking, no "
    "effusion, full range of motion, X-ray with mild narrowing. No physiotherapy yet. Please "
    "advise on exercises and pain relief; he does not want an operation."
)
CANARY = "zebrawood"
CONFIDENCE = re.compile(r"(Surgery|Consultation), (over )?\d\d %|Needs review")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """What `triage demo` starts."""
    with running(tmp_path_factory.mktemp("demo"), 0, lambda _: None) as slack:
        yield slack


def heading_of(card: Locator) -> str:
    return card.get_by_role("heading").first.inner_text()


def test_a_pasted_note_gets_its_card_with_evidence(demo: Sandbox, open_page: OpenPage) -> None:
    chat = open_page(demo)
    expect(chat.page.get_by_text("Bot connected")).to_be_visible()
    chat.say(f"{SURGICAL} {CANARY}")
    card = chat.card()
    assert re.match(CONFIDENCE, heading_of(card))
    expect(card).to_contain_text("What led there")
    phrases = card.get_by_role("listitem")
    assert phrases.count() >= 1
    for phrase in phrases.locator("strong").all_inner_texts():
        assert phrase.strip("… ").split(" … ")[0] in SURGICAL + CANARY
    expect(card).to_contain_text("A clinician decides")
    expect(card).to_contain_text(re.compile("Model: [0-9a-f]{12}"))
    expect(chat.log.get_by_text("Reading the note…")).to_have_count(0)


def test_agree_is_written_on_the_card(demo: Sandbox, open_page: OpenPage) -> None:
    chat = open_page(demo)
    chat.say(CONSULT)
    card = chat.card()
    card.get_by_role("button", name="Agree").click()
    decided = chat.last()
    expect(decided).to_contain_text(re.compile("@Ana Ruiz agreed today at"), timeout=CARD_MS)
    expect(decided.get_by_role("button", name="Agree")).to_have_count(0)


def test_correct_asks_in_a_form_and_writes_the_answer(demo: Sandbox, open_page: OpenPage) -> None:
    chat = open_page(demo, "U0MEI")
    chat.say(CONSULT)
    chat.card().get_by_role("button", name="Correct…").click()
    form = chat.page.get_by_role("dialog", name="Correct")
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_text("Please complete this required field.")).to_have_count(2)
    form.get_by_role("radio", name="Surgery").check()
    form.get_by_role("combobox", name="Why").select_option(label="Negation misread")
    form.get_by_role("button", name="Save").click()
    expect(chat.modal).to_have_count(0)
    decided = chat.last()
    expect(decided).to_contain_text("@Mei Tanaka corrected this to Surgery", timeout=CARD_MS)
    expect(decided).to_contain_text("Negation misread")


def pdf(path: Path, text: str) -> Path:
    document = FPDF()
    document.add_page()
    document.set_font("helvetica", size=12)
    document.multi_cell(0, 6, text)
    document.output(str(path))
    return path


def test_an_uploaded_pdf_is_read(demo: Sandbox, open_page: OpenPage, tmp_path: Path) -> None:
    chat = open_page(demo, "U0LEO")
    chat.attach(pdf(tmp_path / "letter.pdf", SURGICAL))
    expect(chat.page.get_by_role("list", name="Files to send")).to_contain_text("letter.pdf")
    chat.send()
    assert re.match(CONFIDENCE, heading_of(chat.card()))


def test_two_files_at_once_get_a_card_each(
    demo: Sandbox, open_page: OpenPage, tmp_path: Path
) -> None:
    chat = open_page(demo, "U0LEO")
    note = tmp_path / "knee.txt"
    note.write_text(CONSULT)
    before = chat.log.get_by_role("article").count()
    chat.attach(pdf(tmp_path / "gallstones.pdf", SURGICAL), note)
    chat.send()
    for name in ("gallstones.pdf", "knee.txt"):
        card = chat.log.get_by_role("article").filter(has_text=f"File: {name}")
        expect(card).to_contain_text(CONFIDENCE, timeout=CARD_MS)
    assert chat.log.get_by_role("article").count() == before + 3


def test_the_command_alone_opens_a_form(demo: Sandbox, open_page: OpenPage) -> None:
    chat = open_page(demo)
    chat.go("general")
    chat.box.press_sequentially("/triage")
    chat.box.press("Enter")
    form = chat.page.get_by_role("dialog", name="Triage a note")
    note = form.get_by_role("textbox", name="Note")
    expect(note).to_be_focused()
    note.fill(SURGICAL)
    form.get_by_role("button", name="Triage").click()
    expect(chat.modal).to_have_count(0)
    row = chat.page.get_by_role("button", name=re.compile("^Referral Triage, direct messages"))
    expect(row).to_have_accessible_name(re.compile("1 unread"), timeout=CARD_MS)
    row.click()
    assert re.match(CONFIDENCE, heading_of(chat.card()))


def test_the_command_with_a_note_answers_privately(demo: Sandbox, open_page: OpenPage) -> None:
    chat = open_page(demo)
    chat.go("referrals")
    chat.say(f"/triage {CONSULT}")
    card = chat.card()
    expect(card).to_contain_text("Only visible to you")
    assert re.search(CONFIDENCE, heading_of(card))
    other = open_page(demo, "U0MEI", where="#C0REFERRALS")
    expect(other.page.get_by_role("heading", name="referrals", level=1)).to_be_visible()
    expect(other.log.get_by_text("Only visible to you")).to_have_count(0)


def mention(chat: Chat, channel: str, note: str) -> None:
    chat.go(channel)
    chat.box.press_sequentially("@ref")
    chat.page.get_by_role("option", name="Referral Triage").click()
    chat.box.press_sequentially("please read: ")
    chat.box.evaluate("(box, note) => box.setRangeText(note, box.value.length, 9999)", note)
    chat.send()


def test_a_mention_is_answered_in_its_thread(demo: Sandbox, open_page: OpenPage) -> None:
    chat = open_page(demo)
    mention(chat, "referrals", SURGICAL)
    # The thread opens by itself.
    assert re.match(CONFIDENCE, heading_of(chat.card(chat.thread)))
    expect(chat.log.get_by_role("button", name=re.compile("^1 reply")).last).to_be_visible()


def test_a_public_channel_that_is_not_listed_is_not_read(
    demo: Sandbox, open_page: OpenPage
) -> None:
    chat = open_page(demo)
    mention(chat, "general", SURGICAL)
    told = chat.page.get_by_role("article").filter(has_text="Only visible to you")
    expect(told).to_contain_text("This channel is public", timeout=CARD_MS)
    expect(told.get_by_role("button", name=re.compile("Agree|Decide"))).to_have_count(0)


def test_home_shows_the_model_and_recent_notes(demo: Sandbox, open_page: OpenPage) -> None:
    chat = open_page(demo)
    chat.say(SURGICAL)
    chat.card()
    chat.page.get_by_role("tab", name="Home").click()
    home = chat.page.get_by_role("tabpanel", name="Home")
    expect(home.get_by_role("heading", name="The model")).to_be_visible(timeout=CARD_MS)
    expect(home).to_contain_text(re.compile("Version [0-9a-f]{12} answers"))
    expect(home).to_contain_text(re.compile(f"today at .*: ({CONFIDENCE.pattern})"))
    assert "cholecystectomy" not in home.inner_text()


def test_the_shortcut_reads_somebody_elses_message(demo: Sandbox, open_page: OpenPage) -> None:
    demo.say("U0MEI", "C0REFERRALS", f"Just arrived: {CONSULT}")
    chat = open_page(demo, where="#C0REFERRALS")
    message = chat.log.get_by_role("article").filter(has_text="Just arrived").last
    message.hover()
    message.get_by_role("button", name="More actions").click()
    chat.page.get_by_role("menuitem", name="Triage this note").click()
    found = chat.page.get_by_role("article").filter(
        has=chat.page.get_by_role("button", name="Agree")
    )
    expect(found.last).to_contain_text(CONFIDENCE, timeout=CARD_MS)


def test_hostile_notes_stay_text_in_the_card(demo: Sandbox, open_page: OpenPage) -> None:
    chat = open_page(demo, "U0MEI")
    hostile = (
        "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
    )
    chat.say(f"{hostile} *Gallstones* with <!channel> `colic`. {SURGICAL} {hostile}")
    card = chat.card()
    expect(card).to_contain_text(CONFIDENCE)
    assert chat.page.locator("img[src=x], #pane script").count() == 0
    assert "owned" not in chat.page.title()


def test_nothing_slack_would_refuse_was_sent(demo: Sandbox) -> None:
    assert [str(problem) for problem in demo.problems] == []
