"""The Web API's front: reads a call, checks its token and scopes, applies faults, answers.

Source: https://docs.slack.dev/apis/web-api
"""

import asyncio
import json
import uuid
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

# Importing them enters their functions into the table.
from bot.sandbox import (
    methods_chat,
    methods_conversations,
    methods_files,
    methods_people,
    methods_views,
)
from bot.sandbox.faults import Fault
from bot.sandbox.hub import Hub, Request
from bot.sandbox.state import Json
from bot.sandbox.table import METHODS, Call, Method, SlackError

__all__ = [
    "WebApi",
    "methods_chat",
    "methods_conversations",
    "methods_files",
    "methods_people",
    "methods_views",
]

SIGN_IN_PAGE = """<!DOCTYPE html><html lang="en"><head><title>Sign in | Slack</title></head>
<body><h1>Sign in to your workspace</h1></body></html>"""


class WebApi:
    """Answers the bot's HTTP requests."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    async def call(self, request: HttpRequest) -> Response:
        """`POST /api/<method>`."""
        name = request.path_params["method"]
        args, charset_missing = await _arguments(request)
        fault = self.hub.faults.take(name)
        if delay := self.hub.faults.delay(name):
            await asyncio.sleep(delay)
        if fault and not fault.after:
            self._log(name, args, False, fault.error or f"http_{fault.status or 429}")
            return _failed(name, fault)
        token = _token(request, args)
        try:
            answer = {"ok": True, **self._answer(name, token, args)}
        except SlackError as error:
            answer = {"ok": False, "error": error.code, **error.extra}
        if charset_missing:
            answer.setdefault("warning", "missing_charset")
            metadata = answer.setdefault("response_metadata", {})
            metadata.setdefault("warnings", ["missing_charset"])
        self._log(name, args, bool(answer["ok"]), str(answer.get("error", "")))
        if fault:
            return _failed(name, fault)
        return JSONResponse(answer, headers=self._headers(name))

    def _answer(self, name: str, token: str, args: Json) -> Json:
        method = METHODS.get(name)
        if method is None or name in self.hub.faults.unknown_methods:
            raise SlackError("unknown_method", req_method=name)
        if method.token:
            self._authorize(method, token)
        return method.handler(Call(self.hub, name, args))

    def _authorize(self, method: Method, token: str) -> None:
        known = {
            self.hub.credentials.bot_token: "xoxb",
            self.hub.credentials.app_token: "xapp",
        }
        if not token:
            raise SlackError("not_authed")
        if token not in known:
            raise SlackError("invalid_auth")
        if known[token] != method.token:
            raise SlackError("not_allowed_token_type")
        granted = self.hub.credentials.scopes
        if method.scopes and granted.isdisjoint(method.scopes):
            raise SlackError(
                "missing_scope", needed=method.scopes[0], provided=",".join(sorted(granted))
            )

    def _headers(self, name: str) -> dict[str, str]:
        method = METHODS.get(name)
        return {
            "x-slack-req-id": uuid.uuid4().hex,
            "x-oauth-scopes": ",".join(sorted(self.hub.credentials.scopes)),
            "x-accepted-oauth-scopes": ",".join(method.scopes) if method else "",
        }

    def _log(self, name: str, args: Json, ok: bool, error: str) -> None:
        payload = {key: _decoded(value) for key, value in args.items() if key != "token"}
        self.hub.requests.append(Request(name, payload, ok, error))

    async def upload(self, request: HttpRequest) -> Response:
        """Step 2 of an upload: the bytes, as the body or as a form's file."""
        file = self.hub.uploads.get(request.path_params["file_id"])
        if file is None:
            return PlainTextResponse("not found", status_code=404)
        if request.headers.get("content-type", "").startswith("multipart/"):
            async with request.form(max_part_size=methods_files.MAX_FILE_BYTES) as form:
                parts = [part for part in form.values() if not isinstance(part, str)]
                file.data = await parts[0].read() if parts else b""
        else:
            file.data = await request.body()
        return PlainTextResponse(f"OK - {len(file.data)}")

    async def download(self, request: HttpRequest) -> Response:
        """A file's bytes, for the bot's token with `files:read`; else the sign-in page, with 200.

        Real Slack does the same, which is why a bot must look at what it got.
        """
        fault = self.hub.faults.take("files.download")
        if delay := self.hub.faults.delay("files.download"):
            await asyncio.sleep(delay)
        if fault:
            return _failed("files.download", fault)
        file = self.hub.workspace.files.get(request.path_params["file_id"].upper())
        allowed = "files:read" in self.hub.credentials.scopes
        if _token(request, {}) != self.hub.credentials.bot_token or not allowed:
            return HTMLResponse(SIGN_IN_PAGE)
        if file is None:
            return PlainTextResponse("", status_code=404)
        return Response(file.data, media_type=file.mimetype)


async def _arguments(request: HttpRequest) -> tuple[Json, bool]:
    """The arguments from the query, a form or JSON; and whether JSON came without a charset."""
    args: Json = dict(request.query_params)
    kind = request.headers.get("content-type", "")
    if kind.startswith("application/json"):
        try:
            body = json.loads(await request.body() or b"{}")
        except ValueError:
            body = {}
        args.update(body if isinstance(body, dict) else {})
        return args, "charset" not in kind
    if request.method == "POST":
        async with request.form() as form:
            args.update({key: value for key, value in form.items() if isinstance(value, str)})
    return args, False


def _token(request: HttpRequest, args: Json) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else str(args.get("token") or "")


def _decoded(value: Any) -> Any:
    """An argument for the log: JSON in a form field as what it stands for."""
    if isinstance(value, str) and value[:1] in ("[", "{"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _failed(name: str, fault: Fault) -> Response:
    if fault.retry_after is not None:
        headers = {"Retry-After": str(fault.retry_after)}
        body = {"ok": False, "error": fault.error or "ratelimited"}
        return JSONResponse(body, status_code=fault.status or 429, headers=headers)
    if fault.error:
        body = {"ok": False, "error": fault.error}
        if fault.error == "missing_scope":
            method = METHODS.get(name)
            scope = method.scopes[0] if method and method.scopes else name
            body.update(needed=scope, provided="")
        return JSONResponse(body, status_code=fault.status or 200)
    return PlainTextResponse("upstream error", status_code=fault.status or 500)
