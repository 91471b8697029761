"""The classifier in force, looked up again now and then: a later `triage deploy` takes effect."""

import logging
import threading
import time
from collections.abc import Callable, Sequence

from mlops.classifier import Classifier, LocalClassifier, Note
from mlops.errors import NotFoundError, TriageError
from mlops.result import Recommendation

logger = logging.getLogger(__name__)

LOOK_AGAIN_SECONDS = 15.0


class ServingClassifier:
    """Asks whatever serves: an endpoint once there is one, else the model in this process.

    Args:
        find: Finds the classifier in force.
    """

    def __init__(self, find: Callable[[], Classifier]) -> None:
        self._find = find
        self._lock = threading.Lock()
        self._current: Classifier | None = None
        self._until = 0.0

    @property
    def model_version(self) -> str:
        """The version that answers now."""
        return self._classifier().model_version

    def classify(self, notes: Sequence[Note]) -> list[Recommendation]:
        """See `mlops.classifier.Classifier.classify`."""
        return self._classifier().classify(notes)

    def look_again(self) -> None:
        """Look what serves before the next note, however short ago that was."""
        with self._lock:
            self._until = 0.0

    def _classifier(self) -> Classifier:
        with self._lock:
            if self._current is None or time.monotonic() > self._until:
                found = self._look()
                # A model in this process takes a while to load: keep the one that is loaded.
                both_local = isinstance(found, LocalClassifier) and isinstance(
                    self._current, LocalClassifier
                )
                if self._current is None or not both_local:
                    self._current = found
                self._until = time.monotonic() + LOOK_AGAIN_SECONDS
            return self._current

    def _look(self) -> Classifier:
        """What serves now; what did, where that can't be found out: it may well answer."""
        try:
            return self._find()
        except NotFoundError:
            raise
        except TriageError as error:
            if self._current is None:
                raise
            logger.warning("What serves can't be looked up: %s", type(error).__name__)
            return self._current
