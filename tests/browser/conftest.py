"""A browser, a sandbox, and a page that may not misbehave."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from bot.sandbox.server import Sandbox
from tests.browser.chat import Chat

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
WAIT_MS = 8000

OpenPage = Callable[..., Chat]


# Not for the session: while Playwright's synchronous API lives, no other event loop can run in
# this thread, and other folders have asynchronous tests.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Headless Chromium, or a skip that says how to get it."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed (on Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield running
        running.close()


@pytest.fixture(scope="package")
def empty() -> Iterator[Sandbox]:
    """A sandbox that no bot is connected to."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Opens a sandbox's page as somebody, in a browser profile of its own.

    At the end: no request went to another host, and the console holds no error.
    """
    contexts = []
    complaints: list[str] = []

    def watch(page: Page, sandbox: Sandbox) -> None:
        def on_request(request: Any) -> None:
            if not request.url.startswith((sandbox.url, "data:", "blob:")):
                complaints.append(f"request to {request.url}")

        def on_console(message: Any) -> None:
            if message.type in ("error", "warning"):
                complaints.append(f"console {message.type}: {message.text}")

        page.on("request", on_request)
        page.on("console", on_console)
        page.on("pageerror", lambda error: complaints.append(f"exception: {error}"))

    def start(sandbox: Sandbox, user: str = "U0ANA", *, where: str = "", **options: Any) -> Chat:
        context = browser.new_context(
            viewport=options.pop("viewport", {"width": 1280, "height": 800}), **options
        )
        context.set_default_timeout(WAIT_MS)
        contexts.append(context)
        if user != "U0ANA":
            context.add_init_script(f"sessionStorage.setItem('sandbox-person', '{user}')")
        page = context.new_page()
        watch(page, sandbox)
        page.goto(f"{sandbox.url}/{where}")
        page.get_by_role("heading", level=1).wait_for()
        return Chat(page, complaints)

    yield start
    for context in contexts:
        context.close()
    assert complaints == []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test in this folder drives a browser."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.browser)
