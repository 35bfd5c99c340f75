"""Messages to the workers: written with the change they tell of, sent after its commit."""

import logging
from datetime import timedelta

from celery import current_app
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from validation import lease
from validation.database_clock import after
from validation.models import Outbox, Session

logger = logging.getLogger(__name__)
TASKS = {"session.execute": "validation.tasks.execute_session"}
# A message may be lost after it was sent: as long as nobody has claimed the session, send again.
SEND_AGAIN_AFTER = timedelta(seconds=30)
UNDELIVERED = (OperationalError, RedisError, OSError)


def post(topic: str, **payload: object) -> Outbox:
    """Store a message in the caller's transaction and send it once that has committed."""
    message = Outbox.objects.create(topic=topic, payload=payload)
    transaction.on_commit(lambda: deliver(message))
    return message


def deliver(message: Outbox) -> bool:
    """Send one message; a broker that is away only logs, since the sweeper sends again."""
    Outbox.objects.filter(pk=message.pk).update(tries=F("tries") + 1)
    try:
        current_app.send_task(
            TASKS[message.topic], kwargs=message.payload, retry=False,
            headers={"correlation": message.correlation},
        )  # fmt: skip
    except UNDELIVERED as error:
        logger.warning("%s not sent, will be sent again: %s", message, error)
        return False
    Outbox.objects.filter(pk=message.pk).update(delivered_at=Now())
    return True


def deliver_again(limit: int = 20) -> int:
    """Send what was never delivered, or whose session nobody has claimed; return how many went."""
    sent = 0
    for message in Outbox.objects.filter(delivered_at=None).order_by("pk")[:limit]:
        if not deliver(message):
            return sent
        sent += 1
    for number in _unclaimed():
        message = Outbox.objects.filter(payload__number=number).latest("pk")
        sent += deliver(message)
    return sent


def _unclaimed() -> list[str]:
    """Return sessions that still wait although their message went out some time ago."""
    waiting = Session.objects.filter(lease.waiting()).values_list("number", flat=True)
    fresh = after(-SEND_AGAIN_AFTER)
    return [
        number
        for number in waiting
        if not Outbox.objects.filter(payload__number=number, delivered_at=None).exists()
        and not Outbox.objects.filter(payload__number=number, delivered_at__gt=fresh).exists()
        and Outbox.objects.filter(payload__number=number).exists()
    ]
