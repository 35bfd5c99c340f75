"""The bot's runtime configuration over REST: pipelines and people upload it, all may read it."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import generics, serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from validation.api.answers import TooLarge, answered, caller
from validation.bot_configs import TOO_LARGE, receive
from validation.configuration import MAX_BYTES
from validation.models import BotConfig


class BotConfigSerializer(serializers.ModelSerializer[BotConfig]):
    """An accepted file, without its text; `values` are what preflights compare, by their paths."""

    uploaded_by = serializers.CharField(source="uploaded_by.username")

    class Meta:
        model = BotConfig
        fields = [
            "id", "sha256", "file_name", "values", "commit", "uploaded_at", "uploaded_by",
        ]  # fmt: skip


class BotConfigUploadSerializer(serializers.Serializer[Any]):
    """The YAML file that the bot reads, and the commit that it is from, if known."""

    file = serializers.FileField(allow_empty_file=True, max_length=200)
    commit = serializers.CharField(required=False, allow_blank=True, default="", max_length=64)


class BotConfigList(generics.ListAPIView[BotConfig]):
    """What was uploaded, the newest first: that one is compared. POST uploads another."""

    parser_classes = [MultiPartParser]
    queryset = BotConfig.objects.select_related("uploaded_by").defer("content")
    serializer_class = BotConfigSerializer

    @extend_schema(
        request=BotConfigUploadSerializer,
        responses={
            201: BotConfigSerializer,
            200: OpenApiResponse(BotConfigSerializer, description="The newest says so already."),
            400: OpenApiTypes.OBJECT,
            413: OpenApiResponse(description="Larger than 64 KiB."),
        },
    )
    def post(self, request: Request) -> Response:
        """Store the bot's configuration; a secret in it is refused, and nothing is kept."""
        body = BotConfigUploadSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        file, commit = body.validated_data["file"], body.validated_data["commit"]
        if file.size > MAX_BYTES:
            raise TooLarge(TOO_LARGE)
        with answered():
            row, new = receive(caller(request), file.read(), commit=commit, file_name=file.name)
        return Response(BotConfigSerializer(row).data, status=201 if new else 200)
