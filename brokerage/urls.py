"""The addresses of brokerage: /kill-switch/… and /api/v1/kill-switch/…"""

from django.urls import URLPattern, URLResolver, path

from brokerage import api, views

app_name = "brokerage"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.kill_switch, name="kill_switch"),
    path("trigger/", views.trigger, name="trigger"),
    path("request-reset/", views.request_reset, name="request_reset"),
    path("approve-reset/", views.approve_reset, name="approve_reset"),
    path("refuse-reset/", views.refuse_reset, name="refuse_reset"),
]

api_urlpatterns: list[URLPattern | URLResolver] = [
    path("kill-switch", api.KillSwitchView.as_view(), name="kill_switch"),
    path("kill-switch/trigger", api.TriggerView.as_view(), name="kill_trigger"),
    path("kill-switch/request-reset", api.RequestResetView.as_view(), name="kill_request_reset"),
    path("kill-switch/approve-reset", api.ApproveResetView.as_view(), name="kill_approve_reset"),
    path("kill-switch/refuse-reset", api.RefuseResetView.as_view(), name="kill_refuse_reset"),
]
