"""The board for reading, and the door for test reports and tags from pipelines."""

from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import generics
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from validation import tag_reports
from validation.api.answers import TooLarge, answered, caller
from validation.api.serializers import (
    StoredUploadSerializer,
    TagSerializer,
    TaskSerializer,
    UploadSerializer,
)
from validation.models import CodeTag, Task, Upload
from validation.uploads import LARGEST, describe, receive


class TaskList(generics.ListAPIView[Task]):
    """The board's tasks with their remarks."""

    queryset = Task.objects.prefetch_related("depends_on", "comments__author", "steps__done_by")
    serializer_class = TaskSerializer


class UploadList(APIView):
    """Where pipelines send their JUnit reports."""

    parser_classes = [MultiPartParser]

    @extend_schema(
        request=UploadSerializer,
        responses={
            201: StoredUploadSerializer,
            200: OpenApiResponse(StoredUploadSerializer, description="Known already."),
            400: OpenApiTypes.OBJECT,
            409: OpenApiResponse(description="The run has sent other content before."),
            413: OpenApiResponse(description="Larger than 20 MB."),
        },
    )
    def post(self, request: Request) -> Response:
        """Store a report once for each run; the same again answers 200."""
        body = UploadSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        data = body.validated_data
        file = data.pop("file")
        if file.size > LARGEST:
            raise TooLarge("The file is larger than 20 MB.")
        with answered():
            upload, new = receive(caller(request), file.read(), file_name=file.name, **data)
        return Response(describe(upload), status=201 if new else 200)


class TagList(generics.ListAPIView[CodeTag]):
    """The git tags that pipelines have reported; POST reports one."""

    queryset = CodeTag.objects.select_related("reported_by")
    serializer_class = TagSerializer

    @extend_schema(
        request=TagSerializer,
        responses={
            201: TagSerializer,
            200: OpenApiResponse(TagSerializer, description="Known already."),
            400: OpenApiTypes.OBJECT,
            409: OpenApiResponse(description="Reported at another commit before."),
        },
    )
    def post(self, request: Request) -> Response:
        """Say that a tag was made and pushed; what waited for it ticks itself."""
        body = TagSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        data = body.validated_data
        with answered():
            tag, new = tag_reports.receive(
                caller(request), data["name"], commit=data["commit"], run_url=data["run_url"]
            )
        return Response(TagSerializer(tag).data, status=201 if new else 200)


class UploadDetail(APIView):
    """One report."""

    @extend_schema(responses={200: StoredUploadSerializer})
    def get(self, request: Request, pk: int) -> Response:
        """Read what a report says."""
        return Response(describe(get_object_or_404(Upload, pk=pk)))
