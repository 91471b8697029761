"""Runs a command for as long as its parent lives: `child.py COMMAND…`, with a pipe as input.

When the pipe ends, because the parent closed it or was killed, everything that the command started
is killed. SIGTERM is passed on; the exit code is the command's.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading


def main() -> int:
    """Run the command in a process group of its own."""
    asked = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: asked.set())
    process = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, start_new_session=True)
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    if asked.is_set():
        process.terminate()

    def end_with_parent() -> None:
        while os.read(0, 1024):
            pass
        kill_group(process.pid)

    threading.Thread(target=end_with_parent, daemon=True).start()
    code = process.wait()
    kill_group(process.pid)
    return 128 - code if code < 0 else code


def kill_group(group: int) -> None:
    """Kill what is left of a process group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
