"""What a person does in Slack: says, uploads, types a command, clicks, fills in a form."""

import mimetypes
from typing import Any

from bot.sandbox import payloads, seed
from bot.sandbox.answers import Answers
from bot.sandbox.blocks import client_msg_id, escape, rich_text, typed
from bot.sandbox.delivery import Ack
from bot.sandbox.hub import Hub
from bot.sandbox.methods_files import MAX_FILE_BYTES
from bot.sandbox.state import File, Json, Post
from bot.sandbox.views import initial_values, interactive_elements, merge_values

LONG_PASTE = 12_000
"""Slack's client makes a text snippet of anything longer."""


class CantDo(Exception):
    """A person can't do this here; the text says why."""


class People:
    """The people of one sandbox."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.answers = Answers(hub)

    # --- messages and files -------------------------------------------------------------------

    def say(
        self,
        user: str,
        channel: str,
        text: str,
        thread_ts: str | None = None,
        files: list[str] | None = None,
    ) -> str:
        """Post a message; its timestamp. The app gets its events in the background."""
        workspace = self.hub.workspace
        conversation = self._member(user, channel)
        attached = [self._file(user, file) for file in files or []]
        if len(text) > LONG_PASTE:
            attached.append(self._snippet(user, text))
            text = ""
        if not text.strip() and not attached:
            raise CantDo("The message is empty. Type something or attach a file.")
        message: Json = {
            "type": "message",
            "user": user,
            "client_msg_id": client_msg_id(),
            "text": typed(text),
            "team": seed.TEAM_ID,
        }
        if text:
            message["blocks"] = rich_text(text)
        if attached:
            for file in attached:
                file.channels.add(channel)
            shared = [payloads.file_object(workspace, file) for file in attached]
            message.update(subtype="file_share", files=shared, upload=False, display_as_bot=False)
        if thread_ts:
            parent = workspace.find(channel, thread_ts)
            if parent is None:
                raise CantDo("That thread is gone.")
            message["thread_ts"] = parent.message.get("thread_ts", thread_ts)
            message["parent_user_id"] = parent.message.get("user", "")
        post = workspace.add(channel, message)
        workspace.mark_read(channel, user)
        self._announce(conversation, post, attached)
        return post.ts

    def _announce(self, conversation: seed.Conversation, post: Post, files: list[File]) -> None:
        if seed.BOT_USER not in conversation.members:
            return
        dispatcher = self.hub.dispatcher
        dispatcher.event(payloads.message_event(conversation, post.message))
        mentioned = f"<@{seed.BOT_USER}>" in post.message["text"]
        # A mention with a file may arrive as `message` alone (slackapi/bolt-python issue 925).
        if mentioned and conversation.kind != "im" and not files:
            dispatcher.event(payloads.mention_event(conversation, post.message))
        for file in files:
            dispatcher.event(
                {
                    "type": "file_shared",
                    "file_id": file.id,
                    "user_id": file.user,
                    "file": {"id": file.id},
                    "channel_id": conversation.id,
                    "event_ts": post.ts,
                }
            )

    def upload(
        self, user: str, name: str, data: bytes, mimetype: str = "", mode: str = "hosted"
    ) -> File:
        """Keep a file for a message that follows."""
        self._person(user)
        if not data:
            raise CantDo("The file is empty. Slack refuses empty files.")
        if len(data) > MAX_FILE_BYTES:
            raise CantDo(f"The file is larger than the sandbox's {MAX_FILE_BYTES // 10**6} MB.")
        workspace = self.hub.workspace
        guessed = mimetypes.guess_type(name)[0] or "application/octet-stream"
        file = File(
            id=workspace.new_id("F"),
            name=name,
            title=name,
            mimetype=mimetype or guessed,
            user=user,
            created=int(workspace.clock()),
            data=data,
            mode=mode,
        )
        workspace.files[file.id] = file
        return file

    def _snippet(self, user: str, text: str) -> File:
        return self.upload(user, "Untitled", text.encode(), "text/plain", "snippet")

    # --- commands and shortcuts ---------------------------------------------------------------

    async def command(self, user: str, channel: str, command: str, text: str = "") -> Ack:
        """Type a slash command."""
        conversation = self._member(user, channel)
        if command not in {known["command"] for known in seed.COMMANDS}:
            raise CantDo(f"{command} is not a command of this workspace.")
        self.hub.workspace.mark_read(channel, user)
        payload = payloads.slash_command(
            self.hub.workspace,
            user,
            conversation,
            command,
            escape(text.strip()),
            response_url=self.hub.tickets.response_url(channel, user),
            trigger_id=self.hub.tickets.trigger(user),
        )
        ack = await self.hub.dispatcher.request("slash_commands", payload)
        if not ack.ok:
            self._tell(user, f'{command} failed with the error "{ack.error}".')
        elif ack.payload:
            self.answers.to_command(channel, user, ack.payload)
        return ack

    async def shortcut(self, user: str, channel: str, ts: str, callback_id: str) -> Ack:
        """Use a message shortcut."""
        conversation = self._member(user, channel)
        post = self._post(user, channel, ts)
        if post.only_for:
            raise CantDo("Shortcuts don't work on messages that only you can see.")
        self.hub.workspace.mark_read(channel, user)
        url = self.hub.tickets.response_url(channel, user, ts, post.message.get("thread_ts"))
        payload = payloads.message_action(
            self.hub.workspace,
            user,
            conversation,
            post.message,
            callback_id,
            response_url=url,
            trigger_id=self.hub.tickets.trigger(user),
        )
        return self._done(user, await self.hub.dispatcher.request("interactive", payload))

    # --- clicks -------------------------------------------------------------------------------

    async def click(
        self, user: str, channel: str, ts: str, action_id: str, value: Any = None, **more: Any
    ) -> Ack:
        """Use a button or another element of a message.

        `more`: `block_id`, `state` (what other inputs hold), and for elements other than buttons
        their own fields, for example `selected_option`.
        """
        conversation = self._member(user, channel)
        post = self._post(user, channel, ts)
        blocks = post.message.get("blocks") or []
        state = merge_values(initial_values(blocks), more.pop("state", None) or {})
        action = self._action(blocks, action_id, value, more)
        ephemeral = post.only_for is not None
        thread = post.message.get("thread_ts")
        payload = payloads.block_actions(
            self.hub.workspace,
            user,
            action,
            payloads.in_message(conversation, post.message, state, ephemeral),
            response_url=self.hub.tickets.response_url(channel, user, ts, thread),
            trigger_id=self.hub.tickets.trigger(user),
        )
        self.hub.workspace.mark_read(channel, user)
        return self._done(user, await self.hub.dispatcher.request("interactive", payload))

    async def click_view(
        self, user: str, view_id: str, action_id: str, value: Any = None, **more: Any
    ) -> Ack:
        """Use an element of a modal or of the Home tab."""
        view = self._view(user, view_id)
        values = merge_values(initial_values(view["blocks"]), more.pop("state", None) or {})
        payload = payloads.block_actions(
            self.hub.workspace,
            user,
            self._action(view["blocks"], action_id, value, more),
            payloads.in_view(view, values),
            trigger_id=self.hub.tickets.trigger(user, view_id),
        )
        return self._done(user, await self.hub.dispatcher.request("interactive", payload))

    def _action(self, blocks: list[Json], action_id: str, value: Any, more: Json) -> Json:
        block_id = more.pop("block_id", None)
        for block, element in interactive_elements(blocks):
            if element["action_id"] == action_id and block_id in (None, "", block["block_id"]):
                break
        else:
            raise CantDo("That button is gone: the message has changed since.")
        action: Json = {
            "type": element["type"],
            "action_id": action_id,
            "block_id": block["block_id"],
            "action_ts": self.hub.workspace.next_ts(),
        }
        if element["type"] == "button":
            action["text"] = element["text"]
            for key in ("value", "url", "style"):
                if key in element:
                    action[key] = element[key]
        elif value is not None:
            action["value"] = value
        action.update({key: v for key, v in more.items() if v is not None and key != "type"})
        return action

    # --- modals and Home ----------------------------------------------------------------------

    async def submit(self, user: str, view_id: str, values: Json) -> Json:
        """Submit a modal; `{}`, or `response_action` with what the form shows."""
        view = self._view(user, view_id)
        entered = merge_values(initial_values(view["blocks"]), values)
        if errors := _missing(view["blocks"], entered):
            return {"response_action": "errors", "errors": errors}
        payload = payloads.view_submission(
            self.hub.workspace,
            user,
            view,
            entered,
            self.hub.tickets.trigger(user, view_id),
            self.answers.urls(user, view["blocks"], entered),
        )
        ack = await self.hub.dispatcher.request("interactive", payload)
        if not ack.ok:
            self._tell(user, "We had some trouble connecting. Try again?")
            return {"response_action": "errors", "errors": {}, "error": ack.error}
        return self.answers.to_submission(user, view_id, ack.payload)

    async def close(self, user: str, view_id: str, cleared: bool = False) -> Ack:
        """Close a modal without submitting."""
        view = self._view(user, view_id)
        self.hub.views.close(view_id)
        if not view["notify_on_close"]:
            return Ack(True)
        payload = payloads.view_closed(self.hub.workspace, user, view, cleared)
        return await self.hub.dispatcher.request("interactive", payload)

    def open_home(self, user: str, tab: str = "home") -> None:
        """Open the app's Home tab (or its messages)."""
        self._person(user)
        event: Json = {
            "type": "app_home_opened",
            "user": user,
            "channel": f"D{user[1:]}",
            "tab": tab,
            "event_ts": self.hub.workspace.next_ts(),
        }
        home = self.hub.views.home(user)
        if tab == "home" and home:
            event["view"] = home
        self.hub.dispatcher.event(event)

    # --- looking things up --------------------------------------------------------------------

    def _person(self, user: str) -> seed.User:
        person = self.hub.workspace.users.get(user)
        if person is None or person.is_bot:
            raise CantDo("There is no such person in this workspace.")
        return person

    def _member(self, user: str, channel: str) -> seed.Conversation:
        self._person(user)
        conversation = self.hub.workspace.conversations.get(channel)
        if conversation is None or user not in conversation.members:
            raise CantDo("You are not in that conversation.")
        return conversation

    def _post(self, user: str, channel: str, ts: str) -> Post:
        post = self.hub.workspace.find(channel, ts)
        if post is None or post.only_for not in (None, user):
            raise CantDo("That message is gone.")
        return post

    def _file(self, user: str, file_id: str) -> File:
        file = self.hub.workspace.files.get(file_id)
        if file is None or file.user != user:
            raise CantDo("That file is gone. Upload it again.")
        return file

    def _view(self, user: str, view_id: str) -> Json:
        self._person(user)
        view = self.hub.views.by_id.get(view_id)
        if view is None or self.hub.views.owners[view_id] != user:
            raise CantDo("That form is closed.")
        return view

    def _tell(self, user: str, text: str) -> None:
        self.hub.workspace.notice(user, "error", text)

    def _done(self, user: str, ack: Ack) -> Ack:
        if not ack.ok:
            self._tell(user, f'That didn\'t work: the app answered with "{ack.error}".')
        return ack


def _missing(blocks: list[Json], entered: Json) -> dict[str, str]:
    """What the client itself refuses to submit: required inputs left empty, text too short."""
    errors = {}
    for block in blocks:
        element = block.get("element")
        if block.get("type") != "input" or not isinstance(element, dict):
            continue
        entry = entered.get(block["block_id"], {}).get(element.get("action_id"), {})
        held = next((v for key, v in entry.items() if key != "type"), None)
        if held in (None, "", []):
            if not block.get("optional"):
                errors[block["block_id"]] = "Please complete this required field."
        elif isinstance(held, str):
            if len(held) < int(element.get("min_length", 0)):
                errors[block["block_id"]] = f"Write at least {element['min_length']} characters."
            elif len(held) > int(element.get("max_length", 3000)):
                limit = element.get("max_length", 3000)
                errors[block["block_id"]] = f"Write at most {limit} characters."
    return errors
