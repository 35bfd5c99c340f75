"""Wire Crucible together: settings, URLs, Celery, ASGI, and the ground that every app stands on."""
