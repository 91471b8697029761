"""The `triage` command: each command lives in a module of its own, imported when it is used."""

import importlib
import sys
from collections.abc import Sequence
from typing import Any

import click

from mlops import __version__
from mlops.container.errors import place_of
from mlops.errors import TriageError

# Where each command lives, and its one line in `triage --help`. Kept here so that the help needs no
# import of theirs; a test compares the lines with the commands' own.
COMMANDS = {
    "classify": ("mlops.cli.classify:classify", "Recommend Surgery or Consultation for notes."),
    "dataset": ("mlops.cli.dataset:dataset", "Build the data that models are trained on."),
    "train": ("mlops.cli.train:train", "Train a model version."),
    "tune": ("mlops.cli.tune:tune", "Search for better hyperparameters."),
    "evaluate": ("mlops.cli.evaluate:evaluate", "Score a model version on labelled notes."),
    "models": (
        "mlops.cli.models:models",
        "List, show, compare, register and judge model versions.",
    ),
    "deploy": ("mlops.cli.deploy:deploy", "Create an endpoint that serves a model version."),
    "endpoints": ("mlops.cli.endpoints:endpoints", "Show, update, roll back, delete endpoints."),
    "jobs": ("mlops.cli.jobs:jobs", "Follow and stop training and tuning jobs."),
    "promote": ("mlops.cli.promote:promote", "Compare a version, and serve it if it passes."),
    "redeploy": (
        "mlops.cli.redeploy:redeploy",
        "Serve a version, watch it, go back if it is worse.",
    ),
    "lock": ("bot.lock_cli:lock", "Lock deploying, for everybody."),
    "bot": ("bot.cli:bot", "Run the Slack bot."),
    "demo": ("bot.cli:demo", "Run everything on this machine, with a stand-in for Slack."),
    "audit": ("bot.audit_cli:audit", "Check and export the log of operations."),
    "feedback": ("bot.feedback_cli:feedback", "List and delete notes kept for training."),
    "doctor": ("bot.doctor:doctor", "Check the set-up, and name the fix."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported only when one is run or asked for its help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order people use them, not of the alphabet."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command, or nothing if there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what a person can act on becomes one sentence and exit code 1."""
        try:
            return super().invoke(ctx)
        except TriageError as error:
            raise click.ClickException(str(error)) from error
        except ModuleNotFoundError as error:
            extra = _extra_that_has(error.name or "")
            if extra is None:
                raise
            raise click.ClickException(
                f"This command needs {error.name}, which the base install leaves out. "
                f"Nothing was changed. Install it with: pip install 'referral-triage[{extra}]'"
            ) from error


def _extra_that_has(module: str) -> str | None:
    """The extra of pyproject.toml that brings `module`, if one does."""
    extras = {
        "train": {"matplotlib", "optuna", "pandas", "sklearn", "yaml"},
        "sandbox": {"multipart", "python_multipart", "starlette", "uvicorn", "websockets"},
        "sagemaker": {"sagemaker"},
        "postgres": {"psycopg"},
    }
    top = module.partition(".")[0]
    return next((extra for extra, modules in extras.items() if top in modules), None)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="triage")
def triage() -> None:
    """Surgery or Consultation? Recommends one for a medical note, with its evidence.

    \b
    Examples:
      triage classify letter.pdf            one note
      pbpaste | triage classify -           from a pipe
      triage demo                           the bot, in a stand-in for Slack
      triage train && triage deploy         a model of your own

    It supports a clinician's decision and never replaces it.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of the `triage` script.

    Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
    """
    try:
        status = triage.main(args=arguments, prog_name="triage", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted. What was finished is kept.", err=True)
        sys.exit(130)
    except Exception as error:  # noqa: BLE001  a defect of ours: still no stack trace for a person
        click.echo(f"Error: {_unexpected(error)}", err=True)
        sys.exit(1)
    # `ctx.exit(1)` comes back as a number here; a command's own return value is None.
    sys.exit(status or 0)


def _unexpected(error: Exception) -> str:
    """The sentence for a defect: where it happened, without its message, which may hold a note."""
    return (
        f"Something went wrong that should not have ({place_of(error)}). "
        "What was finished before is kept. Please report it with this line; `triage doctor` may "
        "name the cause."
    )
