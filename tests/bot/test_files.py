"""Files: each gets its own answer, or the sentence that says why it can't be read."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from bot import messages
from bot.files import fetch_document, may_have_token
from bot.sandbox.seed import SCOPES
from bot.sandbox.server import Sandbox
from bot.services import Services
from bot.slack import Slack
from mlops.classifier import LocalClassifier
from mlops.documents import MAX_FILE_BYTES
from mlops.errors import NoteError
from tests import documents
from tests.bot.running import (
    CONSULT,
    SURGICAL,
    answer,
    answers,
    bots,
    is_card,
    running,
    settings_for,
    settle,
    words,
)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("letter.txt", SURGICAL.encode()),
        ("letter.pdf", documents.pdf(SURGICAL)),
        ("letter.docx", documents.word(SURGICAL)),
    ],
)
def test_every_kind_of_file_is_read(slack: Sandbox, bot: Services, name: str, data: bytes) -> None:
    slack.say("U0ANA", "D0ANA", files=[slack.upload("U0ANA", name, data)])
    card = answer(slack, "D0ANA")
    assert is_card(card)
    assert f"File: {name}" in words(card)
    settle()
    assert len(bots(slack, "D0ANA")) == 1


def test_several_files_get_a_card_each_in_their_order(slack: Sandbox, bot: Services) -> None:
    names = ["one.txt", "two.pdf", "three.docx"]
    data = [SURGICAL.encode(), documents.pdf(CONSULT), documents.word(SURGICAL)]
    files = [slack.upload("U0ANA", n, d) for n, d in zip(names, data, strict=True)]
    slack.say("U0ANA", "D0ANA", "please triage these", files=files)
    cards = answers(slack, "D0ANA", 3)
    for card, name in zip(cards, names, strict=True):
        assert is_card(card)
        assert f"File: {name}" in words(card)


def test_words_that_are_a_note_get_a_card_beside_the_file(slack: Sandbox, bot: Services) -> None:
    file = slack.upload("U0ANA", "knee.txt", CONSULT.encode())
    slack.say("U0ANA", "D0ANA", SURGICAL, files=[file])
    first, second = answers(slack, "D0ANA", 2)
    assert "File:" not in words(first)
    assert "File: knee.txt" in words(second)


def test_a_mention_with_a_file_is_answered_once(slack: Sandbox, bot: Services) -> None:
    file = slack.upload("U0ANA", "knee.txt", CONSULT.encode())
    ts = slack.say("U0ANA", "C0REFERRALS", "<@U0BOT> please read this", files=[file])
    assert answer(slack, "C0REFERRALS")["thread_ts"] == ts
    settle()
    assert len(bots(slack, "C0REFERRALS")) == 1


def test_a_long_paste_comes_as_a_snippet(slack: Sandbox, bot: Services) -> None:
    slack.say("U0ANA", "D0ANA", (SURGICAL + "\n") * 60)
    assert is_card(answer(slack, "D0ANA"))


BAD = {
    "blank": ("note.txt", b" \n\t\n", "empty"),
    "junk": ("note.txt", documents.junk(), "Nothing was classified or kept"),
    "encrypted": ("note.pdf", documents.encrypted_pdf(SURGICAL, "secret"), "password"),
    "no-text": ("scan.pdf", documents.pdf(""), "no text"),
    "not-docx": ("note.docx", b"This is no Word document at all.", "not a Word document"),
    "utf-8": ("note.txt", b"\xff\x81\x8d\x8f\x90\x9d" * 50, "UTF-8"),
    "bomb": ("note.docx", documents.zip_bomb(150), "not a Word document"),
    "long": ("note.txt", b"word " * 1_000_000, "characters"),
}


@pytest.mark.parametrize(("name", "data", "expected"), BAD.values(), ids=BAD)
def test_a_bad_file_gets_its_sentence(
    slack: Sandbox, bot: Services, name: str, data: bytes, expected: str
) -> None:
    slack.say("U0ANA", "D0ANA", files=[slack.upload("U0ANA", name, data)])
    told = answer(slack, "D0ANA")
    assert not is_card(told)
    assert expected in words(told)
    assert f"File: {name}" in words(told)
    assert bot.store.decisions.recent("U0ANA", 5) == []


def test_a_bad_file_among_good_ones_costs_only_itself(slack: Sandbox, bot: Services) -> None:
    files = [
        slack.upload("U0ANA", "junk.txt", documents.junk()),
        slack.upload("U0ANA", "knee.txt", CONSULT.encode()),
    ]
    slack.say("U0ANA", "D0ANA", files=files)
    bad, good = answers(slack, "D0ANA", 2)
    assert not is_card(bad)
    assert is_card(good)


UNREADABLE = {
    "3-words": "left knee pain",
    "german": "Der Patient klagt seit drei Wochen über Schmerzen im linken Knie nach der Arbeit. "
    "Kein Erguss, freie Beweglichkeit. Wir bitten um Mitbeurteilung und Therapie.",
    "recipe": "Preheat the oven to 180 degrees. Mix the flour with two eggs, sugar and butter, "
    "fold in the chocolate, pour into a tin and bake for forty minutes. Serve with cream.",
}


@pytest.mark.parametrize("text", UNREADABLE.values(), ids=UNREADABLE)
def test_what_is_no_note_needs_review(slack: Sandbox, bot: Services, text: str) -> None:
    slack.say("U0ANA", "D0ANA", text)
    card = answer(slack, "D0ANA")
    assert card["text"] == messages.headline("Needs review", None)
    shown = words(card)
    assert messages.review_unreadable() in shown
    assert ":warning:" in shown
    assert "confidence" not in shown


def test_the_sign_in_page_names_the_missing_scope(home: Path, model: LocalClassifier) -> None:
    with (
        Sandbox(scopes=SCOPES - {"files:read"}) as slack,
        running(slack, home, model),
    ):
        slack.say("U0ANA", "D0ANA", files=[slack.upload("U0ANA", "a.txt", SURGICAL.encode())])
        assert "files:read" in words(answer(slack, "D0ANA"))


@pytest.mark.parametrize(("status", "expected"), [(404, "not there any more"), (500, "HTTP 500")])
def test_a_failed_download_gets_its_sentence(
    slack: Sandbox, bot: Services, status: int, expected: str
) -> None:
    slack.fail_next("files.download", status=status)
    slack.say("U0ANA", "D0ANA", files=[slack.upload("U0ANA", "a.txt", SURGICAL.encode())])
    assert expected in words(answer(slack, "D0ANA"))


class _Thief(BaseHTTPRequestHandler):
    """Another server, which must never see the token."""

    seen: list[str]

    def do_GET(self) -> None:
        type(self).seen.append(str(self.headers.get("Authorization")))
        if self.path.startswith("/redirect"):
            self.send_response(302)
            self.send_header("Location", self.path.partition("?to=")[2])
            self.end_headers()
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"x" * 1000)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def elsewhere() -> Iterator[str]:
    _Thief.seen = []
    server = HTTPServer(("127.0.0.1", 0), _Thief)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def file_at(url: str, **more: object) -> dict[str, object]:
    return {"id": "F1", "name": "a.txt", "mimetype": "text/plain", "url_private": url, **more}


def test_the_token_goes_to_slack_alone(slack: Sandbox, home: Path, elsewhere: str) -> None:
    client = Slack(settings_for(slack, home))
    with pytest.raises(NoteError, match="not stored in Slack"):
        fetch_document(client, file_at(f"{elsewhere}/a.txt"))
    assert _Thief.seen == []


def test_the_token_does_not_follow_a_redirect(home: Path, elsewhere: str, slack: Sandbox) -> None:
    """A file server that redirects to another host gets no second request."""
    settings = settings_for(slack, home, slack_api_url=f"{elsewhere}/api/")
    url = f"{elsewhere}/redirect?to=http://localhost:1/a.txt"
    with pytest.raises(NoteError, match="not stored in Slack"):
        fetch_document(Slack(settings), file_at(url))
    assert len(_Thief.seen) == 1


def test_size_is_checked_before_and_while_reading(
    slack: Sandbox, home: Path, monkeypatch: pytest.MonkeyPatch, elsewhere: str
) -> None:
    settings = settings_for(slack, home, slack_api_url=f"{elsewhere}/api/")
    client = Slack(settings)
    with pytest.raises(NoteError, match="MB"):
        fetch_document(client, file_at(f"{elsewhere}/a.txt", size=MAX_FILE_BYTES + 1))
    assert _Thief.seen == []
    monkeypatch.setattr("bot.files.MAX_FILE_BYTES", 500)
    with pytest.raises(NoteError, match="MB"):
        fetch_document(client, file_at(f"{elsewhere}/a.txt", size=10))


@pytest.mark.parametrize("more", [{"mode": "tombstone"}, {"mode": "hidden_by_limit"}])
def test_a_file_that_is_gone(slack: Sandbox, home: Path, more: dict[str, str]) -> None:
    with pytest.raises(NoteError, match="not there any more"):
        fetch_document(Slack(settings_for(slack, home)), {"id": "F1", **more})


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://files.slack.com/files-pri/T1-F1/a.pdf", True),
        ("https://acme.enterprise.slack.com/files/a.pdf", True),
        ("http://files.slack.com/a.pdf", False),
        ("https://files.slack.com.example.org/a.pdf", False),
        ("https://notslack.com/a.pdf", False),
        ("https://user@example.org#files.slack.com", False),
        ("https://[bad", False),
        ("", False),
    ],
)
def test_which_hosts_are_slack(url: str, allowed: bool) -> None:
    assert may_have_token(url, "https://slack.com/api/") is allowed
