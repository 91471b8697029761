"""The `triage` command as a whole: quick, documented, and clear about what went wrong."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from mlops import cli
from mlops.cli import COMMANDS, triage

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
HEAVY = {"bot", "boto3", "numpy", "pandas", "pydantic", "rich", "sklearn", "sqlalchemy", "xgboost"}


def walk(command: click.Command, path: str = "triage") -> Iterator[tuple[str, click.Command]]:
    """Every command and group below `command`, with how to type it."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from walk(found, f"{path} {name}")


ALL = dict(walk(triage))
LEAVES = {path: command for path, command in ALL.items() if not isinstance(command, click.Group)}


def running(*arguments: str) -> str:
    """Code that runs the command and throws away what it prints."""
    return (
        "import contextlib, io, mlops.cli\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        f"    mlops.cli.main({list(arguments)!r})"
    )


def imported_by(code: str) -> set[str]:
    """Top-level packages that a fresh interpreter has imported after running `code`."""
    script = f"{code}\nimport sys; print(*{{m.partition('.')[0] for m in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_help_imports_nothing_heavy() -> None:
    assert not imported_by(running("--help")) & HEAVY


def test_classify_imports_no_training_library_and_no_sagemaker() -> None:
    found = imported_by(running("classify", str(ROOT / "README.md")))
    assert "numpy" in found
    # XGBoost would import scikit-learn and pandas where they are installed.
    trains = {"xgboost", "sklearn", "scipy", "pandas", "optuna"}
    assert not found & {*trains, "sagemaker", "slack_bolt", "boto3"}


@pytest.mark.parametrize("path", ALL)
def test_every_command_has_help(path: str) -> None:
    result = CliRunner().invoke(triage, [*path.split()[1:], "--help"])
    assert result.exit_code == 0, result.output
    assert ALL[path].help


@pytest.mark.parametrize("path", LEAVES)
def test_every_help_has_examples_of_itself(path: str) -> None:
    result = CliRunner().invoke(triage, [*path.split()[1:], "--help"])
    assert "Examples:" in result.output
    assert path in result.output.partition("Examples:")[2]


def test_the_list_of_commands_says_what_they_say() -> None:
    for name, (_, line) in COMMANDS.items():
        command = ALL[f"triage {name}"]
        assert command.get_short_help_str(limit=100) == line, name


@pytest.mark.parametrize("path", LEAVES)
def test_every_command_is_in_the_readme(path: str) -> None:
    group, _, name = path.removeprefix("triage ").partition(" ")
    line = next(
        line
        for line in README.splitlines()
        if line.startswith("| `triage " + group) or f"`triage {group}`" in line
    )
    assert not name or f"{name}`" in line, line


def test_unknown_command_is_wrong_usage() -> None:
    assert CliRunner().invoke(triage, ["clasify"]).exit_code == 2


def test_an_error_is_one_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRIAGE_BACKEND", "nonsense")
    with pytest.raises(SystemExit) as done:
        cli.main(["models", "list"])
    assert done.value.code == 1
    error = capsys.readouterr().err
    assert error.startswith("Error: A setting is wrong: TRIAGE_BACKEND")
    assert "Traceback" not in error
    assert "nonsense" not in error


def test_interrupted(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mlops.settings.Settings.__init__", interrupt)
    with pytest.raises(SystemExit) as done:
        cli.main(["models", "list"])
    assert done.value.code == 130
    assert "Interrupted" in capsys.readouterr().err
