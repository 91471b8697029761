"""`triage deploy`: an endpoint that serves a model version."""

import click

from mlops.backends.options import Hosting
from mlops.cli.options import console, echo_json, json_option, open_backend
from mlops.cli.where import options_of


@click.command()
@click.argument("version", required=False)
@click.option("--endpoint", metavar="NAME", help="Its name; default: TRIAGE_ENDPOINT.")
@options_of(Hosting)
@json_option
def deploy(version: str | None, endpoint: str | None, hosting: Hosting, as_json: bool) -> None:
    """Create an endpoint that serves a model version.

    VERSION is a version's name, the first letters of it, or "shipped"; the newest one if left out.
    To change what an endpoint serves, use `triage endpoints update`.

    \b
    Examples:
      triage deploy
      triage deploy shipped --endpoint second-opinion
      triage deploy --instance-type ml.m5.large --instance-count 2 --scale-to 4
    """
    from bot.terminal import recorded
    from mlops.settings import DEFAULT_ENDPOINT, get_settings

    name = endpoint or get_settings().triage_endpoint or DEFAULT_ENDPOINT
    with recorded("deploy", f"{version or 'the newest'} at {name}", deploys=True) as outcome:
        backend = open_backend()
        chosen = version or newest()
        with console(stderr=True).status(f"Creating {name} with {chosen}"):
            created = backend.deploy(name, chosen, hosting)
        outcome.result = f"serving {created.version}"
    if as_json:
        echo_json(created)
        return
    at = f" at {created.url}" if created.url else ""
    click.echo(f"{created.name} serves {created.version}{at}")
    click.echo(f"Ask it: triage classify --endpoint {created.name} FILE")


def newest() -> str:
    """The newest version.

    Raises:
        NotFoundError: if there is none.
    """
    from mlops.errors import NotFoundError

    versions = open_backend().versions()
    if not versions:
        raise NotFoundError(
            "There is no model version yet. Nothing was changed. Train one with: triage train"
        )
    return versions[0].name
