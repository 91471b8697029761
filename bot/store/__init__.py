"""The bot's memory: SQLite or PostgreSQL through SQLAlchemy Core, shared by any number of bots.

It holds ids, outcomes and times. A note is there as an HMAC only.
"""

import time

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from bot.store.audit import Audit
from bot.store.decisions import Decisions
from bot.store.deliveries import LEASE_SECONDS, Deliveries
from bot.store.disagreements import Disagreements
from bot.store.labels import Labels, make_cipher
from bot.store.lock import DeployLock
from bot.store.migrations import migrate
from bot.store.owner import Owner
from bot.store.redeploys import Redeploys
from bot.store.retrains import Retrains
from bot.store.secret import note_key
from bot.store.traffic import Traffic
from mlops.database import make_engine
from mlops.errors import SettingsError
from mlops.settings import Settings

KEEP_DELIVERIES_SECONDS = 14 * 86_400.0
KEEP_OUTAGES_SECONDS = 60 * 86_400.0


class Store:
    """All tables, and this process as their user."""

    def __init__(
        self, engine: Engine, settings: Settings, lease_seconds: float = LEASE_SECONDS
    ) -> None:
        self._engine = engine
        key, cipher = note_key(settings), make_cipher(settings)
        self.owner = Owner(settings.triage_home)
        self.lease_seconds = lease_seconds
        self.deliveries = Deliveries(engine, self.owner, lease_seconds)
        self.decisions = Decisions(engine, key)
        self.retrains = Retrains(engine, self.owner, lease_seconds)
        self.redeploys = Redeploys(engine, self.owner, lease_seconds)
        self.lock = DeployLock(engine)
        self.traffic = Traffic(engine)
        self.disagreements = Disagreements(engine)
        self.labels = Labels(engine, cipher, settings.triage_notes_days)
        self.audit = Audit(engine)

    def renew(self) -> None:
        """Keep everything that this process works on."""
        self.deliveries.renew()
        self.retrains.renew()
        self.redeploys.renew()

    def prune(self) -> None:
        """Forget what is needed no more."""
        self.deliveries.prune(time.time() - KEEP_DELIVERIES_SECONDS)
        self.traffic.prune(time.time() - KEEP_OUTAGES_SECONDS)
        self.labels.purge()

    def close(self) -> None:
        """Leave unfinished work to others and disconnect."""
        try:
            self.deliveries.release()
            self.retrains.release()
            self.redeploys.release()
        finally:
            self.owner.close()
            self._engine.dispose()


def open_engine(settings: Settings) -> Engine:
    """The database that the settings name, brought to its newest version.

    Raises:
        SettingsError: it can't be used, and why.
    """
    engine = make_engine(settings.database)
    try:
        migrate(engine)
    except SQLAlchemyError as error:
        raise SettingsError(
            f"The database can't be used ({type(error).__name__}). Nothing was started. Check "
            "DATABASE_URL and that the server runs, or leave it empty for SQLite below TRIAGE_HOME."
        ) from None
    return engine


def open_store(settings: Settings, lease_seconds: float = LEASE_SECONDS) -> Store:
    """All tables of the database that the settings name, and this process as their user.

    Raises:
        SettingsError: it can't be used, and why.
    """
    return Store(open_engine(settings), settings, lease_seconds)
