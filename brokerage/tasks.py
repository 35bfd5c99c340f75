"""What Celery calls: look whether the gateways are there."""

from asgiref.sync import async_to_sync
from celery import shared_task

from brokerage.gateway import probe
from brokerage.models import Endpoint

FRESH_SECONDS = 25.0


@shared_task(name="brokerage.tasks.probe_endpoints", max_retries=0, ignore_result=True)
def probe_endpoints() -> None:
    """Look at every gateway that nobody has spoken to for a while, so that none looks unknown."""
    for endpoint in Endpoint.objects.all():
        async_to_sync(probe)(endpoint, fresh_for=FRESH_SECONDS)
