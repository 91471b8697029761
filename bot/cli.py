"""`triage bot` and `triage demo`."""

import signal
import threading
import time
import webbrowser
from pathlib import Path

import click

from mlops.settings import get_settings

DEMO_PORT = 4000


@click.command(short_help="Run the Slack bot.")
def bot() -> None:
    """Run the Slack bot in Socket Mode, until Ctrl-C or SIGTERM.

    It needs SLACK_BOT_TOKEN and SLACK_APP_TOKEN (README, "Connect a Slack workspace"). What is
    under way when it is stopped is finished; what a crash interrupts is answered after the next
    start. For HTTP mode run the web line of the Procfile.

    \b
    Examples:
      triage doctor && triage bot
      SLACK_API_URL=http://127.0.0.1:4000/api/ triage bot
    """
    from bot.main import run

    run(get_settings())


@click.command(short_help="Run everything on this machine, with a stand-in for Slack.")
@click.option("--port", default=DEMO_PORT, show_default=True, help="Port of the page.")
@click.option("--open/--no-open", "show", default=True, help="Open the page in a browser.")
@click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    help="State folder; by default demo/ below TRIAGE_HOME.",
)
def demo(port: int, show: bool, home: Path | None) -> None:
    """Run everything on this machine: a stand-in for Slack, an endpoint and the bot.

    No Slack workspace and no AWS account are needed, and nothing leaves this machine. Ctrl-C
    stops it all.

    \b
    Examples:
      triage demo
      triage demo --port 4100 --no-open
    """
    from bot.demo import running

    # Ends the same way from a terminal (Ctrl-C) and from a supervisor (SIGTERM).
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = home or get_settings().triage_home / "demo"
    begun = time.monotonic()
    with running(folder, port, lambda line: click.echo(f"  {line}")) as slack:
        click.echo(f"  Ready in {time.monotonic() - begun:.1f} s")
        click.secho(f"\n  {slack.url}\n", bold=True)
        click.echo("  Paste a note, drop a file, or click an example. Ctrl-C stops everything.")
        if show:
            webbrowser.open(slack.url)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            click.echo("\n  Stopping …")
    click.echo("  Everything is stopped.")
