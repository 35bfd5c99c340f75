"""Sessions over REST: preflight, run, pause, a drill's steps, warnings; the product's health."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import User
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from validation import (
    acknowledging,
    drills,
    finishing,
    importing,
    market_hours,
    pausing,
    sessions,
)
from validation.api.answers import answered, caller
from validation.api.serializers import AbortSerializer, SessionSerializer
from validation.facts import Facts, Warned
from validation.models import HealthCheck, PreflightRun, Session, Upload
from validation.preflight.health import parts

REFUSED = OpenApiResponse(description="Not as things stand; `detail` says why.")
ANSWERS: dict[int, Any] = {200: SessionSerializer, 409: REFUSED}


class HealthCheckSerializer(serializers.ModelSerializer[HealthCheck]):
    """One finding of a preflight."""

    class Meta:
        model = HealthCheck
        fields = ["code", "group", "title", "limit", "finding", "verdict", "holds_up", "remedy"]


class PreflightSerializer(serializers.ModelSerializer[PreflightRun]):
    """One preflight with its findings."""

    checks = HealthCheckSerializer(many=True)
    simulated = serializers.BooleanField(source="session.simulated")

    class Meta:
        model = PreflightRun
        fields = ["simulated", "number", "began_at", "ended_at", "passed", "checks"]


class AskSerializer(serializers.Serializer[Any]):
    """Whether the session runs by itself once nothing blocks."""

    run = serializers.BooleanField(required=False, default=True)


class SaidSerializer(serializers.Serializer[Any]):
    """What a person says; `warnings` names those that are meant, all open ones without.

    Metrics are acknowledged up to the day `expires_on` (New York).
    """

    text = serializers.CharField(max_length=500)
    warnings = serializers.ListField(
        child=serializers.CharField(max_length=60), required=False, allow_empty=False,
        max_length=500,
    )  # fmt: skip
    expires_on = serializers.DateField(required=False, allow_null=True)


class WarnedSerializer(serializers.Serializer[Any]):
    """A warning, and who acknowledged it; the context says whether it is `simulated`."""

    simulated = serializers.SerializerMethodField()
    key = serializers.CharField()
    title = serializers.CharField()
    text = serializers.CharField()
    acknowledged_by = serializers.CharField(source="acknowledged.by.username", default=None)
    acknowledged_at = serializers.DateTimeField(source="acknowledged.at", default=None)
    said = serializers.CharField(source="acknowledged.text", default=None)
    expires_on = serializers.DateField(source="acknowledged.expires_on", default=None)
    open = serializers.BooleanField()

    def get_simulated(self, warned: Warned) -> bool:
        """Whether its session ran at a simulated gateway."""
        return bool(self.context["simulated"])


class TurnSerializer(serializers.Serializer[Any]):
    """What a drill waits for a person to do; `confirmed_by` says to have done it."""

    simulated = serializers.BooleanField(source="attempt.session.simulated")
    scenario = serializers.CharField(source="attempt.scenario")
    step = serializers.IntegerField()
    text = serializers.CharField()
    since = serializers.DateTimeField()
    until = serializers.DateTimeField()
    confirmed_by = serializers.CharField(source="said.actor_name", default=None)
    confirmed_at = serializers.DateTimeField(source="said.at", default=None)


class DoneSerializer(serializers.Serializer[Any]):
    """Which step a person says to have done, as the drill named it."""

    step = serializers.IntegerField(min_value=1)


class Steering(APIView):
    """What all steps of a session have in common."""

    def step(self, number: str, act: Callable[[Session], Any]) -> Response:
        """Take a step and answer with the session as it is then."""
        session = get_object_or_404(Session, number=number)
        with answered():
            act(session)
        session.refresh_from_db()
        return Response(SessionSerializer(session).data)

    def step_for(
        self, request: Request, number: str, act: Callable[[Session, User, str], Any]
    ) -> Response:
        """The same for the reason that the body gives."""
        body = AbortSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        by, reason = caller(request), body.validated_data["reason"]
        return self.step(number, lambda session: act(session, by, reason))


class SessionPreflight(Steering):
    """A session's preflights."""

    @extend_schema(responses={200: PreflightSerializer(many=True)})
    def get(self, request: Request, number: str) -> Response:
        """Return every preflight with its findings, the oldest first."""
        session = get_object_or_404(Session, number=number)
        runs = session.preflights.select_related("session").prefetch_related("checks")
        return Response(PreflightSerializer(runs, many=True).data)

    @extend_schema(request=AskSerializer, responses=ANSWERS)
    def post(self, request: Request, number: str) -> Response:
        """Queue one more preflight of a draft, or of a session that is ready."""
        body = AskSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        by, run = caller(request), body.validated_data["run"]
        return self.step(number, lambda session: sessions.preflight(session, by, run=run))


class SessionHours(Steering):
    """Let a draft run outside regular hours."""

    @extend_schema(request=AbortSerializer, responses=ANSWERS)
    def post(self, request: Request, number: str) -> Response:
        """Waive them: QA Lead alone; the session can't be signed any more."""
        return self.step_for(request, number, market_hours.waive)


class SessionRun(Steering):
    """Run a session that is ready."""

    @extend_schema(request=None, responses=ANSWERS)
    def post(self, request: Request, number: str) -> Response:
        """Let a worker take it."""
        return self.step(number, lambda session: sessions.run_now(session, caller(request)))


class SessionFinish(Steering):
    """End an observing session before its time."""

    @extend_schema(request=None, responses=ANSWERS)
    def post(self, request: Request, number: str) -> Response:
        """Let it look a last time, compare, and come to its end; what it saw is kept."""
        return self.step(number, lambda session: finishing.finish(session, caller(request)))


class SessionPause(Steering):
    """Pause a running session."""

    @extend_schema(request=AbortSerializer, responses=ANSWERS)
    def post(self, request: Request, number: str) -> Response:
        """Ask for the pause before the next scenario."""
        return self.step_for(request, number, pausing.pause)


class SessionResume(Steering):
    """Resume a paused session."""

    @extend_schema(request=None, responses=ANSWERS)
    def post(self, request: Request, number: str) -> Response:
        """Let it go on, after the same checks as at the start."""
        return self.step(number, lambda session: pausing.resume(session, caller(request)))


class SessionTurn(Steering):
    """What a drill waits for a person to do."""

    @extend_schema(
        responses={200: TurnSerializer, 204: OpenApiResponse(description="It waits for nothing.")}
    )
    def get(self, request: Request, number: str) -> Response:
        """Return the step that is to be done now."""
        session = get_object_or_404(Session, number=number)
        now = drills.turn(session) if session.in_flight else None
        return Response(TurnSerializer(now).data) if now else Response(status=204)

    @extend_schema(request=DoneSerializer, responses=ANSWERS)
    def post(self, request: Request, number: str) -> Response:
        """Say that the step is done; the drill goes on when it sees the deed itself."""
        body = DoneSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        by, step = caller(request), body.validated_data["step"]
        return self.step(number, lambda session: drills.confirm(session, by, step))


class SessionAttest(Steering):
    """What a person says of a health check that no machine makes."""

    @extend_schema(
        operation_id="sessions_preflight_attest", request=SaidSerializer, responses=ANSWERS
    )
    def post(self, request: Request, number: str, code: str) -> Response:
        """Keep it for the next preflight."""
        body = SaidSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        by, text = caller(request), body.validated_data["text"]
        return self.step(number, lambda session: acknowledging.attest(session, by, code, text))


class SessionWarnings(Steering):
    """A session's warnings."""

    @extend_schema(responses={200: WarnedSerializer(many=True)})
    def get(self, request: Request, number: str) -> Response:
        """Return them, those that were acknowledged with who said what."""
        session = get_object_or_404(Session, number=number)
        context = {"simulated": session.simulated}
        return Response(WarnedSerializer(Facts(session).warnings, many=True, context=context).data)

    @extend_schema(request=SaidSerializer, responses=ANSWERS)
    def post(self, request: Request, number: str) -> Response:
        """Acknowledge those that are named, or all that are open."""
        body = SaidSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        by, said = caller(request), body.validated_data
        return self.step(
            number,
            lambda session: acknowledging.acknowledge(
                session, by, said["text"], said.get("warnings"), expires_on=said.get("expires_on")
            ),
        )


class UploadSession(APIView):
    """A session made of a test report."""

    @extend_schema(request=None, responses={201: SessionSerializer, 409: REFUSED})
    def post(self, request: Request, pk: int) -> Response:
        """Import it, once; the same again answers with the same session."""
        upload = get_object_or_404(Upload, pk=pk)
        with answered():
            session = importing.import_report(upload, caller(request))
        return Response(SessionSerializer(session).data, status=201)


class Health(APIView):
    """How the product stands."""

    @extend_schema(responses={200: OpenApiTypes.OBJECT, 503: OpenApiTypes.OBJECT})
    def get(self, request: Request) -> Response:
        """Return each part; 503 when one is not well, never for one that is unknown."""
        found = parts()
        well = all(part.ok is not False for part in found)
        body = {
            "status": "ok" if well else "not well",
            "parts": [{"name": one.name, "ok": one.ok, "text": one.text} for one in found],
        }
        return Response(body, status=200 if well else 503)
