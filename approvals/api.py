"""Sign-off over REST: read a request, decide, list what waits."""

from typing import Any, cast

from django.contrib.auth.models import User
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import generics, serializers
from rest_framework.request import Request as ApiRequest
from rest_framework.response import Response
from rest_framework.views import APIView

from approvals import signing
from approvals.guards import Reason, Refusal, Refused
from approvals.models import Request
from approvals.rules import UNDECIDED, Decision, SlotState
from crucible.roles import Role

ROLES = [(role.value, role.label) for role in Role]


class RefusalSerializer(serializers.Serializer[Refusal]):
    """Why something was refused: what, why, and what to do; `code` is for programs."""

    code = serializers.ChoiceField(choices=[reason.value for reason in Reason])
    detail = serializers.CharField()
    why = serializers.CharField()
    do = serializers.CharField()


class InvalidSerializer(serializers.Serializer[Any]):
    """What is wrong with the body, field by field."""

    detail = serializers.CharField()
    why = serializers.CharField()
    do = serializers.CharField()
    invalid = serializers.DictField(child=serializers.ListField(child=serializers.CharField()))


class DecisionSerializer(serializers.Serializer[Any]):
    """A decision with the signer's own password; `slot` only for somebody with several roles."""

    decision = serializers.ChoiceField(choices=[decision.value for decision in Decision])
    comment = serializers.CharField(required=False, allow_blank=True, max_length=4000, default="")
    password = serializers.CharField(write_only=True, trim_whitespace=False, max_length=4000)
    slot = serializers.ChoiceField(choices=ROLES, required=False)


class SlotSerializer(serializers.Serializer[Any]):
    """A slot of a request and the signature in it."""

    role = serializers.CharField()
    role_name = serializers.CharField(source="role.label")
    after = serializers.ListField(child=serializers.CharField())
    state = serializers.ChoiceField(choices=[state.value for state in SlotState])
    signer = serializers.CharField(source="signature.signer_name", default=None)
    signed_at = serializers.DateTimeField(source="signature.at", default=None)
    comment = serializers.CharField(source="signature.comment", default=None)
    digest = serializers.CharField(source="signature.digest", default=None)
    simulated = serializers.BooleanField(source="signature.simulated", default=None)


class SignoffSerializer(serializers.ModelSerializer[Request]):
    """A request for signatures."""

    submitted_by = serializers.CharField(source="submitted_by.username")
    slots = SlotSerializer(source="rows", many=True)
    overdue = serializers.BooleanField()
    waiting_for_me = serializers.SerializerMethodField()

    class Meta:
        model = Request
        fields = [
            "id",
            "subject",
            "title",
            "version",
            "previous",
            "state",
            "simulated",
            "digest",
            "submitted_by",
            "submitted_at",
            "due_at",
            "overdue",
            "closed_at",
            "closed_reason",
            "slots",
            "waiting_for_me",
        ]

    @extend_schema_field(bool)
    def get_waiting_for_me(self, signoff: Request) -> bool:
        """Whether the caller could decide now."""
        return signoff.waits_for(_user(self.context["request"]))


class SignoffView(generics.RetrieveAPIView[Request]):
    """A request for signatures: what is signed, by whom, until when."""

    queryset = Request.objects.select_related("policy", "submitted_by")
    serializer_class = SignoffSerializer


class PendingView(generics.ListAPIView[Request]):
    """Every request that still waits for a signature, the first due first."""

    queryset = (
        Request.objects.filter(state__in=UNDECIDED)
        .select_related("policy", "submitted_by")
        .order_by("due_at", "pk")
    )
    serializer_class = SignoffSerializer


class DecisionView(APIView):
    """Approve, reject, or request changes."""

    @extend_schema(
        request=DecisionSerializer,
        responses={
            200: SignoffSerializer,
            400: InvalidSerializer,
            403: OpenApiResponse(RefusalSerializer, description="You may not, or not like this."),
            404: OpenApiResponse(description="There is no such request."),
            409: OpenApiResponse(RefusalSerializer, description="Not now: see `why`."),
        },
    )
    def post(self, http: ApiRequest, pk: int) -> Response:
        """Sign the request with the caller's own password."""
        get_object_or_404(Request, pk=pk)
        body = DecisionSerializer(data=http.data)
        if not body.is_valid():
            return Response(_invalid(body.errors), status=400)
        try:
            signoff = _decide(pk, _user(http), body.validated_data)
        except Refused as refused:
            return Response(RefusalSerializer(refused.refusal).data, status=refused.refusal.status)
        return Response(SignoffSerializer(signoff, context={"request": http}).data)


def _user(http: ApiRequest) -> User:
    return cast("User", http.user)


def _decide(pk: int, by: User, data: dict[str, Any]) -> Request:
    slot = data.get("slot")
    return signing.decide(
        pk,
        by,
        Decision(data["decision"]),
        password=data["password"],
        comment=data["comment"],
        slot=Role(slot) if slot else None,
    )


def _invalid(errors: Any) -> dict[str, Any]:
    return {
        "detail": "The decision could not be read.",
        "why": " ".join(f"{name}: {' '.join(map(str, told))}" for name, told in errors.items()),
        "do": "Correct these fields and send it again.",
        "invalid": errors,
    }
