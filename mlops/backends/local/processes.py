"""Starting the processes of this backend: on their own, with nothing but what they need.

They outlive the command or the bot that started them, hold none of its pipes open, and see none of
its secrets.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import mlops

# Slack tokens, cloud keys and database addresses are no business of a training job.
_PASSED_ON = (
    "HOME", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "PATH", "SYSTEMROOT", "TMPDIR", "TZ",
    "USER", "VIRTUAL_ENV", "TRIAGE_ERROR_TARGET", "TRIAGE_PREPARED",
)  # fmt: skip
PACKAGE_ROOT = Path(mlops.__file__).resolve().parents[1]


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variables for a process of ours: the machine's, ours, and no secrets."""
    variables = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    variables["PYTHONUNBUFFERED"] = "1"
    return variables | dict(extra or {})


def start_module(
    module: str, arguments: Sequence[str], *, log: Path, folder: Path, pass_fds: Sequence[int]
) -> int:
    """Start `python -m module` in a session of its own, and return its process id.

    Args:
        log: Where its output goes, added at the end.
        folder: Its working folder.
        pass_fds: Descriptors that it inherits.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", module, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=folder,
            env=environment({"PYTHONPATH": str(PACKAGE_ROOT)}),
            start_new_session=True,
            pass_fds=pass_fds,
        )
    # A long-lived parent, such as the bot, would keep a finished child as a zombie.
    threading.Thread(target=process.wait, daemon=True, name=f"reap-{process.pid}").start()
    return process.pid
