"""The archive: complete, the same bytes for the same files, and anything spoilt is found."""

import io
import json
import subprocess
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crucible.ledger.canonical import canonical, digest
from validation.artefacts.bundle import complete, problems, zipped
from validation.artefacts.file import File

AT = datetime(2026, 3, 2, 15, 4, 5, 678, tzinfo=UTC)
A = File("a.md", "text/markdown", "# Ä\n".encode())
B = File("b.csv", "text/csv", b"x,y\n1,2\n")


def archive(*files: File) -> bytes:
    return zipped(complete(files or (A, B), {"session": "s"}, AT), AT)


def signed(*, manifest_sha256: str = "", of: str = "") -> bytes:
    """An archive with what was signed; the signature for another manifest, or of another file."""
    rows = [{"name": A.name, "bytes": A.size, "sha256": of or A.sha256}]
    text = canonical({"evidence": {"artefacts": rows}})
    given = [{"signer": "Q", "manifest_sha256": manifest_sha256 or digest(text)}]
    return archive(
        A,
        File("signatures.json", "application/json", json.dumps(given).encode()),
        File("signed_manifest.json", "application/json", text.encode()),
    )


def with_file(name: str, content: bytes | None) -> bytes:
    """The archive with one file replaced, added or (None) left out."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive())) as old, zipfile.ZipFile(out, "w") as new:
        kept = {entry.filename: old.read(entry) for entry in old.infolist()} | {name: content}
        for key, value in kept.items():
            if value is not None:
                new.writestr(key, value)
    return out.getvalue()


def test_a_sound_archive_has_no_problems() -> None:
    assert problems(archive()) == []
    assert problems(signed()) == []


def test_the_manifest_names_size_digest_and_the_given_time() -> None:
    with zipfile.ZipFile(io.BytesIO(archive())) as opened:
        manifest = json.loads(opened.read("manifest.json"))
        names = opened.namelist()
    assert names == ["a.md", "b.csv", "manifest.json", "SHA256SUMS"]
    assert manifest["created_at"] == "2026-03-02T15:04:05.000678+00:00"
    assert manifest["files"][0] == {"file": "a.md", "bytes": A.size, "sha256": A.sha256}


def test_entries_carry_the_given_time_and_plain_permissions() -> None:
    with zipfile.ZipFile(io.BytesIO(archive())) as opened:
        for entry in opened.infolist():
            assert entry.date_time == (2026, 3, 2, 15, 4, 4)
            assert entry.external_attr >> 16 == 0o100644
            assert entry.compress_type == zipfile.ZIP_STORED


@pytest.mark.parametrize(
    ("spoilt", "told"),
    [
        (with_file("a.md", "# Ö\n".encode()), "a.md is not what the manifest says."),
        (with_file("b.csv", None), "b.csv is missing."),
        (with_file("c.txt", b"more"), "c.txt does not stand in the manifest."),
        (with_file("SHA256SUMS", b""), "a.md is not what SHA256SUMS says."),
        (with_file("manifest.json", b"{}"), "This is no archive of a session: 'files'."),
        (b"no zip", "This is no archive of a session: File is not a zip file."),
        (signed(of="0" * 64), "a.md is not what was signed."),
        (signed(manifest_sha256="0" * 64), "The signature of Q was given for another manifest."),
    ],
)
def test_what_is_spoilt_is_named(spoilt: bytes, told: str) -> None:
    assert told in problems(spoilt)


def test_a_file_that_stands_twice_is_refused() -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        twice = zipped([A, A], AT)
    assert problems(twice) == ["This is no archive of a session: a file stands in it twice."]


def test_sha256sum_verifies_the_unpacked_archive(tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(archive())) as opened:
        opened.extractall(tmp_path)
    check = ["sha256sum", "--check", "--strict", "SHA256SUMS"]
    assert subprocess.run(check, cwd=tmp_path, check=False).returncode == 0
    (tmp_path / "a.md").write_text("other")
    assert subprocess.run(check, cwd=tmp_path, check=False).returncode == 1
