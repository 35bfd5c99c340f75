"""One file of a session: its name, its media type, its bytes, and its digest."""

import hashlib
from dataclasses import dataclass

MARKDOWN, HTML, TEXT = "text/markdown", "text/html", "text/plain"
JSON, LINES, CSV = "application/json", "application/x-ndjson", "text/csv"
XML, YAML = "application/xml", "application/yaml"


@dataclass(frozen=True)
class File:
    """One file: its name, its media type, its bytes."""

    name: str
    content_type: str
    content: bytes

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return len(self.content)

    @property
    def sha256(self) -> str:
        """The SHA-256 of its bytes, in hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()
