"""What Slack sends, each kind in a module: acknowledge, hand over to a thread of the bot's own."""

from slack_bolt import App

from bot.listeners import actions, commands, home, messages, shortcuts, unhandled, views
from bot.services import Services


def register(app: App, services: Services) -> None:
    """Register every listener; what nobody wants comes last and is acknowledged all the same."""
    for module in (messages, commands, actions, shortcuts, views, home, unhandled):
        module.register(app, services)
