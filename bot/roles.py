"""Who may run operations: the people and user groups in TRIAGE_LEADS, by Slack ID. Else nobody."""

import threading
import time

from bot.slack import Slack

CACHE_SECONDS = 120.0


class Roles:
    """Team leads, with the members of their user groups remembered for a while."""

    def __init__(self, slack: Slack) -> None:
        self._slack = slack
        self.leads = slack.settings.triage_leads
        self._members: dict[str, tuple[float, frozenset[str]]] = {}
        self._lock = threading.Lock()

    def is_lead(self, user: str) -> bool:
        """Whether a person is a lead. A group that can't be looked up has no members."""
        if user in self.leads:
            return True
        groups = [entry for entry in self.leads if entry.startswith("S")]
        return any(user in self._group(group) for group in groups)

    def _group(self, group: str) -> frozenset[str]:
        with self._lock:
            known = self._members.get(group)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        answer = self._slack.call("usergroups.users.list", usergroup=group)
        users = (answer or {}).get("users")
        members = frozenset(users) if isinstance(users, list) else frozenset()
        if answer is not None:
            with self._lock:
                self._members[group] = (time.monotonic() + CACHE_SECONDS, members)
        return members
