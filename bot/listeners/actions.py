"""The buttons of the cards, and the choices in forms that change what the form shows."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from slack_bolt import Ack, App

from bot.blocks import redeploy
from bot.blocks.board import REDEPLOY, RETRAIN
from bot.blocks.board import SETTLE as WORKLIST
from bot.blocks.card import AGREE, CORRECT
from bot.blocks.retrain import APPROVE, REJECT, STOP
from bot.blocks.retrain_form import DATA, MODE
from bot.blocks.settle import SETTLE
from bot.blocks.versions import BACK_NOW, DEPLOY
from bot.handover import hand_over
from bot.home import clicked_retrain
from bot.redeploying.asking import clicked_back, clicked_deploy, clicked_list
from bot.redeploying.deciding import clicked_approve, clicked_cancel, clicked_roll_back
from bot.retraining.asking import redraw
from bot.retraining.deciding import approve, reject, stop
from bot.services import Services
from bot.settling import open_worklist, settle
from bot.verdicts import agree, open_correction

Payload = Mapping[str, Any]
ACTIONS: Mapping[str, Callable[[Services, Payload], None]] = {
    AGREE: agree,
    CORRECT: open_correction,
    STOP: stop,
    APPROVE: approve,
    REJECT: reject,
    DATA: redraw,
    MODE: redraw,
    redeploy.ROLL_BACK: clicked_roll_back,
    redeploy.APPROVE: clicked_approve,
    redeploy.CANCEL: clicked_cancel,
    DEPLOY: clicked_deploy,
    BACK_NOW: clicked_back,
    RETRAIN: clicked_retrain,
    REDEPLOY: clicked_list,
    WORKLIST: open_worklist,
    **dict.fromkeys(SETTLE.values(), settle),
}


def register(app: App, services: Services) -> None:
    """Acknowledge at once; what follows runs on the bot's own threads."""

    def listen(function: Callable[[Services, Payload], None]) -> Callable[[Ack, Payload], None]:
        def on_action(ack: Ack, body: Payload) -> None:
            ack()
            hand_over(services, services.quick, body, partial(function, services, body))

        return on_action

    for action, function in ACTIONS.items():
        app.action(action)(listen(function))
