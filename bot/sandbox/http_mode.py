"""HTTP mode: signed requests to the app's request URL, as Slack sends without Socket Mode.

Source: https://docs.slack.dev/authentication/verifying-requests-from-slack
"""

import asyncio
import hashlib
import hmac
import http.client
import json
import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

from bot.sandbox.delivery import Ack, Envelope
from bot.sandbox.payloads import VERIFICATION_TOKEN
from bot.sandbox.state import Json

T = TypeVar("T")
PARALLEL = 64


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Slack's `X-Slack-Signature`: version 0, HMAC-SHA256 over version, time and body."""
    base = b"v0:" + timestamp.encode() + b":" + body
    return "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()


class HttpMode:
    """Posts each envelope's payload to one URL."""

    def __init__(self, request_url: str, signing_secret: str) -> None:
        self._url = request_url
        self._secret = signing_secret
        self._verified = False
        self._verifying = asyncio.Lock()
        # Of its own: a burst of slow answers must not wait for each other here.
        self._pool = ThreadPoolExecutor(PARALLEL, thread_name_prefix="sandbox-http")

    @property
    def connected(self) -> bool:
        """Whether the app has answered the challenge."""
        return self._verified

    async def _run(self, function: Callable[..., T], *args: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, function, *args)

    async def wait_connected(self) -> None:
        """Ask the app for the challenge until it answers, as Slack does when a URL is entered."""
        async with self._verifying:
            while not self._verified:
                self._verified = await self._run(self._verify)
                if not self._verified:
                    await asyncio.sleep(0.2)

    def _verify(self) -> bool:
        challenge = secrets.token_urlsafe(24)
        body = {"token": VERIFICATION_TOKEN, "challenge": challenge, "type": "url_verification"}
        try:
            status, _, answer = self._post_json(body, {}, 3.0)
        except OSError:
            return False
        return status == 200 and challenge in answer

    async def deliver(self, envelope: Envelope, seconds: float) -> Ack:
        """Post and read the answer."""
        try:
            async with asyncio.timeout(seconds):
                await self.wait_connected()
                status, kind, text = await self._run(self._send, envelope, seconds)
        except TimeoutError:
            return Ack(False, error="operation_timeout", reason="http_timeout")
        except OSError:
            return Ack(False, error="dispatch_failed", reason="connection_failed")
        if not 200 <= status < 300:
            return Ack(False, error="dispatch_failed", reason="http_error")
        return Ack(True, _payload(kind, text))

    def _send(self, envelope: Envelope, seconds: float) -> tuple[int, str, str]:
        if envelope.kind == "events_api":
            retry = {}
            if envelope.retry_attempt:
                retry = {
                    "X-Slack-Retry-Num": str(envelope.retry_attempt),
                    "X-Slack-Retry-Reason": envelope.retry_reason,
                }
            return self._post_json(envelope.payload, retry, seconds)
        form = "application/x-www-form-urlencoded"
        if envelope.kind == "slash_commands":
            return self._post(urlencode(envelope.payload).encode(), form, {}, seconds)
        body = urlencode({"payload": json.dumps(envelope.payload)}).encode()
        return self._post(body, form, {}, seconds)

    def _post_json(
        self, body: Json, headers: dict[str, str], seconds: float
    ) -> tuple[int, str, str]:
        return self._post(json.dumps(body).encode(), "application/json", headers, seconds)

    def _post(
        self, body: bytes, kind: str, headers: dict[str, str], seconds: float
    ) -> tuple[int, str, str]:
        target = urlsplit(self._url)
        timestamp = str(int(time.time()))
        connection = http.client.HTTPConnection(
            target.hostname or "127.0.0.1", target.port or 80, timeout=seconds
        )
        try:
            connection.request(
                "POST",
                target.path or "/",
                body,
                {
                    "Content-Type": kind,
                    "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
                    "X-Slack-Request-Timestamp": timestamp,
                    "X-Slack-Signature": signature(self._secret, timestamp, body),
                    **headers,
                },
            )
            answer = connection.getresponse()
            return (
                answer.status,
                answer.getheader("Content-Type", ""),
                answer.read().decode("utf-8", "replace"),
            )
        except http.client.HTTPException as error:
            raise ConnectionError(type(error).__name__) from None
        finally:
            connection.close()


def _payload(kind: str, text: str) -> Json:
    if kind.startswith("application/json") or text.startswith("{"):
        try:
            parsed = json.loads(text)
        except ValueError:
            return {}
        return parsed if isinstance(parsed, dict) else {}
    return {"text": text} if text.strip() else {}
