"""Things that are good for a short while: trigger ids, response URLs, Socket Mode tickets."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

TRIGGER_SECONDS = 3.0
RESPONSE_URL_SECONDS = 30 * 60.0
RESPONSE_URL_USES = 5


@dataclass
class Trigger:
    """A `trigger_id`: one modal, soon, for this person."""

    user: str
    expires: float
    view_id: str | None
    used: bool = False


@dataclass
class ResponseUrl:
    """Where an answer to a command or a click goes."""

    channel: str
    user: str
    expires: float
    message_ts: str | None = None
    thread_ts: str | None = None
    uses: int = 0


@dataclass
class Tickets:
    """All that are out. `clock` gives seconds."""

    clock: Callable[[], float]
    url: str = ""
    trigger_seconds: float = TRIGGER_SECONDS
    triggers: dict[str, Trigger] = field(default_factory=dict)
    response_urls: dict[str, ResponseUrl] = field(default_factory=dict)
    socket_tickets: set[str] = field(default_factory=set)

    def trigger(self, user: str, view_id: str | None = None) -> str:
        """A new trigger id; `view_id` is the modal it came from, which `views.push` needs."""
        key = f"{secrets.randbelow(10**12)}.{secrets.randbelow(10**12)}.{secrets.token_hex(16)}"
        self.triggers[key] = Trigger(user, self.clock() + self.trigger_seconds, view_id)
        return key

    def exchange(
        self, key: str
    ) -> Trigger | Literal["invalid_trigger_id", "expired_trigger_id", "exchanged_trigger_id"]:
        """Use a trigger id up, or say in Slack's words why it can't be used."""
        trigger = self.triggers.get(key)
        if trigger is None:
            return "invalid_trigger_id"
        if trigger.used:
            return "exchanged_trigger_id"
        if self.clock() > trigger.expires:
            return "expired_trigger_id"
        trigger.used = True
        return trigger

    def response_url(
        self, channel: str, user: str, message_ts: str | None = None, thread_ts: str | None = None
    ) -> str:
        """A new response URL: five uses within half an hour."""
        key = secrets.token_urlsafe(18)
        expires = self.clock() + RESPONSE_URL_SECONDS
        self.response_urls[key] = ResponseUrl(channel, user, expires, message_ts, thread_ts)
        return f"{self.url}/response/{key}"

    def use_response_url(
        self, key: str
    ) -> ResponseUrl | Literal["invalid_url", "expired_url", "used_url"]:
        """Count one use, or say why there is none left."""
        target = self.response_urls.get(key)
        if target is None:
            return "invalid_url"
        if self.clock() > target.expires:
            return "expired_url"
        if target.uses >= RESPONSE_URL_USES:
            return "used_url"
        target.uses += 1
        return target

    def socket_ticket(self) -> str:
        """A ticket for one Socket Mode connection."""
        ticket = secrets.token_urlsafe(18)
        self.socket_tickets.add(ticket)
        return ticket

    def use_socket_ticket(self, ticket: str) -> bool:
        """True once for each ticket given out."""
        if ticket in self.socket_tickets:
            self.socket_tickets.remove(ticket)
            return True
        return False
