"""The Web API as the SDK reads it: what works, and each error with Slack's own code."""

import json
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler

from bot.sandbox.server import Sandbox
from bot.sandbox.table import METHODS
from tests.sandbox.conftest import EVERY_SCOPE, client_of

SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "hello"}}
MODAL = {
    "type": "modal",
    "title": {"type": "plain_text", "text": "Title"},
    "blocks": [SECTION],
}


def error_of(call: Callable[[], Any]) -> str:
    with pytest.raises(SlackApiError) as caught:
        call()
    return str(caught.value.response["error"])


def test_the_sandbox_knows_who_the_bot_is(client: WebClient) -> None:
    answer = client.auth_test()
    assert (answer["user_id"], answer["bot_id"], answer["team_id"]) == (
        "U0BOT",
        "B0BOT",
        "T0SANDBOX",
    )
    assert "chat:write" in answer.headers["x-oauth-scopes"]


def test_post_update_and_delete(slack: Sandbox, client: WebClient) -> None:
    posted = client.chat_postMessage(channel="#referrals", text="one", blocks=[SECTION])
    assert posted["channel"] == "C0REFERRALS"
    ts = posted["ts"]
    (block,) = posted["message"]["blocks"]
    assert block["block_id"]
    assert block["text"]["verbatim"] is False
    assert posted["message"]["bot_id"] == "B0BOT"

    updated = client.chat_update(channel="C0REFERRALS", ts=ts, text="two")
    assert updated["text"] == "two"
    (message,) = slack.messages("C0REFERRALS")
    assert message["text"] == "two"
    assert message["edited"]["user"] == "B0BOT"
    assert message["blocks"], "blocks that are not sent stay"
    client.chat_update(channel="C0REFERRALS", ts=ts, text="three", blocks=[])
    assert "blocks" not in slack.messages("C0REFERRALS")[0]

    client.chat_delete(channel="C0REFERRALS", ts=ts)
    assert slack.messages("C0REFERRALS") == []
    assert slack.problems == []


def test_a_message_to_a_person_goes_to_their_direct_message(client: WebClient) -> None:
    assert client.chat_postMessage(channel="U0ANA", text="hello")["channel"] == "D0ANA"
    assert client.conversations_open(users="U0ANA")["channel"]["id"] == "D0ANA"


def test_an_ephemeral_message_is_for_one(slack: Sandbox, client: WebClient) -> None:
    ts = client.chat_postEphemeral(channel="C0REFERRALS", user="U0ANA", text="psst")["message_ts"]
    (seen,) = slack.messages("C0REFERRALS", "U0ANA")
    assert seen["is_ephemeral"]
    assert slack.messages("C0REFERRALS", "U0LEO") == slack.messages("C0REFERRALS") == []
    assert client.conversations_history(channel="C0REFERRALS")["messages"] == []
    assert error_of(lambda: client.chat_update(channel="C0REFERRALS", ts=ts, text="x")) == (
        "message_not_found"
    )


def test_threads_and_history(slack: Sandbox, client: WebClient) -> None:
    first = slack.say("U0ANA", "C0REFERRALS", "a note")
    reply = client.chat_postMessage(channel="C0REFERRALS", text="an answer", thread_ts=first)["ts"]
    # A reply to a reply lands in the thread of the first message.
    client.chat_postMessage(channel="C0REFERRALS", text="another", thread_ts=reply)
    (parent,) = client.conversations_history(channel="C0REFERRALS")["messages"]
    assert (parent["ts"], parent["reply_count"]) == (first, 2)
    replies = client.conversations_replies(channel="C0REFERRALS", ts=first)["messages"]
    assert [m["text"] for m in replies] == ["a note", "an answer", "another"]
    assert {m["thread_ts"] for m in replies} == {first}
    link = client.chat_getPermalink(channel="C0REFERRALS", message_ts=first)["permalink"]
    assert link.startswith(slack.url)


def test_lists_come_in_pages_that_the_sdk_follows(slack: Sandbox, client: WebClient) -> None:
    for index in range(5):
        client.chat_postMessage(channel="D0ANA", text=str(index))
    pages = [
        ([m["text"] for m in page["messages"]], page["has_more"])
        for page in client.conversations_history(channel="D0ANA", limit=2)
    ]
    assert pages == [(["4", "3"], True), (["2", "1"], True), (["0"], False)]
    kinds = "public_channel,private_channel,im"
    channels = [
        c["id"]
        for page in client.conversations_list(types=kinds, limit=2)
        for c in page["channels"]
    ]
    assert channels == [
        "C0REFERRALS", "C0GENERAL", "G0SURGERY", "D0ANA", "D0LEO", "D0MEI", "D0IDA",
    ]  # fmt: skip
    people = [p["id"] for page in client.users_list(limit=3) for p in page["members"]]
    assert people == ["U0ANA", "U0LEO", "U0MEI", "U0IDA", "U0BOT"]


def test_people_groups_and_conversations(client: WebClient) -> None:
    assert client.users_info(user="U0ANA")["user"]["real_name"] == "Ana Ruiz"
    assert client.users_info(user="U0BOT")["user"]["is_bot"]
    assert client.usergroups_users_list(usergroup="S0LEADS")["users"] == ["U0LEO", "U0IDA"]
    assert client.usergroups_list(include_users=True)["usergroups"][0]["users"] == [
        "U0LEO",
        "U0IDA",
    ]
    info = client.conversations_info(channel="G0SURGERY", include_num_members=True)["channel"]
    assert (info["is_private"], info["is_channel"], info["num_members"]) == (True, False, 4)
    assert client.conversations_info(channel="D0MEI")["channel"]["user"] == "U0MEI"
    assert client.conversations_info(channel="C0GENERAL")["channel"]["is_general"]
    assert set(client.conversations_members(channel="G0SURGERY")["members"]) == {
        "U0ANA",
        "U0LEO",
        "U0IDA",
        "U0BOT",
    }
    assert client.bots_info(bot="B0BOT")["bot"]["user_id"] == "U0BOT"
    assert client.team_info()["team"]["id"] == "T0SANDBOX"
    assert client.users_conversations()["channels"][0]["id"] == "C0REFERRALS"


def test_reactions(slack: Sandbox, client: WebClient) -> None:
    ts = slack.say("U0ANA", "C0REFERRALS", "a note")
    where = {"channel": "C0REFERRALS", "timestamp": ts, "name": "eyes"}
    client.reactions_add(**where)
    assert error_of(lambda: client.reactions_add(**where)) == "already_reacted"
    message = client.reactions_get(channel="C0REFERRALS", timestamp=ts)["message"]
    assert message["reactions"] == [{"name": "eyes", "users": ["U0BOT"], "count": 1}]
    client.reactions_remove(**where)
    assert error_of(lambda: client.reactions_remove(**where)) == "no_reaction"
    assert "reactions" not in slack.messages("C0REFERRALS")[0]


def test_the_assistant_says_what_it_does_until_it_answers(
    slack: Sandbox, client: WebClient
) -> None:
    ts = slack.say("U0ANA", "D0ANA", "a note")
    client.assistant_threads_setStatus(channel_id="D0ANA", thread_ts=ts, status="is reading")
    assert slack.status("D0ANA", ts) == "is reading"
    client.chat_postMessage(channel="D0ANA", thread_ts=ts, text="done")
    assert slack.status("D0ANA", ts) == ""
    client.assistant_threads_setTitle(channel_id="D0ANA", thread_ts=ts, title="A note")
    client.assistant_threads_setSuggestedPrompts(
        channel_id="D0ANA", thread_ts=ts, prompts=[{"title": "Help", "message": "help"}]
    )
    assert slack.problems == []


ERRORS: list[tuple[str, Callable[[WebClient], Any]]] = [
    ("channel_not_found", lambda c: c.chat_postMessage(channel="C0NONE", text="x")),
    ("no_text", lambda c: c.chat_postMessage(channel="C0GENERAL")),
    ("invalid_blocks", lambda c: c.chat_postMessage(channel="C0GENERAL", blocks=[SECTION] * 51)),
    ("invalid_blocks_format", lambda c: c.chat_postMessage(channel="C0GENERAL", blocks="[{")),
    (
        "thread_not_found",
        lambda c: c.chat_postMessage(channel="C0GENERAL", text="x", thread_ts="1"),
    ),
    (
        "markdown_text_conflict",
        lambda c: c.chat_postMessage(channel="C0GENERAL", text="x", markdown_text="y"),
    ),
    (
        "msg_too_long",
        lambda c: c.chat_postMessage(channel="C0GENERAL", markdown_text="x" * 12_001),
    ),
    ("message_not_found", lambda c: c.chat_update(channel="C0GENERAL", ts="1.0", text="x")),
    ("message_not_found", lambda c: c.chat_delete(channel="C0GENERAL", ts="1.0")),
    ("message_not_found", lambda c: c.chat_getPermalink(channel="C0GENERAL", message_ts="1.0")),
    ("user_not_found", lambda c: c.chat_postEphemeral(channel="C0GENERAL", user="U9", text="x")),
    (
        "user_not_in_channel",
        lambda c: c.chat_postEphemeral(channel="G0SURGERY", user="U0MEI", text="x"),
    ),
    ("invalid_types", lambda c: c.conversations_list(types="secret")),
    ("invalid_limit", lambda c: c.conversations_history(channel="C0GENERAL", limit=9999)),
    ("invalid_cursor", lambda c: c.users_list(cursor="nonsense")),
    ("thread_not_found", lambda c: c.conversations_replies(channel="C0GENERAL", ts="1.0")),
    ("user_not_found", lambda c: c.conversations_open(users="U0NOBODY")),
    ("user_not_found", lambda c: c.users_info(user="U0NOBODY")),
    ("no_such_subteam", lambda c: c.usergroups_users_list(usergroup="S0NONE")),
    ("bot_not_found", lambda c: c.bots_info(bot="B9")),
    ("file_not_found", lambda c: c.files_info(file="F9")),
    ("invalid_trigger_id", lambda c: c.views_open(trigger_id="1.2.3", view=MODAL)),
    ("invalid_arguments", lambda c: c.views_open(trigger_id="1.2.3", view={"type": "modal"})),
    ("not_found", lambda c: c.views_update(view_id="V9", view=MODAL)),
    (
        "user_not_found",
        lambda c: c.views_publish(user_id="U9", view={"type": "home", "blocks": []}),
    ),
    ("invalid_arguments", lambda c: c.views_publish(user_id="U0ANA", view=MODAL)),
    (
        "thread_not_found",
        lambda c: c.assistant_threads_setStatus(channel_id="D0ANA", thread_ts="1.0", status="x"),
    ),
    ("unknown_method", lambda c: c.api_call("chat.postTelepathy")),
    ("not_allowed_token_type", lambda c: c.apps_connections_open(app_token=c.token or "")),
    ("invalid_arguments", lambda c: c.api_call("usergroups.users.list")),
]


@pytest.fixture(scope="module")
def shared() -> Iterator[WebClient]:
    with Sandbox(scopes=EVERY_SCOPE) as slack:
        yield client_of(slack)


@pytest.mark.filterwarnings("ignore:The top-level `text` argument:UserWarning")
@pytest.mark.parametrize(("error", "call"), ERRORS)
def test_each_refusal_has_slacks_code(
    shared: WebClient, error: str, call: Callable[[WebClient], Any]
) -> None:
    assert error_of(lambda: call(shared)) == error


def test_update_and_delete_are_for_the_bots_own(slack: Sandbox, client: WebClient) -> None:
    ts = slack.say("U0ANA", "C0REFERRALS", "a note")
    where = {"channel": "C0REFERRALS", "ts": ts}
    assert error_of(lambda: client.chat_update(**where, text="x")) == "cant_update_message"
    assert error_of(lambda: client.chat_delete(**where)) == "cant_delete_message"


def test_long_text_is_cut_in_a_new_message_and_refused_in_an_update(
    slack: Sandbox, client: WebClient
) -> None:
    ts = client.chat_postMessage(channel="C0GENERAL", text="x" * 40_001)["ts"]
    assert len(slack.messages("C0GENERAL")[0]["text"]) == 40_000
    assert error_of(lambda: client.chat_update(channel="C0GENERAL", ts=ts, text="x" * 4001)) == (
        "msg_too_long"
    )


def test_invalid_blocks_say_where(slack: Sandbox, client: WebClient) -> None:
    long = {"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}
    with pytest.raises(SlackApiError) as caught:
        client.chat_postMessage(channel="C0GENERAL", text="x", blocks=[SECTION, long])
    answer = caught.value.response
    sentence = "must be less than 151 characters [json-pointer:/blocks/1/text/text]"
    assert answer["errors"] == [sentence]
    assert answer["response_metadata"]["messages"] == [f"[ERROR] {sentence}"]
    assert [str(problem) for problem in slack.problems] == [f"chat.postMessage: {sentence}"]
    assert slack.messages("C0GENERAL") == []
    with pytest.raises(SlackApiError) as caught:
        client.views_publish(user_id="U0ANA", view={"type": "home", "blocks": [long]})
    assert caught.value.response["response_metadata"]["messages"] == [
        "[ERROR] must be less than 151 characters [json-pointer:/view/blocks/0/text/text]"
    ]


def test_a_missing_text_is_a_warning_and_the_message_is_posted(
    slack: Sandbox, client: WebClient
) -> None:
    with pytest.warns(UserWarning, match="text"):
        client.chat_postMessage(channel="C0GENERAL", blocks=[SECTION])
    (problem,) = slack.problems
    assert problem.warning
    assert len(slack.messages("C0GENERAL")) == 1


@pytest.mark.parametrize(("token", "error"), [("", "not_authed"), ("xoxb-wrong", "invalid_auth")])
def test_tokens_are_checked(slack: Sandbox, token: str, error: str) -> None:
    assert error_of(lambda: client_of(slack, token).auth_test()) == error
    client = client_of(slack, token)
    assert error_of(lambda: client.apps_connections_open(app_token=token)) == error
    app = client_of(slack, slack.app_token)
    assert error_of(lambda: app.auth_test()) == "not_allowed_token_type"


def test_scopes_are_those_of_the_manifest() -> None:
    with Sandbox() as slack, pytest.raises(SlackApiError) as caught:
        client_of(slack).users_info(user="U0ANA")
    answer = caught.value.response
    assert (answer["error"], answer["needed"]) == ("missing_scope", "users:read")
    assert "chat:write" in answer["provided"]


def test_the_body_may_be_a_form_json_or_multipart_and_hold_the_token(slack: Sandbox) -> None:
    def send(body: bytes, kind: str, **headers: str) -> dict[str, Any]:
        request = urllib.request.Request(
            f"{slack.api_url}chat.postMessage", body, {"Content-Type": kind, **headers}
        )
        with urllib.request.urlopen(request, timeout=5) as answer:
            return dict(json.loads(answer.read()))

    fields = {"token": slack.bot_token, "channel": "C0GENERAL", "text": "x"}
    form = urllib.parse.urlencode({**fields, "blocks": json.dumps([SECTION])}).encode()
    assert send(form, "application/x-www-form-urlencoded")["message"]["blocks"]
    bearer = {"Authorization": f"Bearer {slack.bot_token}"}
    body = json.dumps({"channel": "C0GENERAL", "text": "x", "blocks": [SECTION]}).encode()
    answer = send(body, "application/json; charset=utf-8", **bearer)
    assert answer["message"]["blocks"]
    assert "warning" not in answer
    assert send(body, "application/json", **bearer)["warning"] == "missing_charset"
    assert send(b"{not json", "application/json", **bearer)["error"] == "channel_not_found"
    assert client_of(slack).api_call("api.test", data={"a": "b"})["args"] == {"a": "b"}
    assert slack.requests[0].method == "chat.postMessage"
    assert slack.bot_token not in json.dumps([request.payload for request in slack.requests])


def test_ordered_faults_happen_and_pass(slack: Sandbox, client: WebClient) -> None:
    slack.fail_next("auth.test", error="fatal_error", times=2)
    assert error_of(client.auth_test) == error_of(client.auth_test) == "fatal_error"
    client.auth_test()
    slack.fail_next("*", status=503)
    with pytest.raises(SlackApiError, match=r"503|non-JSON"):
        client.auth_test()
    slack.fail_next("chat.postMessage", status=500, after=True)
    with pytest.raises(SlackApiError):
        client.chat_postMessage(channel="C0GENERAL", text="x")
    assert len(slack.messages("C0GENERAL")) == 1, "the work was done, only the answer was lost"
    slack.unknown_methods.add("assistant.threads.setStatus")
    assert (
        error_of(
            lambda: client.assistant_threads_setStatus(channel_id="D", thread_ts="1", status="")
        )
        == "unknown_method"
    )
    slack.fail_next("files.info", error="missing_scope")
    with pytest.raises(SlackApiError) as caught:
        client.files_info(file="F1")
    assert caught.value.response["needed"] == "files:read"
    slack.slow("auth.test", 0.2)
    slow = WebClient(token=slack.bot_token, base_url=slack.api_url, timeout=0.05)  # type: ignore[arg-type]
    with pytest.raises(TimeoutError):
        slow.auth_test()


def test_a_rate_limit_is_kept_by_the_sdks_handler(slack: Sandbox, client: WebClient) -> None:
    slack.fail_next("auth.test", retry_after=1)
    with pytest.raises(SlackApiError) as caught:
        client.auth_test()
    assert caught.value.response["error"] == "ratelimited"
    assert caught.value.response.status_code == 429
    slack.fail_next("auth.test", retry_after=0)
    client.retry_handlers.append(RateLimitErrorRetryHandler(max_retry_count=1))
    assert client.auth_test()["ok"]


def test_every_method_of_the_table_has_an_explanation() -> None:
    assert all(method.handler.__doc__ for method in METHODS.values())
    assert len(METHODS) > 30


JUNK: list[Any] = [
    "",
    "x",
    "C0GENERAL",
    "[",
    "[{",
    "{}",
    "[]",
    "[null]",
    '[{"type":[]}]',
    "-1",
    "é" * 99,
]
NAMES = (
    "channel",
    "channel_id",
    "user",
    "users",
    "ts",
    "thread_ts",
    "timestamp",
    "text",
    "blocks",
    "attachments",
    "metadata",
    "view",
    "view_id",
    "user_id",
    "trigger_id",
    "files",
    "file",
    "filename",
    "length",
    "prompts",
    "limit",
    "cursor",
    "oldest",
    "types",
    "name",
)
SANE = {"channel": "C0GENERAL", "channel_id": "C0GENERAL", "user_id": "U0ANA", "text": "x"}


@pytest.mark.parametrize("name", sorted(METHODS))
def test_no_method_breaks_on_junk(shared: WebClient, name: str) -> None:
    """Every answer is JSON with `ok`, whatever the arguments."""
    token = str(shared.token)

    def send(args: dict[str, Any]) -> None:
        request = urllib.request.Request(
            f"{shared.base_url}{name}",
            json.dumps({"token": token, **SANE, **args}).encode(),
            {"Content-Type": "application/json; charset=utf-8"},
        )
        with urllib.request.urlopen(request, timeout=5) as answer:
            assert answer.status == 200
            assert isinstance(json.loads(answer.read())["ok"], bool)

    for argument in NAMES:
        for junk in [*JUNK, None, 3, True, [], [[]], [3], {}, {"type": 3}, [{"id": 3}]]:
            send({argument: junk})
