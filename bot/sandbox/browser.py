"""What the page in the browser asks for and is told. Only for pages of this very server."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect

from bot.sandbox import seed
from bot.sandbox.examples import EXAMPLES
from bot.sandbox.methods_files import MAX_FILE_BYTES
from bot.sandbox.payloads import file_object
from bot.sandbox.people import CantDo, People
from bot.sandbox.state import Json

STATIC = Path(__file__).parent / "static"
# What the page shows in place. Not SVG: it can hold scripts.
IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")

Action = Callable[[str, Json], Awaitable[Json]]


class Browser:
    """The page's endpoints."""

    def __init__(self, people: People, mode: str) -> None:
        self.people = people
        self.hub = people.hub
        self.mode = mode

    def routes(self) -> list[BaseRoute]:
        """Their addresses."""
        actions: dict[str, Action] = {
            "say": self._say,
            "command": self._command,
            "action": self._action,
            "shortcut": self._shortcut,
            "submit": self._submit,
            "close": self._close,
            "home": self._home,
            "read": self._read,
        }
        return [
            Route("/", self._index),
            Route("/sandbox/state", self._state),
            Route("/sandbox/upload", self._upload, methods=["POST"]),
            Route("/sandbox/file/{file_id}", self._file),
            WebSocketRoute("/sandbox/ws", self._socket),
            *(
                Route(f"/sandbox/{name}", self._endpoint(action), methods=["POST"])
                for name, action in actions.items()
            ),
            Mount("/static", StaticFiles(directory=STATIC, check_dir=False)),
        ]

    async def _index(self, _: Request) -> Response:
        return FileResponse(STATIC / "index.html")

    def _endpoint(self, action: Action) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            try:
                body = json.loads(await request.body())
            except ValueError:
                body = None
            if not isinstance(body, dict) or not isinstance(body.get("user"), str):
                return _refused("The request is not a JSON object with a user.", 400)
            try:
                return JSONResponse({"ok": True, **await action(body["user"], body)})
            except CantDo as error:
                return _refused(str(error))

        return answer

    async def _state(self, request: Request) -> Response:
        user = request.query_params.get("user", "")
        if user not in seed.PEOPLE:
            return _refused("There is no such person in this workspace.", 404)
        return JSONResponse(self.state(user))

    def state(self, user: str) -> Json:
        """All that a person's page shows."""
        workspace = self.hub.workspace
        mine = [c for c in workspace.conversations.values() if user in c.members]
        return {
            "team": {"id": seed.TEAM_ID, "name": seed.TEAM_NAME},
            "me": _user(workspace.users[user]),
            "users": [_user(person) for person in workspace.users.values()],
            "conversations": [
                {
                    "id": conversation.id,
                    "name": conversation.name or seed.APP_NAME,
                    "kind": conversation.kind,
                    "topic": conversation.topic,
                    "unread": workspace.unread(conversation.id, user),
                }
                for conversation in mine
            ],
            "messages": {c.id: workspace.seen_by(c.id, user) for c in mine},
            "home": self.hub.views.home(user),
            "views": self.hub.views.opened(user),
            "commands": list(seed.COMMANDS),
            "shortcuts": list(seed.SHORTCUTS),
            "examples": list(EXAMPLES),
            "bot": {"connected": self.connected, "user_id": seed.BOT_USER},
            "mode": self.mode,
        }

    @property
    def connected(self) -> bool:
        """Whether the bot is there."""
        return self.hub.dispatcher.transport.connected

    async def _socket(self, socket: WebSocket) -> None:
        user = socket.query_params.get("user", "")
        if user not in seed.PEOPLE:
            await socket.close(code=1008)
            return
        await socket.accept()
        queue: asyncio.Queue[Json] = asyncio.Queue()

        def tell(audience: frozenset[str], change: Json) -> None:
            if user in audience:
                queue.put_nowait(change)

        async def send() -> None:
            while True:
                await socket.send_json(await queue.get())

        self.hub.workspace.subscribers.append(tell)
        sender = asyncio.create_task(send())
        try:
            queue.put_nowait({"type": "bot", "connected": self.connected})
            while True:
                await socket.receive_text()
        except (WebSocketDisconnect, RuntimeError, KeyError):
            return
        finally:
            self.hub.workspace.subscribers.remove(tell)
            sender.cancel()

    async def _upload(self, request: Request) -> Response:
        async with request.form(max_part_size=MAX_FILE_BYTES) as form:
            user, file = form.get("user"), form.get("file")
            if not isinstance(user, str) or file is None or isinstance(file, str):
                return _refused("The form needs a user and a file.", 400)
            name, mimetype = file.filename or "Untitled", file.content_type or ""
            data = await file.read()
        try:
            kept = self.people.upload(user, name, data, mimetype)
        except CantDo as error:
            return _refused(str(error))
        return JSONResponse({"ok": True, "file": file_object(self.hub.workspace, kept)})

    async def _file(self, request: Request) -> Response:
        """A file for somebody who sees it in a conversation: an image to show, else to save."""
        file = self.hub.workspace.files.get(request.path_params["file_id"])
        user = request.query_params.get("user", "")
        conversations = self.hub.workspace.conversations
        if file is None or not any(user in conversations[c].members for c in file.channels):
            return _refused("There is no such file here.", 404)
        headers = {}
        if file.mimetype not in IMAGES:
            # Never shown as a page of this origin, whatever the app has put into it.
            headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(file.name)}"
        return Response(file.data, media_type=file.mimetype, headers=headers)

    async def _say(self, user: str, body: Json) -> Json:
        given = body.get("files")
        files = [str(file) for file in given] if isinstance(given, list) else []
        thread = body.get("thread_ts") or None
        ts = self.people.say(user, _text(body, "channel"), _text(body, "text"), thread, files)
        return {"ts": ts}

    async def _command(self, user: str, body: Json) -> Json:
        await self.people.command(
            user, _text(body, "channel"), _text(body, "command"), _text(body, "text")
        )
        return {}

    async def _action(self, user: str, body: Json) -> Json:
        known = ("user", "channel", "message_ts", "view_id", "action_id", "value")
        more = {key: value for key, value in body.items() if key not in known}
        more["state"] = body["state"] if isinstance(body.get("state"), dict) else {}
        action_id, value = _text(body, "action_id"), body.get("value")
        if body.get("view_id"):
            await self.people.click_view(user, _text(body, "view_id"), action_id, value, **more)
        else:
            channel, ts = _text(body, "channel"), _text(body, "message_ts")
            await self.people.click(user, channel, ts, action_id, value, **more)
        return {}

    async def _shortcut(self, user: str, body: Json) -> Json:
        channel, ts = _text(body, "channel"), _text(body, "message_ts")
        await self.people.shortcut(user, channel, ts, _text(body, "callback_id"))
        return {}

    async def _submit(self, user: str, body: Json) -> Json:
        values: Any = body.get("values")
        given = values if isinstance(values, dict) else {}
        return await self.people.submit(user, _text(body, "view_id"), given)

    async def _close(self, user: str, body: Json) -> Json:
        await self.people.close(user, _text(body, "view_id"), bool(body.get("cleared")))
        return {}

    async def _home(self, user: str, body: Json) -> Json:
        self.people.open_home(user, _text(body, "tab") or "home")
        return {}

    async def _read(self, user: str, body: Json) -> Json:
        self.hub.workspace.mark_read(_text(body, "channel"), user)
        return {}


def _refused(sentence: str, status: int = 200) -> Response:
    return JSONResponse({"ok": False, "error": sentence}, status_code=status)


def _text(body: Json, name: str) -> str:
    value = body.get(name)
    return value if isinstance(value, str) else ""


def _user(user: seed.User) -> Json:
    return {
        "id": user.id,
        "name": user.name,
        "real_name": user.real_name,
        "title": user.title,
        "is_bot": user.is_bot,
        "color": f"#{user.color}",
    }
