"""The kill switch over REST: read it, trigger it, and the two steps of its reset."""

from typing import Any, cast

from django.contrib.auth.models import User
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from brokerage import kill
from brokerage.models import KillSwitch


class SwitchSerializer(serializers.ModelSerializer[KillSwitch]):
    """The kill switch as it is now."""

    by = serializers.CharField(source="by_name")
    requested_by = serializers.CharField(source="requested_by.username", default=None)
    orders_permitted = serializers.BooleanField(source="armed")

    class Meta:
        model = KillSwitch
        fields = [
            "state",
            "orders_permitted",
            "reason",
            "rule",
            "since",
            "by",
            "requested_by",
            "requested_at",
            "root_cause",
        ]


class ReasonSerializer(serializers.Serializer[Any]):
    """Why."""

    reason = serializers.CharField(max_length=500)


class RootCauseSerializer(serializers.Serializer[Any]):
    """What the cause was, what was fixed and how the fix was tested."""

    root_cause = serializers.CharField(min_length=10, max_length=4000)


class SwitchRefused(APIException):
    """What was asked is not possible for this person, or in this state."""

    def __init__(self, error: kill.KillSwitchError) -> None:
        super().__init__(str(error))
        self.status_code = error.status


RESPONSES = {
    200: SwitchSerializer,
    400: OpenApiResponse(description="A reason or root cause is missing or too short."),
    403: OpenApiResponse(description="This person may not."),
    409: OpenApiResponse(description="Not possible in the switch's present state."),
}


class KillSwitchView(APIView):
    """The kill switch."""

    @extend_schema(responses={200: SwitchSerializer})
    def get(self, request: Request) -> Response:
        """Return its state."""
        return Response(SwitchSerializer(KillSwitch.current()).data)


class TriggerView(APIView):
    """Stop every opening order."""

    @extend_schema(request=ReasonSerializer, responses=RESPONSES)
    def post(self, request: Request) -> Response:
        """Trigger the switch; every signed-in person may, a CI token may not."""
        body = ReasonSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        return _answer(kill.trigger, request, body.validated_data["reason"])


class RequestResetView(APIView):
    """First step of the reset."""

    @extend_schema(request=RootCauseSerializer, responses=RESPONSES)
    def post(self, request: Request) -> Response:
        """Ask for the switch to be armed again."""
        body = RootCauseSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        return _answer(kill.request_reset, request, body.validated_data["root_cause"])


class ApproveResetView(APIView):
    """Second step of the reset."""

    @extend_schema(request=None, responses=RESPONSES)
    def post(self, request: Request) -> Response:
        """Arm the switch again, as another person than who asked."""
        return _answer(kill.approve_reset, request)


class RefuseResetView(APIView):
    """The other end of a requested reset."""

    @extend_schema(request=ReasonSerializer, responses=RESPONSES)
    def post(self, request: Request) -> Response:
        """Leave the switch triggered."""
        body = ReasonSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        return _answer(kill.refuse_reset, request, body.validated_data["reason"])


def _answer(action: Any, request: Request, *text: str) -> Response:
    try:
        switch = action(cast("User", request.user), *text)
    except kill.KillSwitchError as error:
        raise SwitchRefused(error) from error
    return Response(SwitchSerializer(switch).data)
