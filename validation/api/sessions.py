"""Sessions over REST: list, start, abort, run again, results, log, report."""

from dataclasses import asdict
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import generics
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from brokerage.models import Endpoint
from validation import archiving, metrics, reports, sessions
from validation.api.answers import answered, caller
from validation.api.serializers import (
    AbortSerializer,
    AttemptSerializer,
    LogLineSerializer,
    MetricSerializer,
    NarrativeSerializer,
    SessionSerializer,
    StartSerializer,
)
from validation.downloads import attached
from validation.models import (
    Attempt,
    LogLine,
    Metric,
    MetricPlan,
    SampleKind,
    Session,
    SessionState,
)
from validation.observation import asked
from validation.samples import Samples

REFUSED = OpenApiResponse(description="Not as things stand; `detail` says why.")
SESSIONS = Session.objects.select_related(
    "config", "created_by", "restart_of", "task", "hours_waived_by"
)


class SessionList(generics.ListAPIView[Session]):
    """All sessions, the newest first; POST starts one."""

    serializer_class = SessionSerializer

    def get_queryset(self) -> QuerySet[Session]:
        """Return the sessions, only those of one state when asked."""
        state = self.request.query_params.get("state")
        if state is None:
            return SESSIONS.all()
        if state not in SessionState.values:
            raise ValidationError({"state": f"One of {', '.join(SessionState.values)}."})
        return SESSIONS.filter(state=state)

    @extend_schema(parameters=[OpenApiParameter("state", str, enum=SessionState.values)])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List."""
        return super().get(request, *args, **kwargs)

    @extend_schema(
        request=StartSerializer, responses={201: SessionSerializer, 400: OpenApiTypes.OBJECT,
                                            409: REFUSED},
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Start a session."""
        body = StartSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = body.validated_data
        with answered():
            session = sessions.start(
                caller(request),
                _endpoint(wanted.get("endpoint")),
                wanted.get("scenarios"),
                kind=wanted.get("kind"),
                run=wanted["run"],
                fail_fast=wanted["fail_fast"],
                log_level=wanted["log_level"],
                two_hours=wanted["two_hours"],
                restart_of=_predecessor(wanted.get("restart_of")),
                term=asked(
                    wanted.get("kind"), wanted.get("observe_s"), wanted.get("observed_client")
                ),
            )
        return Response(SessionSerializer(session).data, status=201)


def _endpoint(name: str | None) -> Endpoint | None:
    if name is None:
        return None
    found = Endpoint.objects.filter(name=name).first()
    if found is None:
        raise ValidationError({"endpoint": "There is no such endpoint."})
    return found


def _predecessor(number: str | None) -> Session | None:
    if number is None:
        return None
    found = Session.objects.filter(number=number).first()
    if found is None:
        raise ValidationError({"restart_of": "There is no such session."})
    return found


class SessionDetail(generics.RetrieveAPIView[Session]):
    """One session."""

    queryset = SESSIONS
    serializer_class = SessionSerializer
    lookup_field = "number"


class SessionAbort(APIView):
    """Stop a session."""

    @extend_schema(request=AbortSerializer, responses={200: SessionSerializer, 409: REFUSED})
    def post(self, request: Request, number: str) -> Response:
        """Abort: at once, or within a second by the worker."""
        body = AbortSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        session = get_object_or_404(Session, number=number)
        with answered():
            session = sessions.abort(session, caller(request), body.validated_data["reason"])
        return Response(SessionSerializer(session).data)


class SessionRerun(APIView):
    """Run scenarios of a session again, as further attempts."""

    @extend_schema(request=StartSerializer, responses={200: SessionSerializer, 409: REFUSED})
    def post(self, request: Request, number: str) -> Response:
        """Queue further attempts; the first ones stay."""
        body = StartSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = body.validated_data.get("scenarios")
        if not wanted:
            raise ValidationError({"scenarios": "Name at least one."})
        session = get_object_or_404(Session, number=number)
        with answered():
            session = sessions.rerun(session, wanted, caller(request))
        return Response(SessionSerializer(session).data)


class SessionResults(generics.ListAPIView[Attempt]):
    """Every attempt of a session with its checks."""

    serializer_class = AttemptSerializer

    def get_queryset(self) -> QuerySet[Attempt]:
        """Return them in the order of the catalogue."""
        session = get_object_or_404(Session, number=self.kwargs.get("number"))
        return (
            session.attempts.select_related("session")
            .prefetch_related("checks")
            .order_by("position", "number")
        )


class SessionMetrics(APIView):
    """The session's metrics against their limits: the point rule, and what the samples show."""

    @extend_schema(responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request, number: str) -> Response:
        """Return the judged metrics by their number, and the digest of the frozen plan."""
        session = get_object_or_404(Session, number=number)
        plan = MetricPlan.objects.filter(session=session).first()
        return Response(
            {
                "session": session.number,
                "simulated": session.simulated,
                "plan_sha256": plan.digest if plan else None,
                "frozen_at": plan.at if plan else None,
                "metrics": metrics.content(session),
            }
        )


class SessionSamples(APIView):
    """The raw samples behind a session's metrics."""

    @extend_schema(
        parameters=[OpenApiParameter("kind", str, enum=SampleKind.values)],
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Request, number: str) -> Response:
        """Return the samples in the order of their beginning, only those of one kind when asked."""
        session = get_object_or_404(Session, number=number)
        kind = request.query_params.get("kind")
        if kind is not None and kind not in SampleKind.values:
            raise ValidationError({"kind": f"One of {', '.join(SampleKind.values)}."})
        found = Samples(session)
        rows = found.all if kind is None else found.of(kind)
        return Response(
            {
                "session": session.number,
                "simulated": session.simulated,
                "samples": [asdict(row) for row in rows],
            }
        )


class SessionFigures(generics.ListAPIView[Metric]):
    """Every figure that the scenarios measured."""

    serializer_class = MetricSerializer

    def get_queryset(self) -> QuerySet[Metric]:
        """Return them as they were measured."""
        session = get_object_or_404(Session, number=self.kwargs.get("number"))
        found: QuerySet[Metric] = Metric.objects.filter(attempt__session=session)
        return found.select_related("attempt__session").order_by("pk")


class SessionLog(generics.ListAPIView[LogLine]):
    """The log of a session."""

    serializer_class = LogLineSerializer

    def get_queryset(self) -> QuerySet[LogLine]:
        """Return the lines, the oldest first."""
        session = get_object_or_404(Session, number=self.kwargs.get("number"))
        found: QuerySet[LogLine] = session.log_lines.select_related("attempt", "session").order_by(
            "pk"
        )
        return found


class SessionReport(APIView):
    """The report: frozen once it is submitted, a draft before."""

    @extend_schema(
        parameters=[
            OpenApiParameter("form", str, OpenApiParameter.PATH, enum=list(archiving.FORMS))
        ],
        responses={200: OpenApiTypes.STR},
    )
    def get(self, request: Request, number: str, form: str) -> HttpResponse:
        """Return the report in one of its forms, or the checklist as Markdown."""
        session = get_object_or_404(SESSIONS, number=number)
        if form not in archiving.FORMS:
            raise ValidationError({"form": f"One of {', '.join(archiving.FORMS)}."})
        return attached(archiving.report_file(session, form))


class SessionNarrative(APIView):
    """The written parts of the report."""

    @extend_schema(request=NarrativeSerializer, responses={200: SessionSerializer, 409: REFUSED})
    def patch(self, request: Request, number: str) -> Response:
        """Write summary, known issues, recommendation; until the submission."""
        body = NarrativeSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        session = get_object_or_404(Session, number=number)
        with answered():
            session = reports.write(session, caller(request), **body.validated_data)
        return Response(SessionSerializer(session).data)
