"""What every REST answer rests on: strict JSON, and pages of a bounded size."""

import json
from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.parsers import JSONParser


class StrictJSONParser(JSONParser):
    """Refuses, beside what is no JSON, nesting without end and text that has no UTF-8 form."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the values; raises ParseError."""
        try:
            found = super().parse(stream, media_type, parser_context)
            json.dumps(found, ensure_ascii=False).encode()
        except RecursionError as error:
            raise ParseError("JSON parse error - it is nested too deeply") from error
        except UnicodeEncodeError as error:
            raise ParseError("JSON parse error - a surrogate stands alone") from error
        return found


class Pages(LimitOffsetPagination):
    """As many rows as asked for, five hundred at most."""

    max_limit = 500
