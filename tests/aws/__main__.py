"""`python -m tests.aws [--port 5555]`: the test server for a person at a terminal."""

import argparse
import signal
import sys
import threading

from tests.aws.server import AwsServer


def main() -> None:
    """Serve until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m tests.aws")
    parser.add_argument("--port", type=int, default=0)
    server = AwsServer(port=parser.parse_args().port)
    server.start()
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    for name, value in server.variables.items():
        sys.stdout.write(f"export {name}={value}\n")
    sys.stdout.flush()
    ended.wait()
    server.stop()


if __name__ == "__main__":
    main()
