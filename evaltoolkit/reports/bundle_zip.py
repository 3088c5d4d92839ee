"""The container of a bundle: the same bytes for the same content, opened with limits."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.submissions.archive import MAX_FILE, MAX_PART, MAX_RATIO, MEGABYTE, UnsafeError, open_parts
from evaltoolkit.submissions.guard import read_content

SCHEMA = "evaltoolkit/bundle/1"
MANIFEST = "bundle.json"
_NO_CLOCK = (1980, 1, 1, 0, 0, 0)
_FAULTS = {
    "file.too_large": f"it is larger than {MAX_FILE // MEGABYTE} MB",
    "file.empty": "it is empty",
    "file.not_xlsx": "it is no zip file",
    "file.truncated": "it did not arrive in full",
    "file.too_many_parts": "it has more parts than any bundle",
    "file.duplicate_part": "one of its files is there twice",
    "file.unsafe_name": "one of its files wants to be written outside its folder",
    "file.unpacks_too_large": "it would become far too large when opened",
}


@dataclass(frozen=True)
class Bundle:
    """An opened bundle: its list of contents, its files, and those that are not what the list says."""

    manifest: Mapping[str, Any]
    files: Mapping[str, bytes]
    changed: tuple[str, ...]

    def project(self) -> dict[str, bytes]:
        """Return the files of the project by their place in it."""
        return {name.removeprefix("project/"): data for name, data in self.files.items() if name.startswith("project/")}

    def document(self, name: str) -> Any:
        """Return a file that holds JSON.

        Raises
        ------
        EvaltoolkitError
            It does not, or is not there.
        """
        try:
            return json.loads(self.files[name])
        except (KeyError, ValueError, RecursionError):
            raise EvaltoolkitError(f"{name} of the bundle cannot be read. Ask for the bundle again.") from None


def pack(manifest: Mapping[str, Any], files: Mapping[str, bytes]) -> bytes:
    """Return a zip with a list of contents; ``files`` in the list holds the SHA-256 of every other file.

    Raises
    ------
    EvaltoolkitError
        It would be larger than what may be opened again.
    """
    listed = {**manifest, "files": {name: _sha256(data) for name, data in sorted(files.items())}}
    content = {MANIFEST: as_json(listed), **dict(sorted(files.items()))}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as container:
        for name, data in content.items():
            entry = zipfile.ZipInfo(name, _NO_CLOCK)
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED if _spread(data) else zipfile.ZIP_STORED
            container.writestr(entry, data, compresslevel=9)
    packed = buffer.getvalue()
    if len(packed) > MAX_FILE or max(map(len, content.values())) > MAX_PART:
        raise EvaltoolkitError(
            f"The bundle would be larger than {MAX_FILE // MEGABYTE} MB, and nobody could open it: write one without "
            "the values (--publication), or name smaller files in the plan."
        )
    return packed


def _spread(data: bytes) -> bool:
    """Whether squeezed data stay far from what would be taken for a bomb."""
    import zlib

    return len(data) < MAX_RATIO / 2 * len(zlib.compress(data, 9))


def unpack(path: str | Path) -> Bundle:
    """Open a bundle.

    Raises
    ------
    EvaltoolkitError
        It cannot be opened, is damaged or made to do harm, is no bundle, or is one of a later toolkit.
    """
    name = Path(path).name
    try:
        files = open_parts(read_content(path))
    except UnsafeError as fault:
        reason = _FAULTS.get(fault.code, "it is damaged")
        raise EvaltoolkitError(f'"{name}" is not opened: {reason}. Ask for the bundle again.') from None
    manifest = _manifest(files.pop(MANIFEST, b""), name)
    listed = manifest["files"]
    if unknown := sorted(set(files) - set(listed)):
        raise EvaltoolkitError(
            f'"{name}" is not opened: {len(unknown)} of its files are not on its list. Ask for the bundle again.'
        )
    changed = tuple(entry for entry in sorted(listed) if entry not in files or _sha256(files[entry]) != listed[entry])
    return Bundle(manifest, files, changed)


def _manifest(content: bytes, name: str) -> dict[str, Any]:
    try:
        manifest = json.loads(content)
        schema = str(manifest["schema"])
    except (ValueError, KeyError, TypeError, RecursionError):
        manifest, schema = {}, ""
    if schema.startswith("evaltoolkit/bundle/") and schema != SCHEMA:
        raise EvaltoolkitError(f'"{name}" was written by another version ({schema}): use the toolkit that wrote it.')
    if schema != SCHEMA or not _is_whole(manifest):
        raise EvaltoolkitError(
            f'"{name}" is no bundle of this toolkit: name a file that evaluate --bundle has written.'
        )
    return dict(manifest)


def _is_whole(manifest: Mapping[str, Any]) -> bool:
    """Whether everything that is asked of a list of contents is there, and the plan is one of its files."""
    tables = [manifest.get(name) for name in ("files", "plan", "digests", "versions")]
    if not all(isinstance(one, dict) for one in tables) or not isinstance(manifest.get("holds_inputs"), bool):
        return False
    plan = manifest["plan"]
    return f"project/{plan.get('place')}" in manifest["files"] and isinstance(plan.get("content"), dict)


def as_json(content: object) -> bytes:
    """Return JSON, one way only: sorted, without NaN."""
    text = json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True, allow_nan=False)
    return f"{text}\n".encode()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
