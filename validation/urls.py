"""The addresses of validation: pages at the root, the API under /api/v1/."""

from django.urls import URLPattern, URLResolver, path

from validation.api.urls import urlpatterns as api_urlpatterns
from validation.views import (
    artefacts,
    attempts,
    board,
    checklist,
    comparison,
    config,
    dashboard,
    differences,
    edge_cases,
    reports,
    sessions,
    steering,
    timeline,
    uploads,
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("", dashboard.dashboard, name="dashboard"),
    path("help/", dashboard.help_page, name="help"),
    path("alerts/<int:pk>/acknowledge/", dashboard.alert_acknowledge, name="alert_acknowledge"),
    path("catalogue/", attempts.listing, name="catalogue"),
    path("catalogue/edge-cases/", edge_cases.page, name="edge_cases"),
    path("sessions/", sessions.listing, name="sessions"),
    path("sessions/start/", sessions.start, name="session_start"),
    path("sessions/<slug:number>/", sessions.detail, name="session"),
    path("sessions/<slug:number>/abort/", sessions.abort, name="session_abort"),
    path("sessions/<slug:number>/rerun/", sessions.rerun, name="session_rerun"),
    path("sessions/<slug:number>/preflight/", steering.preflight, name="session_preflight"),
    path("sessions/<slug:number>/preflight/<slug:code>/", steering.attest, name="session_attest"),
    path("sessions/<slug:number>/run/", steering.run, name="session_run"),
    path("sessions/<slug:number>/pause/", steering.pause, name="session_pause"),
    path("sessions/<slug:number>/resume/", steering.resume, name="session_resume"),
    path("sessions/<slug:number>/finish/", steering.finish, name="session_finish"),
    path("sessions/<slug:number>/turn/", steering.turn, name="session_turn"),
    path("sessions/<slug:number>/warnings/", steering.acknowledge, name="session_warnings"),
    path("ci/<int:pk>/session/", steering.import_upload, name="upload_session"),
    path("sessions/<slug:number>/log/", sessions.log, name="session_log"),
    path("sessions/<slug:number>/timeline/", timeline.part, name="session_timeline"),
    path("sessions/<slug:number>/checklist/", checklist.page, name="checklist"),
    path("sessions/<slug:number>/checklist/<str:code>/", checklist.item, name="checklist_item"),
    path("sessions/<slug:number>/report/", reports.page, name="report"),
    path("sessions/<slug:number>/report/write/", reports.write, name="report_write"),
    path("sessions/<slug:number>/gateway-log/", artefacts.upload_log, name="gateway_log"),
    path("sessions/<slug:number>/archive.zip", artefacts.archive, name="archive"),
    path("sessions/<slug:number>/files/<str:name>", artefacts.download, name="artefact"),
    path("sessions/<slug:number>/compare/", comparison.page, name="compare"),
    path("sessions/<slug:number>/report.<str:form>", reports.download, name="report_download"),
    path(
        "sessions/<slug:number>/scenarios/<str:scenario>/<int:n>/", attempts.detail, name="attempt"
    ),
    path("differences/", differences.listing, name="differences"),
    path("differences/<int:pk>/", differences.detail, name="difference"),
    path("differences/<int:pk>/propose/", differences.propose, name="difference_propose"),
    path("differences/<int:pk>/approve/", differences.approve, name="difference_approve"),
    path("differences/<int:pk>/refuse/", differences.refuse, name="difference_refuse"),
    path("board/", board.page, name="board"),
    path("board/<str:code>/move/", board.move, name="task_move"),
    path("board/<str:code>/comment/", board.comment, name="task_comment"),
    path("config/", config.listing, name="config"),
    path("config/import/", config.import_yaml, name="config_import"),
    path("config/<int:number>/", config.detail, name="config_revision"),
    path("config/<int:number>.yaml", config.export, name="config_export"),
    path("config/<int:number>/<slug:action>/", config.act, name="config_act"),
    path("ci/", uploads.listing, name="uploads"),
    path("ci/<int:pk>/", uploads.detail, name="upload"),
]

__all__ = ["api_urlpatterns", "urlpatterns"]
