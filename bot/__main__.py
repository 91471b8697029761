"""`python -m bot`: the bot in Socket Mode, as `triage bot` runs it."""

import sys

from bot.main import run
from mlops.errors import TriageError
from mlops.settings import get_settings


def main() -> int:
    """Exit codes: 0 stopped, 1 could not start."""
    try:
        run(get_settings())
    except TriageError as error:
        sys.stderr.write(f"Error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
