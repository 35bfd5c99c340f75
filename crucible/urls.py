"""Every address of the product: pages, the REST API, live updates, the admin."""

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path
from django.views.generic import TemplateView
from drf_spectacular.views import SpectacularAPIView

import approvals.urls
import brokerage.urls
import validation.urls
from crucible.api import healthz
from crucible.live.views import live

api_urlpatterns = [
    path("schema", login_not_required(SpectacularAPIView.as_view()), name="schema"),
    *brokerage.urls.api_urlpatterns,
    *validation.urls.api_urlpatterns,
    *approvals.urls.api_urlpatterns,
]

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("live", live, name="live"),
    path("status/", TemplateView.as_view(template_name="_status.html"), name="status"),
    path("login/", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("admin/", admin.site.urls),
    path("api/v1/", include((api_urlpatterns, "api"))),
    path("kill-switch/", include("brokerage.urls")),
    path("signoffs/", include("approvals.urls")),
    path("", include("validation.urls")),
]

if settings.DEBUG or settings.DEMO:
    urlpatterns.append(
        path(
            "styleguide/", TemplateView.as_view(template_name="styleguide.html"), name="styleguide"
        )
    )
