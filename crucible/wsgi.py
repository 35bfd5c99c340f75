"""The WSGI entry point, for servers without ASGI; live pages fall back to polling there."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crucible.settings")

application = get_wsgi_application()
