"""The environment of the conformance run: built once, and again when a version here changes."""

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from mlops.backends.local.runner import processors

HERE = Path(__file__).parent
ROOT = HERE.parents[1] / ".venv-conformance"
IMAGE_PYTHON = (3, 12)


@dataclass(frozen=True)
class Environment:
    """A Python with AWS's toolkits.

    Attributes:
        python: The interpreter.
        containers: The folder of sagemaker-containers, for `PYTHONPATH`.
        version: Of the interpreter, such as `3.12`.
    """

    python: Path
    containers: Path
    version: str


def environment() -> Environment:
    """The environment, built if it is not there.

    Raises:
        subprocess.CalledProcessError: if a package can't be installed.
    """
    base = _base_python()
    version = _version(base)
    stamp = hashlib.sha256(f"{base} {version}".encode())
    for name in ("toolkits.txt", "containers.txt"):
        stamp.update((HERE / name).read_bytes())
    built = ROOT / "built"
    found = Environment(ROOT / "bin" / "python", ROOT / "containers", version)
    if built.is_file() and built.read_text() == stamp.hexdigest():
        return found
    shutil.rmtree(ROOT, ignore_errors=True)
    subprocess.run([base, "-m", "venv", str(ROOT)], check=True)
    pip = [str(found.python), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    subprocess.run([*pip, "--requirement", str(HERE / "toolkits.txt")], check=True)
    apart = ["--no-deps", "--no-build-isolation", "--target", str(found.containers)]
    subprocess.run([*pip, *apart, "--requirement", str(HERE / "containers.txt")], check=True)
    built.write_text(stamp.hexdigest())
    return found


def run(env: Environment, arguments: list[str], folder: Path, **variables: str) -> str:
    """Run a Python command there, with the toolkits' base folder in `folder`, and give its output.

    Raises:
        RuntimeError: with the end of its output, if it fails.
    """
    installed = folder / "installed"
    installed.mkdir(parents=True, exist_ok=True)
    kept = {name: os.environ[name] for name in ("HOME", "PATH", "LANG") if name in os.environ}
    done = subprocess.run(
        [str(env.python), *arguments],
        cwd=folder,
        env={
            **kept,
            "SAGEMAKER_BASE_DIR": str(folder / "opt" / "ml"),
            # Where sagemaker-containers installs our code, instead of the environment itself.
            "PIP_TARGET": str(installed),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PYTHONPATH": f"{env.containers}:{installed}",
            # As many as the local backend takes: the last digit of a sum depends on its parts.
            "OMP_NUM_THREADS": str(processors()),
            **variables,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{arguments} ended with {done.returncode}:\n{done.stdout[-4000:]}")
    return done.stdout


def _base_python() -> str:
    """The image's Python if this machine has it, or the one that runs this."""
    name = "python{}.{}".format(*IMAGE_PYTHON)
    found = shutil.which(name)
    if found is not None and _version(found) == "{}.{}".format(*IMAGE_PYTHON):
        return found
    return sys.executable


def _version(python: str) -> str:
    """Major and minor version of an interpreter; '' if it does not run."""
    code = "import sys; print('{}.{}'.format(*sys.version_info[:2]))"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    return done.stdout.strip()
