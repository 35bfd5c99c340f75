"""What is signed, as canonical JSON (RFC 8785): its digest, its tables, and how two differ."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crucible.ledger.canonical import canonical, digest

FORMAT = 1
# By which of its fields a row of a list is known, the first that every row has and none repeats.
IDENTITIES = ("id", "code", "key", "number", "name")
ABSENT = "–"


@dataclass(frozen=True)
class Manifest:
    """The text whose digest a signature carries."""

    text: str

    @classmethod
    def of(cls, subject: str, policy: Mapping[str, Any], evidence: Mapping[str, Any]) -> "Manifest":
        """Return the manifest; raise TypeError for values that JSON has no form for."""
        whole = {"format": FORMAT, "subject": subject, "policy": policy, "evidence": evidence}
        return cls(canonical(whole))

    @property
    def digest(self) -> str:
        """SHA-256 of the text's UTF-8 bytes, in hexadecimal."""
        return digest(self.text)

    @property
    def content(self) -> dict[str, Any]:
        """The manifest as Python values."""
        return dict(json.loads(self.text))


@dataclass(frozen=True)
class Change:
    """One value that differs between two manifests; ABSENT on the side that lacks it."""

    path: str
    before: str
    after: str


@dataclass(frozen=True)
class Section:
    """A part of a manifest as a table."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def diff(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Return what differs, by path; rows of lists are matched by their name, not their place."""
    old, new = dict(_leaves(before)), dict(_leaves(after))
    return [
        Change(path, _side(old, path), _side(new, path))
        for path in sorted(old.keys() | new.keys())
        if path not in old or path not in new or _json(old[path]) != _json(new[path])
    ]


def in_words(changes: Sequence[Change]) -> list[str]:
    """Name what differs for people, one name a row: "checklist 1.1.7 (note, state)"."""
    found: dict[str, list[str]] = {}
    for change in changes:
        path = change.path.removeprefix("evidence.")
        part, bracket, rest = path.partition("[")
        name, _, field = rest.rpartition("].")
        row = f"{part} {name}" if bracket and name else path
        fields = found.setdefault(row.replace("_", " "), [])
        fields += [field.replace("_", " ")] if name else []
    return [f"{row} ({', '.join(what)})" if what else row for row, what in found.items()]


def _side(leaves: Mapping[str, Any], path: str) -> str:
    return _shown(leaves[path]) if path in leaves else ABSENT


def sections(content: Mapping[str, Any]) -> list[Section]:
    """Return the manifest as tables: first its frame, then each part of the evidence."""
    frame = {key: value for key, value in content.items() if key != "evidence"}
    evidence: Mapping[str, Any] = content.get("evidence", {})
    plain = {key: value for key, value in evidence.items() if not _is_part(value)}
    parts = [_section(_words(key), value) for key, value in evidence.items() if _is_part(value)]
    return [_section("What is signed", {**plain, **frame}), *parts]


def _is_part(value: Any) -> bool:
    return isinstance(value, dict | list) and bool(value)


def _section(title: str, value: Any) -> Section:
    if isinstance(value, list) and all(isinstance(row, dict) for row in value):
        known = dict.fromkeys(key for row in value for key in row)
        keys = tuple(sorted(known, key=lambda key: key not in IDENTITIES))
        rows = tuple(tuple(_cell(row.get(key, "")) for key in keys) for row in value)
        return Section(title, tuple(map(_words, keys)), rows)
    rows = tuple((path, _shown(leaf)) for path, leaf in _leaves(value))
    return Section(title, ("Item", "Value"), rows)


def _words(key: str) -> str:
    return key.replace("_", " ").capitalize()


def _cell(value: Any) -> str:
    if isinstance(value, list) and not any(isinstance(item, dict | list) for item in value):
        return ", ".join(map(_cell, value))
    return _shown(value)


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (path, value) of every value inside that has no parts of its own."""
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and value:
        for name, item in zip(_names(value), value, strict=True):
            yield from _leaves(item, f"{path}[{name}]")
    else:
        yield path, value


def _names(rows: Sequence[Any]) -> list[str]:
    if all(isinstance(row, dict) for row in rows):
        for field in IDENTITIES:
            names = [str(row.get(field, "")) for row in rows]
            if all(names) and len(set(names)) == len(names):
                return names
    return [str(place) for place in range(1, len(rows) + 1)]
