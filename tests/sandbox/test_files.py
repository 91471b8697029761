"""Files: from a person to the bot, from the bot to a channel, and who may read them."""

import urllib.error
import urllib.request

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.sandbox.server import Sandbox


def fetch(url: str, token: str = "") -> tuple[str, bytes]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=5) as answer:
        return answer.headers["Content-Type"], answer.read()


def test_the_bot_reads_what_a_person_uploads(slack: Sandbox, client: WebClient) -> None:
    data = bytes(range(256)) * 10
    file = slack.upload("U0ANA", "scan.pdf", data)
    slack.say("U0ANA", "D0ANA", files=[file])
    described = client.files_info(file=file)["file"]
    assert described["mimetype"] == "application/pdf"
    for name in ("url_private", "url_private_download"):
        assert fetch(described[name], slack.bot_token) == ("application/pdf", data)


def test_without_the_right_token_there_is_a_sign_in_page(slack: Sandbox, client: WebClient) -> None:
    file = slack.upload("U0ANA", "note.txt", b"CANARY")
    url = client.files_info(file=file)["file"]["url_private"]
    for token in ("", "xoxb-wrong", slack.app_token):
        kind, body = fetch(url, token)
        assert kind.startswith("text/html")
        assert body.startswith(b"<!DOCTYPE html>")
        assert b"CANARY" not in body


def test_without_the_scope_there_is_a_sign_in_page_too() -> None:
    with Sandbox(scopes=frozenset({"chat:write"})) as slack:
        file = slack.upload("U0ANA", "note.txt", b"CANARY")
        slack.say("U0ANA", "D0ANA", files=[file])
        (message,) = slack.messages("D0ANA", "U0ANA")
        kind, body = fetch(message["files"][0]["url_private"], slack.bot_token)
        assert kind.startswith("text/html")
        assert b"CANARY" not in body


def test_the_bot_uploads_in_three_steps(slack: Sandbox, client: WebClient) -> None:
    answer = client.files_upload_v2(
        channel="C0REFERRALS",
        filename="report.csv",
        content="a,b\n1,2\n",
        title="Report",
        initial_comment="Here it is",
    )
    (message,) = slack.messages("C0REFERRALS")
    assert message["text"] == "Here it is"
    (shared,) = message["files"]
    assert (shared["id"], shared["title"]) == (answer["file"]["id"], "Report")
    assert fetch(shared["url_private"], slack.bot_token)[1] == b"a,b\n1,2\n"


def test_an_upload_that_is_not_finished_is_no_file(slack: Sandbox, client: WebClient) -> None:
    step = client.files_getUploadURLExternal(filename="a.txt", length=3)
    with pytest.raises(SlackApiError, match="file_not_found"):
        client.files_info(file=step["file_id"])
    with pytest.raises(SlackApiError, match="file_not_found"):
        client.files_completeUploadExternal(files=[{"id": step["file_id"]}])
    with pytest.raises(SlackApiError, match="invalid_arguments"):
        client.files_getUploadURLExternal(filename="a.txt", length=0)
    with pytest.raises(SlackApiError, match="file_upload_size_restricted"):
        client.files_getUploadURLExternal(filename="a.txt", length=10**10)


def test_a_download_can_fail_in_many_ways(slack: Sandbox, client: WebClient) -> None:
    file = slack.upload("U0ANA", "note.txt", b"text")
    url = client.files_info(file=file)["file"]["url_private"]
    slack.fail_next("files.download", status=500)
    with pytest.raises(urllib.error.HTTPError, match="500"):
        fetch(url, slack.bot_token)
    assert fetch(url, slack.bot_token)[1] == b"text"
    with pytest.raises(urllib.error.HTTPError, match="404"):
        fetch(url.replace(file.lower(), "f0gone"), slack.bot_token)


def test_a_file_of_somebody_else_cannot_be_shared(slack: Sandbox) -> None:
    file = slack.upload("U0ANA", "note.txt", b"text")
    with pytest.raises(Exception, match="That file is gone"):
        slack.say("U0LEO", "C0GENERAL", files=[file])


def page_file(slack: Sandbox, file: str, user: str) -> tuple[int, str, str, bytes]:
    """As the page asks for it: status, media type, disposition, bytes."""
    request = urllib.request.Request(f"{slack.url}/sandbox/file/{file}?user={user}")
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            headers = answer.headers
            disposition = headers.get("Content-Disposition", "")
            return answer.status, headers.get_content_type(), disposition, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, "", "", error.read()


@pytest.mark.parametrize(
    ("name", "kind", "saved"),
    [
        ("roc.png", "image/png", False),
        ("report.html", "text/html", True),
        ("drawing.svg", "image/svg+xml", True),
    ],
)
def test_the_page_shows_images_and_saves_the_rest(
    slack: Sandbox, client: WebClient, name: str, kind: str, saved: bool
) -> None:
    """A page or a drawing of the app's could hold scripts; here they never run."""
    data = b"<script>alert(1)</script>"
    answer = client.files_upload_v2(channel="G0SURGERY", filename=name, content=data)
    file = answer["file"]["id"]
    status, found, disposition, body = page_file(slack, file, "U0ANA")
    assert (status, found, body) == (200, kind, data)
    assert disposition.startswith("attachment") == saved
    # Somebody who isn't in the conversation has no such file.
    assert page_file(slack, file, "U0MEI")[0] == 404
    assert page_file(slack, "F0NONE", "U0ANA")[0] == 404
    assert b"alert" not in page_file(slack, file, "U0MEI")[3]
