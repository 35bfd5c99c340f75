"""Checklists over REST: read the items, attest, document, acknowledge, reopen."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from validation import checklist
from validation.api.answers import answered, caller
from validation.api.serializers import ItemActionSerializer, ItemSerializer
from validation.models import Item

ITEMS = Item.objects.select_related("checklist__session", "closed_by", "acknowledged_by").order_by(
    "position"
)
Action = Callable[[Item, User, dict[str, Any]], Item]
ACTIONS: dict[str, Action] = {
    "attest": lambda item, by, data: checklist.attest(item, by, data["note"], data["evidence_ref"]),
    "fail": lambda item, by, data: checklist.fail(item, by, data["note"]),
    "exception": lambda item, by, data: checklist.document_exception(
        item, by, data["note"], data["risk"]
    ),
    "not_applicable": lambda item, by, data: checklist.not_applicable(item, by, data["note"]),
    "acknowledge": lambda item, by, data: checklist.acknowledge(item, by),
    "reopen": lambda item, by, data: checklist.reopen(item, by, data["note"]),
}


class ItemList(generics.ListAPIView[Item]):
    """Every item of a session's checklist."""

    serializer_class = ItemSerializer
    pagination_class = None

    def get_queryset(self) -> QuerySet[Item]:
        """Return them in the order of the template."""
        return ITEMS.filter(checklist__session__number=self.kwargs.get("number"))


class ItemDetail(APIView):
    """One item."""

    @extend_schema(responses={200: ItemSerializer})
    def get(self, request: Request, number: str, code: str) -> Response:
        """Read."""
        return Response(ItemSerializer(_item(number, code)).data)

    @extend_schema(
        request=ItemActionSerializer,
        responses={200: ItemSerializer, 409: OpenApiResponse(description="Not as it stands.")},
    )
    def post(self, request: Request, number: str, code: str) -> Response:
        """Attest, fail, document an exception, acknowledge, or reopen."""
        body = ItemActionSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        act = ACTIONS[body.validated_data["action"]]
        with answered():
            item = act(_item(number, code), caller(request), body.validated_data)
        return Response(ItemSerializer(item).data)


def _item(number: str, code: str) -> Item:
    return get_object_or_404(ITEMS, checklist__session__number=number, code=code)
