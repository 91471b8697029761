"""The tables as the code uses them now; `migrations` is how they came to be."""

from sqlalchemy import Column, Float, Integer, MetaData, String, Table

_METADATA = MetaData()


def _text(name: str, *, key: bool = False) -> Column[str]:
    return Column(name, String, primary_key=key)


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

retrains = Table(
    "retrains",
    _METADATA,
    _text("id", key=True),
    _text("slot"),
    _text("job"),
    _text("user_id"),
    _text("channel"),
    _text("message_ts"),
    _text("state"),
    _text("version"),
    Column("started", Float),
    Column("ended", Float),
    _text("owner"),
    Column("lease_until", Float),
    _text("options"),
    _text("champion"),
    _text("findings"),
    _text("failure"),
    Column("restarts", Integer),
    _text("stop_by"),
    _text("decided_by"),
    Column("decided", Float),
    Column("expires", Float),
    Column("revision", Integer),
    Column("shown", Integer),
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
