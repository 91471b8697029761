"""The tables as the code uses them now; `migrations` is how they came to be."""

from typing import Any

from sqlalchemy import Column, Float, Integer, LargeBinary, MetaData, String, Table

_METADATA = MetaData()


def _text(name: str, *, key: bool = False) -> Column[str]:
    return Column(name, String, primary_key=key)


def _work(name: str, *columns: Column[Any]) -> Table:
    """A table of `bot.store.work`: what every piece of work has, and what this kind adds."""
    return Table(
        name,
        _METADATA,
        _text("id", key=True),
        _text("slot"),
        _text("user_id"),
        _text("channel"),
        _text("message_ts"),
        _text("state"),
        Column("started", Float),
        Column("ended", Float),
        _text("owner"),
        Column("lease_until", Float),
        _text("findings"),
        _text("failure"),
        _text("stop_by"),
        _text("decided_by"),
        Column("decided", Float),
        Column("expires", Float),
        Column("revision", Integer),
        Column("shown", Integer),
        *columns,
    )


deliveries = Table(
    "deliveries",
    _METADATA,
    _text("id", key=True),
    _text("key"),
    _text("event_id"),
    _text("kind"),
    _text("place"),
    _text("channel"),
    _text("source_ts"),
    _text("thread_ts"),
    _text("user_id"),
    Column("asked", Float),
    _text("state"),
    _text("outcome"),
    Column("attempts", Integer),
    _text("owner"),
    Column("lease_until", Float),
)

parts = Table(
    "parts",
    _METADATA,
    _text("id", key=True),
    _text("delivery_id"),
    _text("name"),
    _text("reply_channel"),
    _text("reply_ts"),
    _text("state"),
)

decisions = Table(
    "decisions",
    _METADATA,
    _text("id", key=True),
    _text("text_hmac"),
    _text("recommendation"),
    Column("probability", Float),
    Column("confidence", Float),
    _text("document_type"),
    _text("warnings"),
    _text("model_version"),
    _text("kind"),
    _text("user_id"),
    _text("channel"),
    _text("reply_ts"),
    _text("thread_ts"),
    Column("decided", Float),
    Column("latency_ms", Integer),
    Column("characters", Integer),
)

outages = Table(
    "outages",
    _METADATA,
    Column("id", Integer, primary_key=True),
    Column("at", Float),
    _text("kind"),
)

verdicts = Table(
    "verdicts",
    _METADATA,
    _text("decision_id", key=True),
    _text("verdict"),
    _text("answer"),
    _text("reason"),
    _text("user_id"),
    Column("given", Float),
)

retrains = _work(
    "retrains",
    _text("job"),
    _text("version"),
    _text("options"),
    _text("champion"),
    Column("restarts", Integer),
)

redeploys = _work(
    "redeploys",
    _text("action"),
    _text("endpoint"),
    _text("version"),
    _text("previous"),
    Column("watch_until", Float),
)

deploy_lock = Table(
    "deploy_lock",
    _METADATA,
    Column("place", Integer, primary_key=True),
    _text("locked_by"),
    _text("reason"),
    Column("since", Float),
)

opinions = Table(
    "opinions",
    _METADATA,
    _text("decision_id", key=True),
    _text("user_id", key=True),
    _text("answer"),
    Column("given", Float),
)

settlements = Table(
    "settlements",
    _METADATA,
    _text("text_hmac", key=True),
    _text("answer"),
    _text("user_id"),
    Column("given", Float),
)

labels = Table(
    "labels",
    _METADATA,
    _text("decision_id", key=True),
    _text("text_hmac"),
    _text("user_id"),
    _text("sender_id"),
    _text("label"),
    Column("ciphertext", LargeBinary),
    Column("created", Float),
    Column("expires", Float),
)

audit = Table(
    "audit",
    _METADATA,
    Column("id", Integer, primary_key=True),
    Column("at", Float),
    _text("user_id"),
    _text("action"),
    _text("target"),
    _text("channel"),
    _text("result"),
    _text("previous"),
    _text("hash"),
)
