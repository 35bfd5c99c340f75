"""The addresses of validation's API, under /api/v1/."""

from django.urls import URLPattern, URLResolver, path

from validation.api import artefacts, checklists, configuration, sessions, uploads

urlpatterns: list[URLPattern | URLResolver] = [
    path("sessions", sessions.SessionList.as_view(), name="sessions"),
    path("sessions/<slug:number>", sessions.SessionDetail.as_view(), name="session"),
    path("sessions/<slug:number>/abort", sessions.SessionAbort.as_view(), name="session_abort"),
    path("sessions/<slug:number>/rerun", sessions.SessionRerun.as_view(), name="session_rerun"),
    path("sessions/<slug:number>/results", sessions.SessionResults.as_view(), name="results"),
    path("sessions/<slug:number>/metrics", sessions.SessionMetrics.as_view(), name="metrics"),
    path("sessions/<slug:number>/samples", sessions.SessionSamples.as_view(), name="samples"),
    path("sessions/<slug:number>/figures", sessions.SessionFigures.as_view(), name="figures"),
    path("sessions/<slug:number>/log", sessions.SessionLog.as_view(), name="log"),
    path("sessions/<slug:number>/report.<str:form>", sessions.SessionReport.as_view(),
         name="report"),
    path("sessions/<slug:number>/artefacts", artefacts.SessionArtefacts.as_view(),
         name="artefacts"),
    path("sessions/<slug:number>/artefacts/<str:name>", artefacts.SessionArtefact.as_view(),
         name="artefact"),
    path("sessions/<slug:number>/archive", artefacts.SessionArchive.as_view(), name="archive"),
    path("sessions/<slug:number>/gateway-logs", artefacts.SessionGatewayLogs.as_view(),
         name="gateway_logs"),
    path("sessions/<slug:number>/comparison", artefacts.SessionComparison.as_view(),
         name="comparison"),
    path("sessions/<slug:number>/narrative", sessions.SessionNarrative.as_view(),
         name="narrative"),
    path("sessions/<slug:number>/checklist", checklists.ItemList.as_view(), name="checklist"),
    path("sessions/<slug:number>/checklist/<str:code>", checklists.ItemDetail.as_view(),
         name="checklist_item"),
    path("config/revisions", configuration.RevisionList.as_view(), name="revisions"),
    path("config/revisions/<int:number>", configuration.RevisionDetail.as_view(),
         name="revision"),
    path("config/revisions/<int:number>/yaml", configuration.RevisionYaml.as_view(),
         name="revision_yaml"),
    path("config/revisions/<int:number>/<slug:step>", configuration.RevisionStep.as_view(),
         name="revision_step"),
    path("board/tasks", uploads.TaskList.as_view(), name="tasks"),
    path("ci/uploads", uploads.UploadList.as_view(), name="uploads"),
    path("ci/uploads/<int:pk>", uploads.UploadDetail.as_view(), name="upload"),
]  # fmt: skip
