"""What the app hears of: which events, and that they look as Slack's."""

import time

from slack_sdk import WebClient

from bot.sandbox.server import Sandbox
from tests.sandbox.wire import Wire


def test_a_direct_message(slack: Sandbox) -> None:
    with Wire.open(slack) as wire:
        ts = slack.say("U0ANA", "D0ANA", "BP <120 & falling, see https://x.test/a.")
        event = wire.event()
        assert event["channel_type"] == "im"
        assert (event["channel"], event["user"], event["ts"]) == ("D0ANA", "U0ANA", ts)
        assert event["text"] == "BP &lt;120 &amp; falling, see <https://x.test/a>."
        assert event["blocks"][0]["type"] == "rich_text"
        assert event["client_msg_id"]
        assert event["event_ts"] == ts
        assert "subtype" not in event
        assert wire.quiet(0.1)


def test_a_mention_comes_twice(slack: Sandbox) -> None:
    with Wire.open(slack) as wire:
        slack.say("U0ANA", "C0REFERRALS", "<@U0BOT> please read")
        both = {event["type"]: event for event in (wire.event(), wire.event())}
        assert set(both) == {"message", "app_mention"}
        assert both["message"]["channel_type"] == "channel"
        assert "channel_type" not in both["app_mention"]
        assert both["message"]["ts"] == both["app_mention"]["ts"]
        # In a direct message there is no mention.
        slack.say("U0ANA", "D0ANA", "<@U0BOT> please read")
        assert wire.event()["type"] == "message"
        assert wire.quiet(0.1)


def test_threads_and_private_channels(slack: Sandbox) -> None:
    with Wire.open(slack) as wire:
        ts = slack.say("U0LEO", "G0SURGERY", "a note")
        assert wire.event()["channel_type"] == "group"
        slack.say("U0ANA", "G0SURGERY", "a reply", thread_ts=ts)
        event = wire.event()
        assert (event["thread_ts"], event["parent_user_id"]) == (ts, "U0LEO")


def test_a_file_comes_as_a_message_and_as_file_shared(slack: Sandbox) -> None:
    with Wire.open(slack) as wire:
        file = slack.upload("U0ANA", "note.pdf", b"%PDF-1.4", "application/pdf")
        assert wire.quiet(0.1), "an upload that isn't sent is nobody's business"
        slack.say("U0ANA", "C0REFERRALS", "<@U0BOT>", files=[file])
        both = {event["type"]: event for event in (wire.event(), wire.event())}
        message = both["message"]
        assert message["subtype"] == "file_share"
        (shared,) = message["files"]
        assert (shared["id"], shared["name"], shared["size"]) == (file, "note.pdf", 8)
        assert (shared["mimetype"], shared["filetype"]) == ("application/pdf", "pdf")
        assert (shared["mode"], shared["file_access"]) == ("hosted", "visible")
        assert both["file_shared"]["file_id"] == file
        assert both["file_shared"]["channel_id"] == "C0REFERRALS"
        assert wire.quiet(0.1), "no app_mention for a mention with a file"


def test_a_long_paste_becomes_a_snippet(slack: Sandbox) -> None:
    with Wire.open(slack) as wire:
        slack.say("U0ANA", "D0ANA", "word " * 3000)
        both = {event["type"]: event for event in (wire.event(), wire.event())}
        assert both["message"]["text"] == ""
        (snippet,) = both["message"]["files"]
        assert (snippet["mode"], snippet["filetype"]) == ("snippet", "text")
        assert snippet["size"] == 15_000


def test_the_bots_own_messages_come_back(slack: Sandbox, client: WebClient) -> None:
    with Wire.open(slack) as wire:
        ts = client.chat_postMessage(channel="D0ANA", text="hello")["ts"]
        mine = wire.event()
        assert (mine["bot_id"], mine["user"], mine["ts"]) == ("B0BOT", "U0BOT", ts)
        client.chat_update(channel="D0ANA", ts=ts, text="changed")
        changed = wire.event()
        assert (changed["subtype"], changed["hidden"]) == ("message_changed", True)
        assert changed["message"]["text"] == "changed"
        assert changed["previous_message"]["text"] == "hello"
        client.chat_delete(channel="D0ANA", ts=ts)
        deleted = wire.event()
        assert (deleted["subtype"], deleted["deleted_ts"]) == ("message_deleted", ts)
        client.chat_postEphemeral(channel="C0GENERAL", user="U0ANA", text="psst")
        assert wire.quiet(0.1), "ephemeral messages are nobody's event"


def test_opening_home(slack: Sandbox, client: WebClient) -> None:
    with Wire.open(slack) as wire:
        slack.open_home("U0ANA")
        event = wire.event()
        assert (event["type"], event["tab"], event["user"]) == ("app_home_opened", "home", "U0ANA")
        assert "view" not in event
        client.views_publish(user_id="U0ANA", view={"type": "home", "blocks": []})
        slack.open_home("U0ANA")
        assert wire.event()["view"]["type"] == "home"
        slack.open_home("U0ANA", tab="messages")
        assert wire.event()["tab"] == "messages"


def test_only_what_the_app_subscribes_to() -> None:
    with Sandbox(events=frozenset({"app_mention"})) as slack, Wire.open(slack) as wire:
        slack.say("U0ANA", "D0ANA", "hello")
        slack.say("U0ANA", "C0REFERRALS", "<@U0BOT> hello")
        assert wire.event()["type"] == "app_mention"
        assert wire.quiet(0.1)


def test_a_slow_listener_holds_nobody_up(slack: Sandbox) -> None:
    with Wire.open(slack) as wire:
        slack.say("U0ANA", "D0ANA", "first")
        first = wire.next()
        start = time.monotonic()
        slack.say("U0LEO", "D0LEO", "second")
        assert wire.event()["text"] == "second"
        assert time.monotonic() - start < 1
        wire.ack(first)
