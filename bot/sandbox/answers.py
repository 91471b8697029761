"""What the app answers to a person: acks with a payload, and posts to response URLs."""

import json

from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response

from bot.sandbox import seed
from bot.sandbox.blocks import complete_blocks
from bot.sandbox.hub import Hub, Problem, Request
from bot.sandbox.payloads import message_event
from bot.sandbox.state import Json
from bot.sandbox.tickets import ResponseUrl
from bot.sandbox.validation import Finding, check_message, check_view
from bot.sandbox.views import interactive_elements


class Answers:
    """Carries out what the app answers outside the Web API."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    # --- messages -----------------------------------------------------------------------------

    def to_command(self, channel: str, user: str, payload: Json) -> None:
        """An ack of a slash command that holds a message."""
        self.post("slash command ack", ResponseUrl(channel, user, 0.0), payload)

    def post(self, method: str, target: ResponseUrl, payload: Json) -> str:
        """Post or replace a message; an error of Slack's, or "" when done."""
        workspace = self.hub.workspace
        original = workspace.find(target.channel, target.message_ts or "")
        if _true(payload.get("delete_original")):
            if original is not None:
                workspace.remove(target.channel, original)
            return ""
        blocks = payload.get("blocks")
        text = str(payload.get("text") or "")
        if not text and not blocks and not payload.get("attachments"):
            return "no_text"
        if self._wrong(method, check_message(text, blocks)):
            return "invalid_blocks"
        content: Json = {"text": text}
        if blocks:
            content["blocks"] = complete_blocks(blocks)
        if _true(payload.get("replace_original")) and original is not None:
            edited = {"user": seed.BOT_ID, "ts": workspace.next_ts()}
            fields = {"blocks": None, **content}
            if not original.only_for:
                fields["edited"] = edited
            workspace.change(target.channel, original, fields)
            return ""
        private = payload.get("response_type", "ephemeral") != "in_channel"
        message: Json = {
            "type": "message",
            "user": seed.BOT_USER,
            "bot_id": seed.BOT_ID,
            "app_id": seed.APP_ID,
            "team": seed.TEAM_ID,
            **content,
        }
        thread = payload.get("thread_ts") or (target.thread_ts if private else None)
        if thread:
            message["thread_ts"] = thread
        if private:
            message["is_ephemeral"] = True
        post = workspace.add(target.channel, message, only_for=target.user if private else None)
        if not private:
            conversation = workspace.conversations[target.channel]
            self.hub.dispatcher.event(message_event(conversation, post.message))
        return ""

    async def response_url(self, request: HttpRequest) -> Response:
        """`POST` to a response URL."""
        try:
            payload = json.loads(await request.body())
        except ValueError:
            payload = None
        if not isinstance(payload, dict):
            return JSONResponse({"ok": False, "error": "invalid_payload"}, status_code=400)
        method = "response_url"
        fault = self.hub.faults.take(method)
        if fault:
            self.hub.requests.append(Request(method, payload, False, fault.error or ""))
            body = {"ok": False, "error": fault.error}
            return JSONResponse(body, status_code=fault.status or 500)
        target = self.hub.tickets.use_response_url(request.path_params["key"])
        error = target if isinstance(target, str) else self.post(method, target, payload)
        self.hub.requests.append(Request(method, payload, not error, error))
        if error:
            status = 404 if error.endswith("_url") else 400
            return JSONResponse({"ok": False, "error": error}, status_code=status)
        return JSONResponse({"ok": True})

    # --- forms --------------------------------------------------------------------------------

    def urls(self, user: str, blocks: list[Json], entered: Json) -> list[Json]:
        """`response_urls`: one for each conversation picked in an input that asks for it."""
        found = []
        for block, element in interactive_elements(blocks):
            if not element.get("response_url_enabled"):
                continue
            entry = entered.get(block["block_id"], {}).get(element["action_id"], {})
            channel = entry.get("selected_conversation") or entry.get("selected_channel")
            if channel:
                found.append(
                    {
                        "response_url": self.hub.tickets.response_url(channel, user),
                        "channel_id": channel,
                        "block_id": block["block_id"],
                        "action_id": element["action_id"],
                    }
                )
        return found

    def to_submission(self, user: str, view_id: str, payload: Json) -> Json:
        """Carry out a `response_action`; what the form has to know."""
        views, method = self.hub.views, "view_submission ack"
        action = payload.get("response_action")
        if action is None:
            # An update by API may have come first; the form that was submitted closes all the same.
            if view_id in views.by_id:
                views.close(view_id)
            return {}
        if action == "clear":
            views.clear(user)
            return {"response_action": "clear"}
        if action == "errors":
            errors = payload.get("errors")
            blocks = {block["block_id"] for block in views.by_id[view_id]["blocks"]}
            if not isinstance(errors, dict) or not errors or not set(errors) <= blocks:
                finding = Finding("errors must name input blocks of the view", "/errors")
                self._wrong(method, [finding])
                self.hub.workspace.notice(
                    user, "error", "We had some trouble connecting. Try again?"
                )
                return {"response_action": "errors", "errors": {}}
            return {"response_action": "errors", "errors": errors}
        view = payload.get("view")
        if action not in ("update", "push") or not isinstance(view, dict):
            self._wrong(method, [Finding("unknown response_action", "/response_action")])
            self.hub.workspace.notice(user, "error", "We had some trouble connecting. Try again?")
            return {"response_action": "errors", "errors": {}}
        if self._wrong(method, check_view(view, ("modal",))):
            self.hub.workspace.notice(user, "error", "We had some trouble connecting. Try again?")
            return {"response_action": "errors", "errors": {}}
        if action == "push":
            views.push(user, view)
        else:
            views.update(view_id, view)
        return {"response_action": action}

    def _wrong(self, method: str, findings: list[Finding]) -> bool:
        """Record findings; whether any of them makes Slack refuse."""
        for finding in findings:
            self.hub.report(Problem(method, finding.text, finding.pointer, finding.warning))
        return any(not finding.warning for finding in findings)


def _true(value: object) -> bool:
    return value in (True, "true", "True", 1, "1")
