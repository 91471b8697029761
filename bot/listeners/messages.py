"""Messages: direct ones, mentions, and files that come with either."""

from collections.abc import Callable, Mapping
from typing import Any

from slack_bolt import App, BoltContext

from bot.answering import submit_message
from bot.intake import is_answerable, mentions
from bot.services import Services
from bot.store.deliveries import Request

Payload = Mapping[str, Any]


def register(app: App, services: Services) -> None:
    """Answer messages; each is claimed before it is acknowledged, so that none can get lost."""

    def claim(
        body: Payload, event: Payload, context: BoltContext, next: Callable[[], None]
    ) -> None:
        if event.get("channel_type"):
            services.places.hint(str(event.get("channel")), str(event["channel_type"]))
        request = request_in(body, event, _bot_user(services, body))
        context["delivery"] = services.store.deliveries.claim(request) if request else None
        next()

    def answer(event: Payload, context: BoltContext) -> None:
        if context["delivery"] is not None:
            submit_message(services, context["delivery"], event)

    def ignore() -> None:
        """The message that a file comes with is what is answered."""

    app.event("message", middleware=[claim])(answer)
    app.event("app_mention", middleware=[claim])(answer)
    app.event("file_shared")(ignore)


def request_in(body: Payload, event: Payload, bot_user: str) -> Request | None:
    """What a message asks of the bot, or None if it is not for it.

    Args:
        body: The whole payload, for the event's id.
        event: The message.
        bot_user: The bot's own user id.
    """
    if not is_answerable(event) or event.get("user") == bot_user:
        return None
    channel, ts, place = event["channel"], event["ts"], str(event.get("channel_type") or "")
    direct = place == "im" or channel.startswith("D")
    mentioned = event.get("type") == "app_mention" or mentions(event, bot_user)
    if not (direct or mentioned):
        return None
    return Request(
        # A mention comes as two events, and both have the message's own time.
        key=f"{channel}:{ts}",
        kind="message" if direct else "mention",
        channel=channel,
        user=event["user"],
        asked=float(ts),
        place=place or ("im" if direct else ""),
        source_ts=ts,
        thread_ts=event.get("thread_ts") or (None if direct else ts),
        event_id=body.get("event_id"),
    )


def _bot_user(services: Services, body: Payload) -> str:
    """The bot's user id, from the payload where the server has no `auth.test`."""
    if services.slack.identity.user:
        return services.slack.identity.user
    entries = body.get("authorizations") or []
    return next((str(entry.get("user_id")) for entry in entries if entry.get("is_bot")), "")
