"""`python -m bot.sandbox`: the sandbox by itself, for a bot that is started elsewhere."""

import time

import click

from bot.sandbox.server import Sandbox


@click.command()
@click.option("--port", default=4000, show_default=True, help="Port on 127.0.0.1; 0 for any.")
@click.option(
    "--request-url", default="", help="HTTP mode: the address of the bot's /slack/events."
)
def main(port: int, request_url: str) -> None:
    """Run a local stand-in for Slack, and say how to point a bot at it.

    \b
    Examples:
      python -m bot.sandbox
      python -m bot.sandbox --port 4001 --request-url http://127.0.0.1:3000/slack/events
    """
    sandbox = Sandbox(port, mode="http" if request_url else "socket", request_url=request_url)
    try:
        sandbox.start()
    except OSError:
        raise click.ClickException(
            f"Port {port} is taken. Nothing was started. Choose another with --port."
        ) from None
    click.echo(f"Slack sandbox: {sandbox.url}   (Ctrl-C stops it and forgets everything)\n")
    click.echo("Point a bot at it:")
    click.echo(f"  export SLACK_API_URL={sandbox.api_url}")
    click.echo(f"  export SLACK_BOT_TOKEN={sandbox.bot_token}")
    if request_url:
        click.echo(f"  export SLACK_SIGNING_SECRET={sandbox.signing_secret}")
        click.echo("  gunicorn --bind 127.0.0.1:3000 bot.http:app")
    else:
        click.echo(f"  export SLACK_APP_TOKEN={sandbox.app_token}")
        click.echo("  triage bot")
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        click.echo("\nStopped.")
    finally:
        sandbox.stop()


if __name__ == "__main__":
    main()
