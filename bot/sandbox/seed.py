"""The workspace a sandbox starts with: who is there, where they talk, what the app may do."""

from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["channel", "private", "im", "mpim"]

TEAM_ID = "T0SANDBOX"
TEAM_NAME = "Sandbox Clinic"
TEAM_DOMAIN = "sandbox"
APP_ID = "A0SANDBOX"
APP_NAME = "Referral Triage"
BOT_ID = "B0BOT"
BOT_USER = "U0BOT"


@dataclass(frozen=True)
class User:
    """A person, or the bot."""

    id: str
    name: str
    real_name: str
    title: str
    color: str
    is_bot: bool = False


@dataclass
class Conversation:
    """A channel, a private channel or a direct message, and who is in it."""

    id: str
    name: str
    kind: Kind
    topic: str
    members: set[str] = field(default_factory=set)

    @property
    def channel_type(self) -> str:
        """As in a message event's `channel_type`."""
        return {"channel": "channel", "private": "group"}.get(self.kind, self.kind)

    @property
    def payload_name(self) -> str:
        """As in the `channel_name` of a slash command: private names are not given away."""
        names = {"im": "directmessage", "private": "privategroup", "mpim": self.name}
        return names.get(self.kind, self.name)


USERS = (
    User("U0ANA", "ana", "Ana Ruiz", "Care coordinator", "8a4b08"),
    User("U0LEO", "leo", "Leo Brandt", "Team lead", "2b5fa4"),
    User("U0MEI", "mei", "Mei Tanaka", "Care coordinator", "7a3e7e"),
    User("U0IDA", "ida", "Ida Novak", "Team lead", "3d6b2f"),
    User(BOT_USER, "referral_triage", APP_NAME, "", "0b5c58", is_bot=True),
)
PEOPLE = tuple(user.id for user in USERS if not user.is_bot)
USERGROUPS = {"S0LEADS": ("triage-leads", "Triage leads", ("U0LEO", "U0IDA"))}


def conversations() -> list[Conversation]:
    """A fresh set: two public channels, a private one, and everybody's direct message."""
    everyone = {*PEOPLE, BOT_USER}
    shared = [
        Conversation(
            "C0REFERRALS", "referrals", "channel", "New referrals, read and answered", everyone
        ),
        Conversation("C0GENERAL", "general", "channel", "Everything else", set(everyone)),
        Conversation(
            "G0SURGERY",
            "surgery-desk",
            "private",
            "Surgery scheduling",
            {"U0ANA", "U0LEO", "U0IDA", "U0BOT"},
        ),
    ]
    direct = [Conversation(f"D{user[1:]}", "", "im", "", {user, BOT_USER}) for user in PEOPLE]
    return shared + direct


# What manifest.yml says of the app; a test compares the two.
COMMANDS = (
    {
        "command": "/triage",
        "description": "Recommend Surgery or Consultation for a note.",
        "usage_hint": "[the note, or nothing for a form]",
    },
    {
        "command": "/retrain",
        "description": "Train, compare and approve a new model version (team leads).",
        "usage_hint": "[now | tune N | status | stop | help, or nothing for a form]",
    },
    {
        "command": "/redeploy",
        "description": "Have another model version answer, or go back (team leads).",
        "usage_hint": "[VERSION | rollback | status | lock REASON | unlock | help, or nothing]",
    },
)
SHORTCUTS = ({"callback_id": "triage_note", "name": "Triage this note"},)
SCOPES = frozenset(
    {
        "app_mentions:read",
        "assistant:write",
        "channels:history",
        "channels:read",
        "chat:write",
        "commands",
        "files:read",
        "files:write",
        "groups:history",
        "groups:read",
        "im:history",
        "im:read",
        "im:write",
        "mpim:history",
        "mpim:read",
        "usergroups:read",
    }
)
EVENTS = frozenset(
    {
        "app_home_opened",
        "app_mention",
        "message.channels",
        "message.groups",
        "message.im",
        "message.mpim",
        # Not in the manifest. Slack sends it to apps that subscribe to it for each file of a
        # message, beside the message itself: the bot must not answer twice.
        "file_shared",
    }
)
