"""Configuration revisions over REST: list, import YAML, export, and the steps to force."""

from collections.abc import Callable

from django.contrib.auth.models import User
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import generics
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from validation import revisions
from validation.api.answers import answered, caller
from validation.api.serializers import ImportSerializer, RevisionSerializer, StepSerializer
from validation.configuration import parse_yaml, read, to_yaml
from validation.models import ConfigRevision

REVISIONS = ConfigRevision.objects.select_related("author")
Step = Callable[[ConfigRevision, User, str], ConfigRevision]
STEPS: dict[str, Step] = {
    "propose": lambda revision, by, reason: revisions.propose(revision, by),
    "approve": lambda revision, by, reason: revisions.approve(revision, by),
    "activate": lambda revision, by, reason: revisions.activate(revision, by),
    "reject": revisions.reject,
    "copy": lambda revision, by, reason: revisions.copy(revision, by),
}


class RevisionList(generics.ListAPIView[ConfigRevision]):
    """All revisions, the newest first; POST imports YAML as a draft."""

    queryset = REVISIONS
    serializer_class = RevisionSerializer

    @extend_schema(
        request=ImportSerializer, responses={201: RevisionSerializer, 400: OpenApiTypes.OBJECT}
    )
    def post(self, request: Request) -> Response:
        """Import a configuration as a draft."""
        body = ImportSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        with answered():
            config = parse_yaml(body.validated_data["yaml"], ports=revisions.allowed_ports())
            note = body.validated_data["note"]
            revision = revisions.draft(caller(request), config, note=note, origin="yaml")
        return Response(RevisionSerializer(revision).data, status=201)


class RevisionDetail(generics.RetrieveAPIView[ConfigRevision]):
    """One revision."""

    queryset = REVISIONS
    serializer_class = RevisionSerializer
    lookup_field = "number"


class RevisionYaml(APIView):
    """One revision as YAML."""

    @extend_schema(responses={200: OpenApiTypes.STR})
    def get(self, request: Request, number: int) -> HttpResponse:
        """Export."""
        revision = get_object_or_404(REVISIONS, number=number)
        return HttpResponse(to_yaml(read(revision.content)), content_type="application/yaml")


class RevisionStep(APIView):
    """The steps of a revision's life."""

    @extend_schema(
        operation_id="config_revision_step",
        request=StepSerializer,
        parameters=[OpenApiParameter("step", str, OpenApiParameter.PATH, enum=list(STEPS))],
        responses={
            200: RevisionSerializer,
            409: OpenApiResponse(description="Not as it stands; `detail` says why."),
        },
    )  # fmt: skip
    def post(self, request: Request, number: int, step: str) -> Response:
        """Propose, approve, reject, activate, or copy to a new draft."""
        if step not in STEPS:
            raise ValidationError({"step": f"One of {', '.join(STEPS)}."})
        body = StepSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        reason = body.validated_data["reason"]
        revision = get_object_or_404(REVISIONS, number=number)
        with answered():
            revision = STEPS[step](revision, caller(request), reason)
        return Response(RevisionSerializer(revision).data)
