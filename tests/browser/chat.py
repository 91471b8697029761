"""The page as a person uses it: by roles and names, as a screen reader would."""

import re
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

CARD_MS = 15_000


class Chat:
    """One open page."""

    def __init__(self, page: Page, complaints: list[str]) -> None:
        self.page = page
        self.complaints = complaints

    @property
    def box(self) -> Locator:
        """The message box of the conversation."""
        return self.page.get_by_role("textbox", name=re.compile("^Message "))

    @property
    def log(self) -> Locator:
        """The conversation."""
        return self.page.get_by_role("log", name="Messages", exact=True)

    @property
    def thread(self) -> Locator:
        """The thread panel's messages."""
        return self.page.get_by_role("log", name="Thread messages")

    @property
    def modal(self) -> Locator:
        """The dialog in front."""
        return self.page.get_by_role("dialog")

    def last(self, log: Locator | None = None) -> Locator:
        """The last message."""
        return (log or self.log).get_by_role("article").last

    def go(self, name: str) -> None:
        """Open a conversation."""
        self.page.get_by_role("navigation", name="Conversations").get_by_role(
            "button", name=re.compile(f"^{name},")
        ).click()

    def say(self, text: str) -> None:
        """Paste and send."""
        self.box.fill(text)
        self.send()

    def send(self) -> None:
        """Send what is in the box, and see it arrive (a command leaves nothing to see)."""
        messages = self.log.get_by_role("article")
        before = messages.count()
        is_command = self.box.input_value().startswith("/")
        self.box.press("Enter")
        if not is_command:
            expect(messages.nth(before)).to_be_visible()

    def card(self, log: Locator | None = None) -> Locator:
        """The answer at the end, waiting for a person's word, be it a recommendation or not."""
        last = self.last(log)
        waiting = last.get_by_role("button", name=re.compile("^(Agree|Decide…)$"))
        expect(waiting).to_be_visible(timeout=CARD_MS)
        return last

    def attach(self, *files: Path) -> None:
        """Choose files with the button."""
        with self.page.expect_file_chooser() as chooser:
            self.page.get_by_role("main").get_by_role("button", name="Attach files").click()
        chooser.value.set_files([str(file) for file in files])
