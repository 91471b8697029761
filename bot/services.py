"""What the listeners work with, made once per process: Slack, model, memory, threads."""

import logging
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, TypeVar

from bot.blocks.parts import Rendered
from bot.logs import whereabouts
from bot.places import Places
from bot.roles import Roles
from bot.serving import ServingClassifier
from bot.slack import Slack
from bot.store import Store, open_store
from bot.store.deliveries import LEASE_SECONDS
from bot.workers import Pool
from mlops.backends import Backend, get_backend
from mlops.classifier import Classifier, get_classifier
from mlops.settings import DEFAULT_ENDPOINT, Settings

logger = logging.getLogger(__name__)

NOTE_THREADS, NOTES_WAITING = 8, 1000
QUICK_THREADS, QUICK_WAITING = 16, 2000
JOB_THREADS, JOBS_WAITING = 4, 20
REMEMBERED = 200
SWEEP_SECONDS = 5.0
T = TypeVar("T")


@dataclass(frozen=True)
class ShownCard:
    """A card as it was posted, kept in memory for the click that changes it.

    Attributes:
        response_url: Where an ephemeral one can be replaced; "" for a message of the conversation.
    """

    message: Rendered
    response_url: str = ""


class Latest(Generic[T]):
    """Something for each of the latest decisions. In memory only: it is, or holds, note text."""

    def __init__(self, limit: int = REMEMBERED) -> None:
        self._limit = limit
        self._kept: OrderedDict[str, T] = OrderedDict()
        self._lock = threading.Lock()

    def remember(self, decision: str, thing: T) -> None:
        """Keep one, and let the oldest go."""
        with self._lock:
            self._kept[decision] = thing
            self._kept.move_to_end(decision)
            while len(self._kept) > self._limit:
                self._kept.popitem(last=False)

    def get(self, decision: str) -> T | None:
        """That of a decision, if it is still known."""
        with self._lock:
            return self._kept.get(decision)


class Services:
    """Everything a listener may use.

    Args:
        settings: Of this process.
        classifier: Who answers; None: the one the settings name.
        backend: Where training happens; None: the one the settings name, when first needed.
        store: The memory; None: the database the settings name.
        lease_seconds: How long a silent process keeps its work.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        classifier: Classifier | None = None,
        backend: Backend | None = None,
        store: Store | None = None,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        self.settings = settings
        self.slack = Slack(settings)
        self.store = store if store is not None else open_store(settings, lease_seconds)
        self.classifier: Classifier = classifier or ServingClassifier(
            lambda: get_classifier(settings, backend=self.backend)
        )
        self._backend = backend
        self.places = Places(self.slack)
        self.roles = Roles(self.slack)
        self.cards: Latest[ShownCard] = Latest()
        # What a person's word on a recommendation is about; filled where notes may be kept.
        self.texts: Latest[str] = Latest()
        # Views must open within three seconds, so clicks never queue behind notes.
        self.quick = Pool("quick", QUICK_THREADS, QUICK_WAITING)
        self.notes = Pool("notes", NOTE_THREADS, NOTES_WAITING)
        self.jobs = Pool("jobs", JOB_THREADS, JOBS_WAITING)
        self.stopping = threading.Event()
        self._wake = threading.Event()
        self._keeper: threading.Thread | None = None

    @cached_property
    def backend(self) -> Backend:
        """Where training and serving happen."""
        return self._backend if self._backend is not None else get_backend(self.settings)

    @property
    def endpoint(self) -> str:
        """The endpoint that the bot asks and changes the version of."""
        return self.settings.triage_endpoint or DEFAULT_ENDPOINT

    def allowed(self, user: str, action: str, target: str, channel: str) -> bool:
        """Whether a person may run an operation; a refusal is in the audit log.

        Args:
            user: Who asks, as a Slack ID.
            action: What for, such as `approve`.
            target: On what, such as a version; may be empty.
            channel: From where.
        """
        if self.roles.is_lead(user):
            return True
        self.store.audit.add(user, action, target, channel, "refused: not a lead")
        return False

    @property
    def kept_days(self) -> int | None:
        """How long notes with a verdict are kept for training; None: they aren't."""
        return self.settings.triage_notes_days if self.store.labels.wanted else None

    def look_again(self) -> None:
        """Something else may serve from now on."""
        if isinstance(self.classifier, ServingClassifier):
            self.classifier.look_again()

    def start(self) -> None:
        """Begin to renew leases and to look for work that other processes left."""
        if self._keeper is None:
            self._keeper = threading.Thread(target=self._keep, name="keeper", daemon=True)
            self._keeper.start()

    def look_for_left_work(self) -> None:
        """Look now: a connection has just been made."""
        self._wake.set()

    def _keep(self) -> None:
        from bot.recovery import recover

        pause = min(SWEEP_SECONDS, self.store.lease_seconds / 4)
        pruned = 0.0
        while not self.stopping.is_set():
            try:
                self.store.renew()
                recover(self)
                if time.monotonic() - pruned > 3600:
                    self.store.prune()
                    pruned = time.monotonic()
            except Exception as error:  # noqa: BLE001  the next round may succeed
                logger.error("keeper: %s", whereabouts(error))
            self._wake.wait(pause)
            self._wake.clear()

    def close(self, seconds: float = 20.0) -> None:
        """Finish what is under way within `seconds`, and leave the rest to another process."""
        deadline = time.monotonic() + seconds
        self.stopping.set()
        self._wake.set()
        for pool in (self.notes, self.quick, self.jobs):
            if not pool.drain(deadline):
                logger.warning("Stopped before everything was answered; the rest is kept.")
            pool.close()
        if self._keeper is not None:
            self._keeper.join(max(0.0, deadline - time.monotonic()))
        self.store.close()
