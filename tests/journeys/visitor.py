"""A person with a browser of few abilities: logs in, reads pages, sends forms, calls the API."""

import json
import re
import urllib.error
import urllib.parse
import urllib.request
from http.cookiejar import CookieJar
from typing import Any


class Visitor:
    """Speaks HTTP with a session cookie; `get` and `post` return (status, text)."""

    def __init__(self, address: str, username: str, password: str) -> None:
        self.address = address
        self.cookies = CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))
        self.get("/login/")
        status, text = self.post("/login/", username=username, password=password)
        assert status == 200, text
        assert 'name="password"' not in text, "the login was refused"

    @property
    def _csrf(self) -> str:
        return next((c.value or "" for c in self.cookies if c.name == "csrftoken"), "")

    def _open(self, request: urllib.request.Request) -> tuple[int, str]:
        request.add_header("X-CSRFToken", self._csrf)
        request.add_header("Referer", self.address)
        try:
            with self.opener.open(request, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def get(self, path: str) -> tuple[int, str]:
        """Read a page."""
        return self._open(urllib.request.Request(self.address + path))

    def post(self, path: str, **fields: str) -> tuple[int, str]:
        """Send a form."""
        body = urllib.parse.urlencode(fields | {"csrfmiddlewaretoken": self._csrf}).encode()
        return self._open(urllib.request.Request(self.address + path, body))

    def call(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        """Call the API with JSON."""
        request = urllib.request.Request(self.address + path, json.dumps(body).encode())
        request.add_header("Content-Type", "application/json")
        status, text = self._open(request)
        return status, json.loads(text or "{}")


def words(html: str) -> str:
    """Return what a page says, without its mark-up."""
    without = re.sub(r"(?s)<(script|style|svg).*?</\1>|<[^>]+>", " ", html)
    return re.sub(r"\s+", " ", without)
