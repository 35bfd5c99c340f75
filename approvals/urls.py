"""The addresses of approvals."""

from django.urls import URLPattern, URLResolver

app_name = "approvals"

urlpatterns: list[URLPattern | URLResolver] = []
api_urlpatterns: list[URLPattern | URLResolver] = []
