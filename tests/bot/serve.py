"""A bot process of its own for tests that kill it: `python -m tests.bot.serve SECONDS`.

It is `bot.main.run` with a model that takes its time.
"""

import sys

from bot import services
from bot.main import run
from mlops.classifier import LocalClassifier
from mlops.settings import get_settings
from mlops.shipped import ARTIFACT
from tests.bot.running import Slowly

slow = Slowly(LocalClassifier(ARTIFACT), float(sys.argv[1]))
services.get_classifier = lambda _settings, **_: slow  # type: ignore[assignment]
run(get_settings())
