"""gunicorn's settings for the bot: what is missing is said once, before any worker starts."""

import sys
from typing import Any

# Its socket would lie in the home folder, one for all.
control_socket_disable = True


def on_starting(_server: Any) -> None:
    """Called in gunicorn's own process. 3 is its code for what can't boot."""
    from bot.http import check_settings
    from mlops.errors import TriageError
    from mlops.settings import get_settings

    try:
        check_settings(get_settings())
    except TriageError as error:
        sys.stderr.write(f"Error: {error}\n")
        sys.exit(3)
