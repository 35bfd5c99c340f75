"""The archive of a session: a zip with a manifest of sizes and SHA-256, and its verification.

Pure. The zip stores its files as they are, because deflated bytes differ from one build of zlib to
the next; time, order and permissions are fixed, so that the same files give the same archive.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from crucible.ledger.canonical import canonical
from validation.artefacts.file import JSON, TEXT, File
from validation.artefacts.markup import instant, json_text

MANIFEST, SUMS, SIGNED = "manifest.json", "SHA256SUMS", "signed_manifest.json"
SIGNATURES = "signatures.json"
LARGEST = 500 * 1024 * 1024
EARLIEST = datetime(1980, 1, 1, tzinfo=UTC)  # no zip can say an earlier one


def complete(files: Sequence[File], about: Mapping[str, Any], at: datetime) -> list[File]:
    """Return the files with their manifest and, for sha256sum, the list of their digests."""
    rows = [{"file": one.name, "bytes": one.size, "sha256": one.sha256} for one in files]
    manifest = json_text({**about, "created_at": instant(at), "files": rows})
    found = [*files, File(MANIFEST, JSON, manifest.encode())]
    sums = "".join(f"{one.sha256}  {one.name}\n" for one in found)
    return [*found, File(SUMS, TEXT, sums.encode())]


def zipped(files: Sequence[File], at: datetime) -> bytes:
    """Return the files as a zip whose entries all carry the one time, in UTC."""
    out = io.BytesIO()
    when = max(at.astimezone(UTC), EARLIEST).timetuple()[:6]
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for one in files:
            entry = zipfile.ZipInfo(one.name, when)
            entry.create_system, entry.external_attr = 3, 0o100644 << 16
            archive.writestr(entry, one.content)
    return out.getvalue()


def problems(archive: bytes) -> list[str]:
    """Return what is wrong with an archive, a sentence each; empty for a sound one."""
    try:
        files = _unzipped(archive)
        manifest = json.loads(files[MANIFEST])
        rows = {row["file"]: (row["bytes"], row["sha256"]) for row in manifest["files"]}
        sums = files[SUMS].decode()
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError) as error:
        return [f"This is no archive of a session: {error}."]
    found = [*_against_manifest(files, rows), *_against_sums(files, sums)]
    return found + list(_against_signatures(files)) if SIGNED in files else found


def _unzipped(archive: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        entries = opened.infolist()
        if sum(entry.file_size for entry in entries) > LARGEST:
            raise ValueError("it is larger than 500 MB")
        names = [entry.filename for entry in entries]
        if len(set(names)) != len(names):
            raise ValueError("a file stands in it twice")
        return {entry.filename: opened.read(entry) for entry in entries}


def _against_manifest(
    files: Mapping[str, bytes], rows: Mapping[str, tuple[int, str]]
) -> Iterator[str]:
    for name, (size, sha256) in rows.items():
        if name not in files:
            yield f"{name} is missing."
        elif (len(files[name]), _digest(files[name])) != (size, sha256):
            yield f"{name} is not what the manifest says."
    for name in files.keys() - rows.keys() - {MANIFEST, SUMS}:
        yield f"{name} does not stand in the manifest."


def _against_sums(files: Mapping[str, bytes], sums: str) -> Iterator[str]:
    listed = dict(line.split("  ", 1)[::-1] for line in sums.splitlines() if "  " in line)
    for name, content in files.items():
        if name != SUMS and listed.get(name) != _digest(content):
            yield f"{name} is not what {SUMS} says."


def _against_signatures(files: Mapping[str, bytes]) -> Iterator[str]:
    """Compare the files with what was signed, and the signatures with the signed manifest."""
    signed = json.loads(files[SIGNED])
    for row in signed["evidence"]["artefacts"]:
        if _digest(files.get(row["name"], b"")) != row["sha256"]:
            yield f"{row['name']} is not what was signed."
    digest = _digest(files[SIGNED])
    if canonical(signed).encode() != files[SIGNED]:
        yield f"{SIGNED} is not in its canonical form."
    for signature in json.loads(files.get(SIGNATURES, b"[]")):
        if signature["manifest_sha256"] != digest:
            yield f"The signature of {signature['signer']} was given for another manifest."


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
