"""The training store: notes that somebody agreed to or corrected, encrypted, for a limited time.

It is empty unless the workspace has opted in (`TRIAGE_KEEP_NOTES`). A note is in it as ciphertext
only (Fernet: AES-128-CBC with HMAC-SHA256), under a key that is in
the settings and not in the database.
"""

import time
from dataclasses import dataclass

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy import ColumnElement, Engine, RowMapping, and_, delete, insert, or_, select
from sqlalchemy.exc import IntegrityError

from bot.store import tables
from bot.store.audit import append
from bot.store.disagreements import disputed
from mlops.data.records import LABELS, Record
from mlops.errors import DataError, SettingsError
from mlops.settings import Settings

DAY_SECONDS = 86_400.0
SOURCE = "correction"
TABLE = tables.labels


@dataclass(frozen=True)
class Label:
    """A kept note, without its text.

    Attributes:
        id: Of the decision, and of the note in `triage feedback`.
        user: Who said so.
        sender: Who sent the note.
        label: What is right: Surgery or Consultation.
        expires: When it is deleted, in seconds since the epoch.
    """

    id: str
    user: str
    sender: str
    label: str
    created: float
    expires: float


def make_cipher(settings: Settings) -> MultiFernet | None:
    """What encrypts notes; None where none may be kept.

    Raises:
        SettingsError: notes shall be kept, and the key is missing or none.
    """
    if not settings.triage_keep_notes:
        return None
    given = settings.triage_notes_key.get_secret_value() if settings.triage_notes_key else ""
    try:
        return MultiFernet([Fernet(key.strip()) for key in given.split(",")])
    except ValueError:
        state = "is no key" if given else "is not set"
        raise SettingsError(
            f"TRIAGE_KEEP_NOTES is on and TRIAGE_NOTES_KEY {state}. Nothing was started and no "
            "note was kept. Make a key with: triage feedback key"
        ) from None


class Labels:
    """The table `labels`.

    Args:
        engine: Of the database.
        cipher: None: nothing is kept, and what is there can only be deleted.
        days: How long a note is kept.
    """

    def __init__(self, engine: Engine, cipher: MultiFernet | None, days: int) -> None:
        self._engine = engine
        self._cipher = cipher
        self._days = days

    @property
    def wanted(self) -> bool:
        """Whether notes may be kept."""
        return self._cipher is not None

    def keep(self, decision: str, user: str, sender: str, label: str, text: str) -> bool:
        """Keep a note with its label, once; False if it may not be kept or is there already.

        Args:
            decision: Which recommendation the label is about.
            user: Who gave the label.
            sender: Who sent the note.
            label: `Surgery` or `Consultation`; a label that a lead has settled goes before.
            text: The note; it leaves this method as ciphertext only.
        """
        if self._cipher is None or label not in LABELS:
            return False
        d, s = tables.decisions.c, tables.settlements.c
        now = time.time()
        try:
            with self._engine.begin() as connection:
                of = connection.execute(select(d.text_hmac).where(d.id == decision)).scalar()
                settled = connection.execute(select(s.answer).where(s.text_hmac == of)).scalar()
                right = settled or label
                if of is None or right not in LABELS:
                    return False
                row = {
                    "decision_id": decision,
                    "text_hmac": of,
                    "user_id": user,
                    "sender_id": sender,
                    "label": right,
                    "ciphertext": self._cipher.encrypt(text.encode()),
                    "created": now,
                    "expires": now + self._days * DAY_SECONDS,
                }
                connection.execute(insert(TABLE).values(row))
        except IntegrityError:
            return False
        return True

    def all(self) -> list[Label]:
        """Every kept note, newest first, without text."""
        columns = [column for column in TABLE.c if column.name != "ciphertext"]
        with self._engine.begin() as connection:
            rows = connection.execute(select(*columns).order_by(TABLE.c.created.desc()))
            return [_label(row) for row in rows.mappings()]

    def records(self, since: float = 0.0, until: float | None = None) -> list[Record]:
        """What a next version can learn from, oldest first; each note once, disputed ones never.

        Args:
            since: Only what was kept after that, in seconds since the epoch.
            until: Only what was kept before that; None: all.

        Raises:
            DataError: notes are there that the key in the settings can't read.
        """
        if self._cipher is None:
            return []
        c, end = TABLE.c, time.time() if until is None else until
        wanted = and_(
            c.created > since,
            c.created <= end,
            c.expires > time.time(),
            c.text_hmac.not_in(disputed()),
        )
        with self._engine.begin() as connection:
            rows = connection.execute(select(TABLE).where(wanted).order_by(c.created)).mappings()
            latest = {row["text_hmac"]: row for row in rows}
        records, unreadable = [], 0
        for row in latest.values():
            try:
                text = self._cipher.decrypt(bytes(row["ciphertext"])).decode()
            except InvalidToken:
                unreadable += 1
                continue
            id = f"{SOURCE}-{row['decision_id']}"
            records.append(Record(id, text, row["label"], id, SOURCE))
        if unreadable:
            raise DataError(
                f"{unreadable} of {len(latest)} kept notes can't be read with TRIAGE_NOTES_KEY. "
                "Nothing was started and nothing was deleted. Put the key that they were kept "
                "under after the new one, separated by a comma, or delete them with: triage "
                "feedback delete"
            )
        return records

    def delete_note(self, decision: str, by: str, place: str) -> int:
        """Delete one note and every copy of the same text; how many went.

        Args:
            decision: Its id.
            by: Who wants it, for the audit log.
            place: From where.
        """
        of = select(tables.decisions.c.text_hmac).where(tables.decisions.c.id == decision)
        return self._delete(TABLE.c.text_hmac.in_(of), by, decision, place)

    def delete_person(self, person: str, by: str, place: str) -> int:
        """Delete every note that a person sent or gave the label for; how many went."""
        theirs = or_(TABLE.c.user_id == person, TABLE.c.sender_id == person)
        return self._delete(theirs, by, person, place)

    def delete_all(self, by: str, place: str) -> int:
        """Delete every kept note; how many went."""
        return self._delete(TABLE.c.decision_id.is_not(None), by, "all", place)

    def purge(self) -> int:
        """Delete what has been kept long enough; how many went."""
        with self._engine.begin() as connection:
            late = delete(TABLE).where(TABLE.c.expires <= time.time())
            return int(connection.execute(late).rowcount)

    def _delete(self, which: ColumnElement[bool], by: str, target: str, place: str) -> int:
        with self._engine.begin() as connection:
            gone = int(connection.execute(delete(TABLE).where(which)).rowcount)
            append(connection, by, "delete notes", target, place, f"{gone} deleted")
        return gone


def _label(row: RowMapping) -> Label:
    return Label(
        id=row["decision_id"],
        user=row["user_id"],
        sender=row["sender_id"],
        label=row["label"],
        created=row["created"],
        expires=row["expires"],
    )
