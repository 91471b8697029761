"""`triage promote`: what Approve does in Slack, after the same comparison."""

from typing import TYPE_CHECKING

import click

from mlops.cli.options import console, echo_json, json_option, open_backend
from mlops.cli.redeploy import leave_if_returned, report, watch_option

if TYPE_CHECKING:
    from mlops.comparing import Comparing
    from mlops.watching import Outcome


@click.command(short_help="Compare a version, and serve it if it passes.")
@click.argument("version")
@click.option("--endpoint", metavar="NAME", help="Its name; default: TRIAGE_ENDPOINT.")
@click.option(
    "--data",
    metavar="FOLDER|CSV|s3://…",
    help="What to compare on: a dataset folder, or Kaggle's mtsamples.csv; "
    "without it the corpus that is shipped.",
)
@watch_option
@json_option
def promote(
    version: str, endpoint: str | None, data: str | None, watch: float | None, as_json: bool
) -> None:
    """Compare a version with the champion, and serve it if it meets every criterion.

    The champion is what the endpoint serves, or the shipped version where there is none. A
    version that passes is approved, deployed in place and watched, as by `triage redeploy`; one
    that doesn't is left as it is.

    Exit codes: 0 serves now, 1 refused, failed or went back.

    \b
    Examples:
      triage promote shipped
      triage promote 5e21 --watch 0
      triage promote 5e21 --data mtsamples.csv --json
    """
    from bot.terminal import recorded, who
    from mlops import watching
    from mlops.comparing import compare
    from mlops.operations import champion, judge, prepare_data
    from mlops.settings import DEFAULT_ENDPOINT, get_settings

    settings = get_settings()
    name = endpoint or settings.triage_endpoint or DEFAULT_ENDPOINT
    compared: Comparing | None = None
    done: Outcome | None = None
    minutes = settings.triage_watch_minutes if watch is None else watch
    with (
        recorded("promote", f"{version} at {name}", deploys=True) as outcome,
        console(stderr=True).status("Preparing the data") as status,
    ):
        backend = open_backend()
        challenger = backend.version(version).name
        serving = champion(backend, name).name
        if challenger != serving:
            dataset = prepare_data(settings.triage_home, data, say=status.update)
            compared = compare(
                settings.triage_home, backend, serving, challenger, dataset, status.update
            )
        if compared is None or compared.passed:
            judge(backend, challenger, "Approved", who())
            # What serves already has nothing to be watched beside.
            seconds = minutes * 60 if compared is not None else 0.0
            done = watching.redeploy(backend, name, challenger, seconds, status.update)
            outcome.result = done.summary
        else:
            failed = [c["name"] for c in compared.comparison["checks"] if not c["passed"]]
            outcome.result = f"refused by the gate: {', '.join(failed)}"
    if as_json:
        comparison = None if compared is None else compared.comparison
        echo_json(
            {
                "comparison": comparison,
                "endpoint": done and done.endpoint,
                "findings": done.findings if done else (),
                "returned": done is not None and done.returned,
            }
        )
    else:
        _say(compared)
        if done is not None:
            report(done)
    if done is None:
        click.echo(
            f"Refused: {challenger} does not meet every criterion. {serving} serves on. "
            "To serve it all the same: triage endpoints update",
            err=True,
        )
        raise click.exceptions.Exit(1)
    leave_if_returned(done, challenger)


def _say(compared: "Comparing | None") -> None:
    if compared is None:
        return
    for check in compared.comparison["checks"]:
        mark = (
            click.style("ok    ", fg="green")
            if check["passed"]
            else click.style("fails ", fg="red")
        )
        click.echo(f"{mark}{check['sentence']}")
    click.echo(f"Report: {compared.folder / 'report.html'}")
