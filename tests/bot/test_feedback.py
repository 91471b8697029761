"""Feedback that teaches: opt-in, encrypted, deletable; a lead settles what people differ on."""

import json
import logging
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography.fernet import Fernet
from sqlalchemy import update

from bot.blocks.board import SETTLE as WORKLIST
from bot.blocks.card import AGREE, CORRECT
from bot.blocks.modals import ANSWER, FILES, NOTE, REASON
from bot.blocks.retrain_form import DATA
from bot.blocks.settle import SETTLE
from bot.sandbox.server import Sandbox
from bot.services import Services
from bot.store import open_store
from bot.store.decisions import Asked
from bot.store.labels import DAY_SECONDS
from bot.store.tables import labels
from mlops.cli import triage
from mlops.data import read_records
from mlops.errors import DataError, SettingsError
from mlops.result import Recommendation
from mlops.settings import get_settings
from tests import documents
from tests.bot.retrains import CHANNEL, cards, choose, open_form, results, until
from tests.bot.running import (
    CONSULT,
    SURGICAL,
    Json,
    answer,
    answers,
    bots,
    running,
    settings_for,
    words,
)
from tests.bot.test_home import home_of
from tests.bot.test_privacy import CANARY, NOTE_TEXT, everything_below
from tests.bot.test_verdicts import Sure, decided, form

KEY = Fernet.generate_key().decode()
OPTED_IN: Json = {"triage_keep_notes": True, "triage_notes_key": KEY}


def kept(bot: Services, count: int = 1) -> list[Any]:
    """Wait until so many notes are kept; they."""

    def found() -> list[Any]:
        there = bot.store.labels.all()
        return there if len(there) >= count else []

    return wait(found)


def wait(found: Any) -> Any:
    deadline = time.monotonic() + 10
    while not (there := found()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return there


@pytest.fixture
def bot(slack: Sandbox, home: Path) -> Any:
    with running(slack, home, Sure(), **OPTED_IN) as services:
        yield services
    assert slack.problems == []


def agree_to(slack: Sandbox, user: str, channel: str) -> Json:
    card = answers(slack, channel)[-1]
    slack.click(user, channel, card["ts"], AGREE)
    return card


def correct(slack: Sandbox, user: str, channel: str, ts: str, right: str) -> None:
    slack.click(user, channel, ts, CORRECT)
    view = form(slack, user)["id"]
    slack.submit(user, view, {ANSWER: right, REASON: "history"})


def test_a_note_agreed_to_is_kept_as_ciphertext(slack: Sandbox, bot: Services, home: Path) -> None:
    slack.say("U0ANA", "D0ANA", NOTE_TEXT)
    agree_to(slack, "U0ANA", "D0ANA")
    (label,) = kept(bot)
    assert (label.label, label.user, label.sender) == ("Surgery", "U0ANA", "U0ANA")
    assert label.expires - label.created == pytest.approx(365 * DAY_SECONDS)
    (record,) = bot.store.labels.records()
    assert (record.text, record.label, record.source) == (NOTE_TEXT, "Surgery", "correction")
    assert CANARY.encode() not in everything_below(home)
    assert CANARY not in repr(record)


def test_a_correction_is_the_label(slack: Sandbox, bot: Services) -> None:
    slack.say("U0ANA", "C0REFERRALS", f"<@U0BOT> {SURGICAL}")
    card = answer(slack, "C0REFERRALS")
    correct(slack, "U0MEI", "C0REFERRALS", card["ts"], "Consultation")
    (label,) = kept(bot)
    assert (label.label, label.user, label.sender) == ("Consultation", "U0MEI", "U0ANA")


def test_what_nobody_can_tell_is_no_label(slack: Sandbox, bot: Services) -> None:
    slack.say("U0ANA", "C0REFERRALS", f"<@U0BOT> {SURGICAL}")
    card = answer(slack, "C0REFERRALS")
    correct(slack, "U0MEI", "C0REFERRALS", card["ts"], "Cannot tell")
    decided(slack, "C0REFERRALS")
    assert bot.store.labels.all() == []


def test_nothing_is_kept_without_the_opt_in(slack: Sandbox, home: Path) -> None:
    with running(slack, home, Sure(), triage_notes_key=KEY) as bot:
        slack.say("U0ANA", "D0ANA", NOTE_TEXT)
        agree_to(slack, "U0ANA", "D0ANA")
        decided(slack, "D0ANA")
        assert bot.store.labels.all() == []
        assert bot.texts.get(bot.store.decisions.recent("U0ANA", 1)[0].id) is None
        assert "never the text" in home_of(slack, "U0ANA")


@pytest.mark.parametrize("way", ["message", "mention in a thread", "file", "form's file"])
def test_the_note_is_read_again_where_memory_has_let_it_go(
    slack: Sandbox, home: Path, bot: Services, way: str
) -> None:
    """As after a restart, or when another process answered."""
    channel = "D0ANA"
    if way == "message":
        slack.say("U0ANA", "D0ANA", SURGICAL)
    elif way == "file":
        letter = slack.upload("U0ANA", "letter.pdf", documents.pdf(SURGICAL))
        slack.say("U0ANA", "D0ANA", files=[letter])
    elif way == "form's file":
        slack.command("U0ANA", "D0ANA", "/triage")
        view = form(slack, "U0ANA")["id"]
        letter = slack.upload("U0ANA", "letter.txt", SURGICAL.encode())
        slack.submit("U0ANA", view, {FILES: [letter]})
    else:
        channel = "C0REFERRALS"
        ts = slack.say("U0MEI", channel, SURGICAL)
        slack.say("U0ANA", channel, "<@U0BOT> please triage this", thread_ts=ts)
    card = answers(slack, channel)[-1]
    bot.texts._kept.clear()
    slack.click("U0ANA", channel, card["ts"], AGREE)
    kept(bot)
    (record,) = bot.store.labels.records()
    assert record.text.split() == SURGICAL.split()


def test_words_that_were_in_memory_only_are_not_kept(
    slack: Sandbox, bot: Services, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "bot.learning")
    slack.command("U0ANA", "D0ANA", "/triage")
    slack.submit("U0ANA", form(slack, "U0ANA")["id"], {NOTE: SURGICAL, FILES: []})
    card = answer(slack, "D0ANA")
    bot.texts._kept.clear()
    slack.click("U0ANA", "D0ANA", card["ts"], AGREE)
    decided(slack, "D0ANA")
    wait(lambda: "it was not kept" in caplog.text)
    assert bot.store.labels.all() == []


def test_deleted_by_note_and_by_person_and_when_time_is_over(
    slack: Sandbox, bot: Services, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def said(*arguments: str) -> Any:
        done = CliRunner().invoke(triage, ["feedback", *arguments])
        assert done.exit_code == 0, done.output
        return done.stdout

    for number, user in enumerate(("U0ANA", "U0MEI", "U0LEO", "U0IDA"), 1):
        channel = f"D0{user[2:]}"
        slack.say(user, channel, f"{NOTE_TEXT} Number {number}.")
        agree_to(slack, user, channel)
        kept(bot, number)
    listed = json.loads(said("list", "--json"))
    assert [label["sender"] for label in listed] == ["U0IDA", "U0LEO", "U0MEI", "U0ANA"]
    assert CANARY not in said("list")
    assert said("delete", "--person", "U0ANA") == "1 note is deleted.\n"
    assert said("delete", "--note", listed[2]["id"]) == "1 note is deleted.\n"
    assert said("delete", "--note", "nonsense") == "0 notes are deleted.\n"
    assert [label.user for label in bot.store.labels.all()] == ["U0IDA", "U0LEO"]
    with bot.store._engine.begin() as connection:
        connection.execute(update(labels).where(labels.c.user_id == "U0LEO").values(expires=1.0))
    assert [r.id for r in bot.store.labels.records()] == [f"correction-{listed[0]['id']}"]
    assert said("purge") == "1 note is deleted.\n"
    assert said("purge", "--all") == "1 note is deleted.\n"
    assert said("list") == "No note is kept.\n"
    deleted = [line for line in results(bot) if line[1] == "delete notes"]
    assert [line[2] for line in deleted] == ["1 deleted", "1 deleted", "0 deleted", "1 deleted"]
    assert CliRunner().invoke(triage, ["feedback", "delete"]).exit_code == 2


def differ(slack: Sandbox, bot: Services) -> None:
    """Two people send the same letter and answer differently."""
    slack.say("U0ANA", "C0REFERRALS", f"<@U0BOT> {NOTE_TEXT}")
    agree_to(slack, "U0ANA", "C0REFERRALS")
    kept(bot)
    slack.say("U0MEI", "D0MEI", NOTE_TEXT)
    card = answer(slack, "D0MEI")
    correct(slack, "U0MEI", "D0MEI", card["ts"], "Consultation")
    kept(bot, 2)


@pytest.mark.parametrize(
    ("answer", "left"),
    [("Consultation", ["Consultation"]), ("Surgery", ["Surgery"]), ("Cannot tell", [])],
)
def test_a_lead_settles_what_people_differ_on(
    slack: Sandbox, bot: Services, answer: str, left: list[str]
) -> None:
    differ(slack, bot)
    assert bot.store.labels.records() == []
    assert "People differ on one note" in home_of(slack, "U0LEO")
    home = slack.home("U0LEO")
    assert home is not None
    slack.click_view("U0LEO", home["id"], WORKLIST)
    slack.wait_for(lambda: "<@U0ANA>" in words((slack.views("U0LEO") or [{}])[0].get("blocks", [])))
    view = slack.views("U0LEO")[0]
    said = words(view["blocks"])
    assert "<@U0ANA> *Surgery*" in said
    assert "<@U0MEI> *Consultation*" in said
    assert CANARY not in str(view)
    assert CliRunner().invoke(triage, ["feedback", "disagreements"]).stdout.count("U0") == 2
    slack.click_view("U0LEO", view["id"], SETTLE[answer])
    slack.wait_for(lambda: "Nobody differs" in words(slack.views("U0LEO")[0]["blocks"]))
    assert [record.label for record in bot.store.labels.records()] == left
    assert ("U0LEO", "settle", answer) in results(bot)
    # What is settled stays so for the same text.
    slack.say("U0IDA", "D0IDA", NOTE_TEXT)
    agree_to(slack, "U0IDA", "D0IDA")
    decided(slack, "D0IDA")
    assert [record.label for record in bot.store.labels.records()] == left
    assert bot.store.disagreements.open() == []
    views = [request.payload for request in slack.requests if "view" in request.method]
    assert CANARY not in str(views)


def test_somebody_who_is_no_lead_settles_nothing(slack: Sandbox, bot: Services) -> None:
    differ(slack, bot)
    (open_one,) = bot.store.disagreements.open()
    rows = [
        {"type": "button", "text": {"type": "plain_text", "text": "Go"}, "action_id": id}
        | {"value": open_one.decision}
        for id in (WORKLIST, SETTLE["Surgery"])
    ]
    blocks = [{"type": "actions", "elements": rows}]
    bot.slack.client.chat_postMessage(channel="C0GENERAL", text="Look", blocks=blocks)
    ts = bots(slack, "C0GENERAL")[0]["ts"]
    for id in (WORKLIST, SETTLE["Surgery"]):
        slack.click("U0ANA", "C0GENERAL", ts, id)
    slack.wait_for(lambda: len(results(bot)) == 2)
    assert {line[2] for line in results(bot)} == {"refused: not a lead"}
    assert bot.store.disagreements.open() == [open_one]


def test_somebody_who_comes_second_and_sees_it_differently(slack: Sandbox, bot: Services) -> None:
    """Both had the card open; the first word counts, and that they differ is known."""
    slack.say("U0ANA", "C0REFERRALS", f"<@U0BOT> {SURGICAL}")
    card = answer(slack, "C0REFERRALS")
    slack.click("U0MEI", "C0REFERRALS", card["ts"], CORRECT)
    view = form(slack, "U0MEI")["id"]
    slack.click("U0ANA", "C0REFERRALS", card["ts"], AGREE)
    decided(slack, "C0REFERRALS")
    slack.submit("U0MEI", view, {ANSWER: "Consultation", REASON: "history"})
    (open_one,) = wait(bot.store.disagreements.open)
    assert [(o.user, o.answer) for o in open_one.opinions] == [
        ("U0ANA", "Surgery"),
        ("U0MEI", "Consultation"),
    ]


def test_the_home_tab_and_the_form_say_that_notes_are_kept(slack: Sandbox, bot: Services) -> None:
    assert "encrypted, for 365 days" in home_of(slack, "U0ANA")
    slack.command("U0ANA", "D0ANA", "/triage")
    assert "encrypted, for 365 days" in words(form(slack, "U0ANA")["blocks"])


def test_another_key_reads_nothing_and_an_older_one_beside_it_does(
    slack: Sandbox, home: Path, bot: Services
) -> None:
    slack.say("U0ANA", "D0ANA", NOTE_TEXT)
    agree_to(slack, "U0ANA", "D0ANA")
    kept(bot)
    new = Fernet.generate_key().decode()
    for keys, readable in ((new, False), (f"{new},{KEY}", True)):
        store = open_store(settings_for(slack, home, **OPTED_IN | {"triage_notes_key": keys}))
        try:
            if readable:
                assert len(store.labels.records()) == 1
            else:
                with pytest.raises(DataError, match="1 of 1 kept notes can't be read"):
                    store.labels.records()
        finally:
            store.close()


@pytest.mark.parametrize(
    "key", [None, "short", f"{KEY},nonsense"], ids=["none", "short", "nonsense"]
)
def test_without_a_key_the_bot_does_not_start(slack: Sandbox, home: Path, key: Any) -> None:
    with pytest.raises(SettingsError, match="triage feedback key") as raised:
        open_store(settings_for(slack, home, triage_keep_notes=True, triage_notes_key=key))
    assert key is None or key not in str(raised.value)


def test_a_new_key_is_one() -> None:
    made = CliRunner().invoke(triage, ["feedback", "key"]).stdout.strip()
    assert Fernet(made).decrypt(Fernet(made).encrypt(b"x")) == b"x"


def keep_some(bot: Services, count: int = 8) -> None:
    """Notes with a verdict, as if people had sent them one by one."""
    for number in range(count):
        said: Any = ("Surgery", "Consultation")[number % 2]
        note = (SURGICAL, CONSULT)[number % 2]
        text = f"{note} {CANARY} {'again ' * number}number {number}."
        answer = Recommendation(str(number), said, 0.9, 0.9, "referral", (), "0123456789ab")
        bot.store.decisions.record(str(number), text, answer, Asked("message", "U0ANA", "D0ANA"), 9)
        bot.store.decisions.judge(str(number), "agreed", said, None, "U0ANA")
        assert bot.store.labels.keep(str(number), "U0ANA", "U0ANA", said, text)


def test_a_retrain_learns_from_them_and_leaves_no_text(slack: Sandbox, bot: Services) -> None:
    keep_some(bot)
    home = bot.settings.triage_home
    view = open_form(slack)
    choose(slack, view, DATA, "corrections")
    assert slack.submit("U0LEO", view, {}) == {}
    (run,) = slack.wait_for(lambda: bot.store.retrains.latest(1))
    until(slack, bot, run.id, "training")
    # What trains has to be able to read it.
    assert CANARY.encode() in everything_below(home)
    now = until(slack, bot, run.id, "comparing", "same", "failed")
    assert now.failure is None
    assert now.findings["data"]["sources"]["correction"] == 8
    assert "corrections and the shipped corpus" in words(cards(slack, CHANNEL))
    assert len(bot.backend.versions()) == 2
    bot.store.retrains.request_stop(now, "U0LEO")
    until(slack, bot, run.id, "stopped", "waiting", "refused")
    slack.wait_for(lambda: not (home / "private").exists(), 20)
    assert CANARY.encode() not in everything_below(home)


def test_a_retrain_without_any_says_so(slack: Sandbox, bot: Services) -> None:
    view = open_form(slack)
    choose(slack, view, DATA, "corrections")
    slack.submit("U0LEO", view, {})
    (run,) = slack.wait_for(lambda: bot.store.retrains.latest(1))
    assert "Nobody has agreed to" in (until(slack, bot, run.id, "failed").failure or "")


def test_without_the_opt_in_the_form_does_not_offer_them(slack: Sandbox, home: Path) -> None:
    with running(slack, home, Sure()) as bot:
        view = open_form(slack)
        assert "Corrections" not in words(slack.views("U0LEO")[0]["blocks"])
        forged = {"type": "radio_buttons", "selected_option": {"value": "corrections"}}
        slack.submit("U0LEO", view, {DATA: {DATA: forged}})
        (run,) = slack.wait_for(lambda: bot.store.retrains.latest(1))
        assert "TRIAGE_KEEP_NOTES" in (until(slack, bot, run.id, "failed").failure or "")


def test_a_dataset_for_the_terminal(
    bot: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build() -> str:
        get_settings.cache_clear()
        arguments = ["feedback", "dataset", "--output", str(tmp_path / "made")]
        done = CliRunner().invoke(triage, arguments)
        return done.output

    assert "keeps no notes" in build()
    monkeypatch.setenv("TRIAGE_KEEP_NOTES", "1")
    monkeypatch.setenv("TRIAGE_NOTES_KEY", KEY)
    assert "Nobody has agreed to" in build()
    keep_some(bot, 2)
    assert "holds 2 kept notes" in build()
    found = [r for p in (tmp_path / "made").glob("*.jsonl") for r in read_records(p)]
    assert sum(record.source == "correction" for record in found) == 2
