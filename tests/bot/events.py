"""Weeks of answered notes for tests: written as the bot writes them, then moved back in time."""

import random
import time

from sqlalchemy import update

from bot.services import Services
from bot.store.decisions import Asked
from bot.store.tables import decisions
from mlops.result import Recommendation

DAY = 86_400.0


def past(bot: Services, version: str, days: int = 40, *, busy: int = 12, seed: int = 1) -> int:
    """Notes of the last `days`, some with a verdict; how many.

    In the last week they are longer and more of them are for surgery.
    """
    draw = random.Random(seed)
    count = 0
    for day in range(days):
        weekend = (time.gmtime(time.time() - day * DAY).tm_wday) >= 5
        for _ in range(draw.randint(1, 3) if weekend else busy + draw.randint(-4, 4)):
            recent = day < 7
            probability = min(0.99, max(0.01, draw.betavariate(3 if recent else 1.2, 1.4)))
            said = "Surgery" if probability > 0.5 else "Consultation"
            if 0.4 < probability < 0.6:
                said = "Needs review"
            confidence = None if said == "Needs review" else max(probability, 1 - probability)
            answer = Recommendation(
                "",
                said,
                probability,
                confidence,
                "referral",
                (),
                version,  # type: ignore[arg-type]
            )
            id = f"past-{seed}-{count}"
            asked = Asked("message", draw.choice(("U0ANA", "U0MEI")), "D0ANA")
            text = "x" * draw.randint(300, 900) * (3 if recent else 1)
            bot.store.decisions.record(id, text, answer, asked, draw.randint(180, 900))
            if draw.random() < 0.5 and said != "Needs review":
                agreed = draw.random() < 0.9
                other = "Consultation" if said == "Surgery" else "Surgery"
                right = said if agreed else other
                verb = "agreed" if agreed else "corrected"
                bot.store.decisions.judge(id, verb, right, None, "U0ANA")  # type: ignore[arg-type]
            at = time.time() - day * DAY - draw.uniform(0, 0.4) * DAY
            with bot.store._engine.begin() as connection:
                connection.execute(update(decisions).where(decisions.c.id == id).values(decided=at))
            count += 1
    return count
