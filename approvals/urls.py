"""The addresses of approvals: /signoffs/… and /api/v1/signoffs/…"""

from django.urls import URLPattern, URLResolver, path

from approvals import api, views

app_name = "approvals"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.inbox, name="inbox"),
    path("submit/<str:subject>/", views.submit, name="submit"),
    path("<int:pk>/", views.show, name="request"),
    path("<int:pk>/decide/", views.decide, name="decide"),
    path("<int:pk>/withdraw/", views.withdraw, name="withdraw"),
    path("<int:pk>/manifest.json", views.manifest_file, name="manifest"),
]

api_urlpatterns: list[URLPattern | URLResolver] = [
    path("signoffs/<int:pk>", api.SignoffView.as_view(), name="signoff"),
    path("signoffs/<int:pk>/decision", api.DecisionView.as_view(), name="signoff_decision"),
    path("approvals/pending", api.PendingView.as_view(), name="approvals_pending"),
]
