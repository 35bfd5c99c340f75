"""Health: is the process up, and does its database answer."""

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.utils import timezone


@login_not_required
def healthz(request: HttpRequest) -> JsonResponse:
    """Liveness without login and without secrets; 503 when the database can't be read."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        connection.close()
        return JsonResponse({"status": "database unavailable"}, status=503)
    body = {"status": "ok", "serverTime": timezone.now().isoformat(), "tradingMode": "PAPER"}
    return JsonResponse(body)
