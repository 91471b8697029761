"""The Web API as the bot uses it: what a server lacks or refuses never stops an answer.

Every method answers None or False where it failed, and logs the method and Slack's error code;
`SlackApiError` and its message, which can hold a whole payload, stay in here.
"""

import http.client
import json
import logging
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.http_retry import (
    ConnectionErrorRetryHandler,
    HttpRequest,
    HttpResponse,
    RateLimitErrorRetryHandler,
    RetryHandler,
    RetryState,
)
from slack_sdk.http_retry.builtin_handlers import ServerErrorRetryHandler

from bot.blocks.parts import Block, Rendered
from bot.logs import hold_libraries
from mlops.settings import Settings

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 15
RATE_LIMIT_RETRIES = 3
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
FAILURES = (SlackClientError, OSError, http.client.HTTPException, ValueError)
PAGE = 200
# What a person's id begins with; W on Enterprise Grid.
PEOPLE = ("U", "W")
# Codes of an update that no later try can make succeed.
GONE = frozenset(
    {"message_not_found", "cant_update_message", "edit_window_closed", "channel_not_found"}
)
# The methods that write take JSON; those that read take a form.
JSON_METHODS = ("chat.post", "chat.update", "chat.delete", "views.", "assistant.")


class _NotSentRetryHandler(RetryHandler):
    """Tries again what certainly never reached the server, so that nothing is posted twice."""

    def _can_retry(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        return response is None and isinstance(reason, ConnectionRefusedError)


def is_loopback(url: str) -> bool:
    """Whether a URL is on this machine, where a proxy has no business."""
    return (urlsplit(url).hostname or "") in LOOPBACK


def make_client(settings: Settings, *, repeatable: bool = True) -> WebClient:
    """A client for the server that the settings name.

    Args:
        settings: Token and address.
        repeatable: For calls that may be repeated when their answer is lost. A post may not.
    """
    token = settings.slack_bot_token.get_secret_value() if settings.slack_bot_token else None
    handlers: list[RetryHandler] = [RateLimitErrorRetryHandler(max_retry_count=RATE_LIMIT_RETRIES)]
    if repeatable:
        handlers += [
            ConnectionErrorRetryHandler(max_retry_count=2),
            ServerErrorRetryHandler(max_retry_count=2),
        ]
    else:
        handlers.append(_NotSentRetryHandler(max_retry_count=2))
    client = WebClient(
        token=token,
        base_url=settings.slack_api_url,
        timeout=TIMEOUT_SECONDS,
        retry_handlers=handlers,
        logger=hold_libraries(),
    )
    if is_loopback(settings.slack_api_url):
        client.proxy = None
    return client


def error_code(error: BaseException) -> str:
    """Slack's word for what is wrong, or the kind of error; never a payload."""
    if isinstance(error, SlackApiError):
        response = error.response
        code = response.get("error") if hasattr(response, "get") else None
        status = getattr(response, "status_code", None)
        if isinstance(code, str) and code.replace("_", "").isalnum():
            return code
        return f"http_{status}" if status else "unreadable_answer"
    return type(error).__name__


@dataclass(frozen=True)
class Identity:
    """Who the bot is, as far as Slack has told."""

    user: str = ""
    bot: str = ""
    name: str = ""
    team: str = ""


@dataclass(frozen=True)
class Posted:
    """Where a message is."""

    channel: str
    ts: str


@dataclass(frozen=True)
class Upload:
    """A file for Slack."""

    name: str
    title: str
    data: bytes = field(repr=False)


class Slack:
    """What the bot asks of Slack, in its own words."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.client = make_client(settings)
        self._posting = make_client(settings, repeatable=False)
        self.identity = Identity()

    def call(self, method: str, **arguments: Any) -> dict[str, Any] | None:
        """Call a method that may be repeated; None where it failed."""
        return self._try(self.client, method, arguments)[0]

    def identify(self) -> str:
        """Ask who the bot is; Slack's error code, or "" when it answered."""
        answer, code = self._try(self.client, "auth.test", {})
        if answer is not None:
            self.identity = Identity(
                user=str(answer.get("user_id") or ""),
                bot=str(answer.get("bot_id") or ""),
                name=str(answer.get("user") or ""),
                team=str(answer.get("team") or ""),
            )
        return code

    # --- messages -----------------------------------------------------------------------------

    def post(
        self, channel: str, message: Rendered, thread_ts: str | None = None, marker: str = ""
    ) -> tuple[Posted | None, str]:
        """Post a message once, even if the answer to the first attempt is lost.

        Args:
            channel: A conversation, or a person for their direct message.
            message: What to post.
            thread_ts: The thread to post in.
            marker: Id in one of its blocks, by which to find it again.

        Returns:
            Where it is, and "" or Slack's error code.
        """
        since = time.time() - 60
        arguments = _message(message) | {"channel": channel, "unfurl_links": False}
        if thread_ts:
            arguments["thread_ts"] = thread_ts
        answer, code = self._try(self._posting, "chat.postMessage", arguments)
        if answer is None and _perhaps_done(code):
            found = self.find_own(channel, thread_ts, since, marker) if marker else None
            if found is not None:
                return found, ""
            answer, code = self._try(self._posting, "chat.postMessage", arguments)
        if answer is None and code in ("invalid_blocks", "invalid_blocks_format"):
            # Better an answer without its evidence than none.
            answer, code = self._try(
                self._posting, "chat.postMessage", {**arguments, "blocks": None}
            )
        if answer is None:
            return None, code
        return Posted(str(answer.get("channel") or channel), str(answer["ts"])), ""

    def update(self, where: Posted, message: Rendered) -> bool:
        """Change a message of the bot."""
        return not self.change(where, message)

    def change(self, where: Posted, message: Rendered) -> str:
        """Change a message of the bot; Slack's error code, or "" when it is done."""
        arguments = _message(message) | {"channel": where.channel, "ts": where.ts}
        return self._try(self.client, "chat.update", arguments)[1]

    def delete(self, where: Posted) -> bool:
        """Remove a message of the bot."""
        return self.call("chat.delete", channel=where.channel, ts=where.ts) is not None

    def whisper(
        self, channel: str, user: str, message: Rendered, thread_ts: str | None = None
    ) -> bool:
        """Tell one person, in the conversation if it can be done there, else directly."""
        arguments = _message(message) | {"channel": channel, "user": user}
        if thread_ts:
            arguments["thread_ts"] = thread_ts
        answer, _ = self._try(self._posting, "chat.postEphemeral", arguments)
        if answer is not None:
            return True
        return self.post(user, message)[0] is not None

    def respond(self, url: str, message: Rendered, *, replace: bool = False) -> bool:
        """Answer a command or a click through its response URL, for the person's eyes only."""
        body = _message(message) | {"response_type": "ephemeral", "replace_original": replace}
        if not urlsplit(url).scheme.startswith("http"):
            return False
        request = urllib.request.Request(  # noqa: S310 - the scheme is checked
            url,
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json; charset=utf-8"},
        )
        try:
            with opener(url).open(request, timeout=TIMEOUT_SECONDS) as answer:
                return bool(answer.status == 200)
        except FAILURES as error:
            status = getattr(error, "code", None)
            logger.warning("response_url: %s", f"http_{status}" if status else error_code(error))
            return False

    def find_own(
        self, channel: str, thread_ts: str | None, since: float, marker: str
    ) -> Posted | None:
        """The bot's own message with a block whose id ends in `marker`.

        Args:
            channel: A conversation, or a person for their direct message.
            thread_ts: The thread it is in.
            since: Seconds since the epoch; nothing older is looked at.
            marker: What was given to `post`.
        """
        if channel.startswith(PEOPLE):
            # A person can be posted to; what was posted can only be read by the conversation's id.
            opened = self.call("conversations.open", users=channel)
            channel = str(((opened or {}).get("channel") or {}).get("id") or channel)
        oldest = f"{since:.6f}"
        if thread_ts:
            answer = self.call(
                "conversations.replies", channel=channel, ts=thread_ts, oldest=oldest, limit=PAGE
            )
        else:
            answer = self.call("conversations.history", channel=channel, oldest=oldest, limit=PAGE)
        for message in (answer or {}).get("messages", []):
            if not self.is_own(message):
                continue
            if any(str(b.get("block_id", "")).endswith(marker) for b in message.get("blocks", [])):
                return Posted(channel, str(message["ts"]))
        return None

    def is_own(self, message: Mapping[str, Any]) -> bool:
        """Whether the bot wrote a message."""
        ours = self.identity
        by_bot = bool(ours.bot) and message.get("bot_id") == ours.bot
        by_user = bool(ours.user) and message.get("user") == ours.user
        return by_bot or by_user or (not ours.bot and bool(message.get("bot_id")))

    def read_message(
        self, channel: str, ts: str, thread_ts: str | None
    ) -> tuple[dict[str, Any] | None, bool]:
        """A message as it is now, and whether Slack let us look (None, True: it is gone)."""
        window = {"channel": channel, "oldest": ts, "latest": ts, "inclusive": True, "limit": 10}
        answers = []
        if thread_ts and thread_ts != ts:
            answers.append(self.call("conversations.replies", **window, ts=thread_ts))
        else:
            answers.append(self.call("conversations.history", **window))
        if answers[-1] is None:
            answers.append(self.call("conversations.replies", channel=channel, ts=ts, limit=10))
        for answer in answers:
            for message in (answer or {}).get("messages", []):
                if message.get("ts") == ts:
                    return message, True
        return None, any(answer is not None for answer in answers)

    def permalink(self, where: Posted) -> str | None:
        """A link to a message."""
        answer = self.call("chat.getPermalink", channel=where.channel, message_ts=where.ts)
        return str(answer["permalink"]) if answer and answer.get("permalink") else None

    # --- files --------------------------------------------------------------------------------

    def upload(self, where: Posted, files: Sequence[Upload], comment: str) -> bool:
        """Put files into a message's thread, as one message.

        Args:
            where: The message.
            files: What to upload; their names are Slack's too, so they hold nothing private.
            comment: What the message says.
        """
        wanted = [{"filename": f.name, "title": f.title, "content": f.data} for f in files]
        try:
            self._posting.files_upload_v2(
                file_uploads=wanted,
                channel=where.channel,
                thread_ts=where.ts,
                initial_comment=comment,
            )
        except FAILURES as error:
            logger.warning("files_upload_v2: %s", error_code(error))
            return False
        return True

    def has_file(self, where: Posted, name: str) -> bool:
        """Whether the bot has put a file of that name into a message's thread."""
        answer = self.call("conversations.replies", channel=where.channel, ts=where.ts, limit=PAGE)
        return any(
            file.get("name") == name
            for message in (answer or {}).get("messages", [])
            if self.is_own(message)
            for file in message.get("files") or []
        )

    # --- views --------------------------------------------------------------------------------

    def open_view(self, trigger_id: str, view: Block) -> bool:
        """Open a modal; False where the trigger is too old or the server can't."""
        answer, _ = self._try(self._posting, "views.open", {"trigger_id": trigger_id, "view": view})
        return answer is not None

    def update_view(self, view_id: str, view: Block) -> bool:
        """Change an open modal."""
        return self.call("views.update", view_id=view_id, view=view) is not None

    def publish_home(self, user: str, view: Block) -> bool:
        """Set somebody's Home tab."""
        return self.call("views.publish", user_id=user, view=view) is not None

    def _try(
        self, client: WebClient, method: str, arguments: dict[str, Any]
    ) -> tuple[dict[str, Any] | None, str]:
        """Call a method: its answer and "", or None and a code."""
        given = {key: value for key, value in arguments.items() if value is not None}
        try:
            if method.startswith(JSON_METHODS):
                answer = client.api_call(method, json=given)
            else:
                answer = client.api_call(method, params=given)
        except FAILURES as error:
            code = error_code(error)
            logger.warning("%s: %s", method, code)
            return None, code
        data = answer.data
        return (data, "") if isinstance(data, dict) else (None, "unreadable_answer")


def opener(url: str) -> urllib.request.OpenerDirector:
    """For requests of our own: no redirects, and no proxy on this machine."""
    handlers: list[urllib.request.BaseHandler] = [_NoRedirects()]
    if is_loopback(url):
        handlers.append(urllib.request.ProxyHandler({}))
    return urllib.request.build_opener(*handlers)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the token to wherever it points."""

    def redirect_request(self, *_args: Any, **_more: Any) -> None:
        return None


def _message(message: Rendered) -> dict[str, Any]:
    return {"text": message.text, "blocks": message.blocks or None}


def _perhaps_done(code: str) -> bool:
    """Whether the server may have done what it gave no answer to."""
    return code.startswith(("http_5", "unreadable")) or code in (
        "URLError",
        "TimeoutError",
        "RemoteDisconnected",
        "ConnectionResetError",
        "IncompleteRead",
        "internal_error",
        "fatal_error",
        "request_timeout",
        "service_unavailable",
    )
