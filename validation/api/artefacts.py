"""A session's files, their archive, the gateway's own log, and its comparison, over REST."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from validation import archiving, gateway_logs
from validation.api.answers import Conflict, TooLarge, caller
from validation.artefacts.changes import as_data
from validation.artefacts.file import File
from validation.comparing import baseline, compared
from validation.downloads import attached
from validation.models import GatewayLog, Session

SESSIONS = Session.objects.select_related("config", "created_by")


class FileSerializer(serializers.Serializer[Any]):
    """One file of a session."""

    simulated = serializers.BooleanField()
    name = serializers.CharField()
    bytes = serializers.IntegerField()
    sha256 = serializers.CharField()
    content_type = serializers.CharField()
    frozen = serializers.BooleanField()


class LogUploadSerializer(serializers.Serializer[Any]):
    """The gateway's raw log."""

    file = serializers.FileField(allow_empty_file=True, max_length=200)


class SessionArtefacts(APIView):
    """The files of a session: frozen once it is submitted, drafts before."""

    @extend_schema(operation_id="artefacts_list", responses={200: FileSerializer(many=True)})
    def get(self, request: Request, number: str) -> Response:
        """List them with size and SHA-256."""
        session = _session(number)
        frozen = archiving.frozen(session) is not None
        return Response([_row(session, one, frozen) for one in archiving.files(session)])


def _row(session: Session, one: File, frozen: bool) -> dict[str, Any]:
    return {
        "simulated": session.simulated, "name": one.name, "bytes": one.size,
        "sha256": one.sha256, "content_type": one.content_type, "frozen": frozen,
    }  # fmt: skip


class SessionArtefact(APIView):
    """One file of a session."""

    @extend_schema(operation_id="artefact", responses={200: OpenApiTypes.BINARY})
    def get(self, request: Request, number: str, name: str) -> HttpResponse:
        """Download it."""
        found = archiving.file_of(_session(number), name)
        if found is None:
            raise NotFound("There is no such file.")
        return attached(found)


class SessionArchive(APIView):
    """All files of a session in one zip."""

    @extend_schema(operation_id="archive", responses={200: OpenApiTypes.BINARY})
    def get(self, request: Request, number: str) -> HttpResponse:
        """Download it, with the manifest of sizes and SHA-256."""
        session = _session(number)
        name = archiving.archive_name(session)
        return attached(File(name, "application/zip", archiving.archive(session)))


class SessionGatewayLogs(APIView):
    """The gateway's own logs of a session."""

    parser_classes = [MultiPartParser]

    @extend_schema(operation_id="gateway_logs_list", responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request, number: str) -> Response:
        """List them with what their scan found."""
        logs = (
            _session(number).gateway_logs.defer("content").select_related("uploaded_by", "session")
        )
        return Response([_log(row) for row in logs])

    @extend_schema(
        request=LogUploadSerializer,
        responses={
            201: OpenApiTypes.OBJECT,
            200: OpenApiResponse(description="Known already."),
            409: OpenApiResponse(description="Not as things stand; `detail` says why."),
            413: OpenApiResponse(description="Larger than 10 MB."),
        },
    )
    def post(self, request: Request, number: str) -> Response:
        """Keep a log beside the session, until its submission."""
        body = LogUploadSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        file = body.validated_data["file"]
        if file.size > gateway_logs.LARGEST:
            raise TooLarge("The file is larger than 10 MB.")
        try:
            row, new = gateway_logs.receive(
                _session(number), caller(request), file.read(), file.name
            )
        except gateway_logs.LogRefused as error:
            raise Conflict(str(error)) from error
        return Response(_log(row), status=201 if new else 200)


def _log(row: GatewayLog) -> dict[str, Any]:
    return {
        "simulated": row.session.simulated, "file_name": row.file_name, "bytes": row.size,
        "sha256": row.sha256, "lines": row.lines,
        "counts": row.counts, "findings": row.findings,
        "uploaded_by": row.uploaded_by.get_username(),
        "uploaded_at": row.uploaded_at.isoformat(),
    }  # fmt: skip


class SessionComparison(APIView):
    """A session beside an earlier one."""

    @extend_schema(
        operation_id="comparison",
        parameters=[OpenApiParameter("against", str, description="By default the baseline.")],
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Request, number: str) -> Response:
        """Say what changed; 404 when there is nothing to compare with."""
        session, against = _session(number), request.query_params.get("against", "")
        if against == number:
            raise ValidationError({"against": "A session is compared with another one."})
        before = _session(against) if against else baseline(session)
        found = compared(session, before)
        if before is None or found is None:
            raise NotFound("There is no earlier session to compare with.")
        labels = {"simulated": session.simulated, "against_simulated": before.simulated}
        return Response({**labels, **as_data(found)})


def _session(number: str) -> Session:
    return get_object_or_404(SESSIONS, number=number)
