"""The one message of a redeployment: posted once, changed in place."""

from bot.blocks.redeploy import card, marker
from bot.placing import place
from bot.services import Services
from bot.store.redeploys import Redeploy


def show(services: Services, row: Redeploy) -> Redeploy:
    """Bring its message to how it stands; the row with where the message is."""
    message = card(row, services.settings.triage_approval_hours)
    return place(services, services.store.redeploys, row, message, marker(row))
