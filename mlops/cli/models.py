"""`triage models`: list and show model versions."""

import click

from mlops.cli.options import console, echo_json, json_option, open_backend


@click.group()
def models() -> None:
    """List and show model versions.

    \b
    Examples:
      triage models list
      triage models show shipped
    """


@models.command(name="list")
@json_option
def list_models(as_json: bool) -> None:
    """List every version, newest first.

    \b
    Examples:
      triage models list
      triage models list --json
    """
    backend = open_backend()
    versions = backend.versions()
    if as_json:
        echo_json(versions)
        return
    if not versions:
        click.echo("No model versions yet. Train one with: triage train")
        return
    from rich.table import Table

    from mlops.cli.jobs import age

    serving: dict[str, list[str]] = {}
    for endpoint in backend.endpoints():
        serving.setdefault(endpoint.version, []).append(endpoint.name)
    table = Table(box=None, pad_edge=False)
    for heading in ("version", "made", "metrics", "from", "served by"):
        table.add_column(heading)
    for version in versions:
        metrics = "  ".join(f"{name} {value:.4f}" for name, value in version.metrics.items())
        origin = "shipped" if version.shipped else (version.job or "")
        served = ", ".join(serving.get(version.name, ()))
        table.add_row(version.name, age(version.created), metrics, origin, served)
    console().print(table)


@models.command()
@click.argument("version")
@json_option
def show(version: str, as_json: bool) -> None:
    """Show a version with its metrics and where it comes from.

    VERSION is its name, the first letters of it, or "shipped".

    \b
    Examples:
      triage models show shipped
      triage models show 5e21 --json
    """
    found = open_backend().version(version)
    if as_json:
        echo_json(found)
        return
    rows = [
        ("version", found.name + (" (shipped)" if found.shipped else "")),
        ("made", found.created.isoformat(timespec="seconds")),
        *((name, f"{value:.4f}") for name, value in found.metrics.items()),
        ("job", found.job or "none"),
        ("data", found.data_sha256 or "not known"),
        ("code", found.code_version or "not known"),
        ("artifact", found.artifact),
    ]
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        click.echo(f"{name:<{width}}  {value}")
