"""The zip container of a workbook, opened with limits before anything inside is parsed."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import PurePosixPath

from evaltoolkit.findings import Fact

MEGABYTE = 1_000_000
MAX_FILE = 20 * MEGABYTE
MAX_PARTS = 1_000
MAX_NAME = 250
MAX_PART = 20 * MEGABYTE
MAX_TOTAL = 50 * MEGABYTE
MAX_RATIO = 100
# A repetitive sheet of an honest small form can be squeezed harder than MAX_RATIO.
RATIO_FROM = MEGABYTE

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP = b"PK\x03\x04"
_LOCAL_HEADER = 30
_ENCRYPTED, _SIZES_FOLLOW = 0x1, 0x8
# the size stands in a note, for parts beyond four gigabytes
_IN_NOTE = 0xFFFFFFFF


class UnsafeError(Exception):
    """A fault of the container for which nothing of the file is read; becomes a finding of the same code."""

    def __init__(self, code: str, **facts: Fact) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts


def open_parts(content: bytes) -> dict[str, bytes]:
    """Return the parts of a zip container by name, all limits kept.

    Raises
    ------
    UnsafeError
        Not a zip, too large, damaged, or made to hurt the reader.
    """
    _check_kind(content)
    try:
        entries = zipfile.ZipFile(io.BytesIO(content)).infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, struct.error):
        raise UnsafeError("file.truncated") from None
    _check_directory(entries)
    entries = [entry for entry in entries if not entry.is_dir()]
    return {entry.filename: _unpack(content, entry) for entry in entries}


def _check_kind(content: bytes) -> None:
    if len(content) > MAX_FILE:
        raise UnsafeError("file.too_large", limit=MAX_FILE // MEGABYTE)
    if not content:
        raise UnsafeError("file.empty")
    if content.startswith(_OLE):
        raise UnsafeError("file.old_or_locked")
    if not content.startswith(_ZIP):
        raise UnsafeError("file.not_xlsx")


def _check_directory(entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > MAX_PARTS:
        raise UnsafeError("file.too_many_parts", limit=MAX_PARTS)
    names = {entry.filename.lower() for entry in entries}
    if len(names) != len(entries):
        raise UnsafeError("file.duplicate_part")
    if any(_leaves_folder(entry) for entry in entries):
        raise UnsafeError("file.unsafe_name")
    if any(entry.flag_bits & _ENCRYPTED for entry in entries):
        raise UnsafeError("file.old_or_locked")
    if any(_is_bomb(entry) for entry in entries) or sum(entry.file_size for entry in entries) > MAX_TOTAL:
        raise UnsafeError("file.unpacks_too_large", limit=MAX_TOTAL // MEGABYTE)


def _leaves_folder(entry: zipfile.ZipInfo) -> bool:
    # orig_filename: zipfile cuts the name at a null byte, other readers do not
    name = entry.orig_filename
    parts = PurePosixPath(name.replace("\\", "/")).parts
    odd = "\x00" in name or ":" in name or len(name) > MAX_NAME
    return odd or not parts or ".." in parts or parts[0].startswith("/")


def _is_bomb(entry: zipfile.ZipInfo) -> bool:
    dense = entry.file_size > RATIO_FROM and entry.file_size > MAX_RATIO * max(entry.compress_size, 1)
    return entry.file_size > MAX_PART or dense


def _unpack(content: bytes, entry: zipfile.ZipInfo) -> bytes:
    """Unpack one part; its size must be the declared one, for a reader may trust the stream instead."""
    header = content[entry.header_offset : entry.header_offset + _LOCAL_HEADER]
    if len(header) < _LOCAL_HEADER or not header.startswith(_ZIP):
        raise UnsafeError("file.truncated")
    name_length, extra_length = struct.unpack("<HH", header[26:30])
    name_start = entry.header_offset + _LOCAL_HEADER
    start = name_start + name_length + extra_length
    if not _same_name(content[name_start : name_start + name_length], entry):
        raise UnsafeError("file.damaged")
    flags, method = struct.unpack("<HH", header[6:10])
    if flags & _ENCRYPTED:
        raise UnsafeError("file.old_or_locked")
    # a reader may trust what stands before the part or what stands in the list: both must say the same
    if method != entry.compress_type or not _same_sizes(header, entry, flags):
        raise UnsafeError("file.damaged")
    data = _inflate(content[start : start + entry.compress_size], entry)
    if len(data) != entry.file_size or zlib.crc32(data) != entry.CRC:
        raise UnsafeError("file.damaged")
    return data


def _same_sizes(header: bytes, entry: zipfile.ZipInfo, flags: int) -> bool:
    told = struct.unpack("<III", header[14:26])
    listed = (entry.CRC, entry.compress_size, entry.file_size)
    later = flags & _SIZES_FOLLOW and told in ((0, 0, 0), (0, _IN_NOTE, _IN_NOTE))
    return bool(later) or all(one in (other, _IN_NOTE) for one, other in zip(told, listed, strict=True))


def _same_name(raw: bytes, entry: zipfile.ZipInfo) -> bool:
    return any(raw == entry.orig_filename.encode(encoding, "replace") for encoding in ("utf-8", "cp437"))


def _inflate(raw: bytes, entry: zipfile.ZipInfo) -> bytes:
    if entry.compress_type == zipfile.ZIP_STORED:
        return raw
    if entry.compress_type != zipfile.ZIP_DEFLATED:
        raise UnsafeError("file.damaged")
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        data = inflater.decompress(raw, entry.file_size + 1)
        # a full buffer stops before the end mark of the stream is seen
        data += inflater.decompress(inflater.unconsumed_tail, 1)
    except zlib.error:
        raise UnsafeError("file.damaged") from None
    if not inflater.eof:
        raise UnsafeError("file.damaged")
    if inflater.unused_data or inflater.unconsumed_tail:
        raise UnsafeError("file.hidden_bytes")
    return data
