"""Every byte of a zip container accounted for: what no part and no list of parts owns was hidden there.

Spreadsheet programs write part after part, then the list, then its end, and nothing else: no byte before, between or
after them, no remark. Whatever lies there would be kept with the file though nothing can show or search it.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Iterator

from evaltoolkit.submissions.archive import UnsafeError

_CODE = "file.hidden_bytes"
_LOCAL, _LISTED, _END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_END64, _LOCATOR64 = b"PK\x06\x06", b"PK\x06\x07"
_LOCAL_HEADER, _LISTED_HEADER, _END_RECORD = 30, 46, 22
_END64_RECORD, _LOCATOR64_RECORD = 56, 20
_SIGNATURE = b"PK\x07\x08"
_DESCRIPTOR_FLAG = 0x8
# Notes that programs add to a part, by their number, with the most bytes of each: sizes beyond four bytes, times of
# the file system, numbers of its owner.
_KNOWN_EXTRAS = {0x0001: 28, 0x000A: 36, 0x5455: 13, 0x5855: 12, 0x7855: 8, 0x7875: 15}
# Excel leaves room here, filled with nothing but zeros, to change a part in place
_ROOM = 0xA220
_ROOM_SIGN = b"\x28\xa0"


def check_bytes(content: bytes) -> None:
    """Refuse a container, opened before, with bytes that belong to nothing.

    Raises
    ------
    UnsafeError
        Bytes before, between or after the parts, in a remark or an unknown note, or in a folder; parts that overlap;
        a list of parts that is not what its end says.
    """
    start, size = _find_list(content)
    entries = zipfile.ZipFile(io.BytesIO(content)).infolist()
    place = 0
    for entry in sorted(entries, key=lambda one: one.header_offset):
        if entry.header_offset != place:
            raise UnsafeError(_CODE)
        place = _end_of_part(content, entry)
    if place != start or sum(_listed_sizes(content, start, size)) != size:
        raise UnsafeError(_CODE)


def _find_list(content: bytes) -> tuple[int, int]:
    """Return where the list of parts begins and its size; its end must be the end of the file."""
    end = len(content) - _END_RECORD
    if end < 0 or content[end : end + 4] != _END or content[-2:] != b"\x00\x00":
        # a file cut off in the middle has no end at all; here there is one, with a remark or more behind it
        raise UnsafeError(_CODE)
    size, start = struct.unpack("<II", content[end + 12 : end + 20])
    locator = end - _LOCATOR64_RECORD
    if content[max(locator, 0) : locator + 4] == _LOCATOR64:
        end = locator - _END64_RECORD
        record = content[max(end, 0) : locator]
        if record[:4] != _END64 or len(record) != _END64_RECORD:
            raise UnsafeError(_CODE)
        size, start = struct.unpack("<QQ", record[40:56])
    if start + size != end:
        raise UnsafeError(_CODE)
    return start, size


def _end_of_part(content: bytes, entry: zipfile.ZipInfo) -> int:
    """Return the place behind a part, its sizes that may follow it included."""
    header = content[entry.header_offset : entry.header_offset + _LOCAL_HEADER]
    if len(header) < _LOCAL_HEADER or not header.startswith(_LOCAL):
        raise UnsafeError("file.truncated")
    flags = struct.unpack("<H", header[6:8])[0]
    name, extra = struct.unpack("<HH", header[26:30])
    notes = entry.header_offset + _LOCAL_HEADER + name
    _check_extra(content[notes : notes + extra])
    if entry.is_dir() and entry.compress_size > 2:
        raise UnsafeError(_CODE)
    end: int = notes + extra + entry.compress_size
    if not flags & _DESCRIPTOR_FLAG:
        return end
    for form in ("<III", "<IQQ"):
        sizes = struct.pack(form, entry.CRC, entry.compress_size, entry.file_size)
        for descriptor in (_SIGNATURE + sizes, sizes):
            if content[end : end + len(descriptor)] == descriptor:
                return end + len(descriptor)
    raise UnsafeError("file.damaged")


def _listed_sizes(content: bytes, start: int, size: int) -> Iterator[int]:
    """Return the size of each line of the list; a line may have known notes and no remark."""
    place = start
    while place < start + size:
        if content[place : place + 4] != _LISTED or place + _LISTED_HEADER > len(content):
            raise UnsafeError(_CODE)
        name, extra, remark = struct.unpack("<HHH", content[place + 28 : place + 34])
        if remark:
            raise UnsafeError(_CODE)
        notes = place + _LISTED_HEADER + name
        _check_extra(content[notes : notes + extra])
        yield _LISTED_HEADER + name + extra
        place = notes + extra


def _check_extra(notes: bytes) -> None:
    place = 0
    while place < len(notes):
        if place + 4 > len(notes):
            raise UnsafeError(_CODE)
        number, size = struct.unpack("<HH", notes[place : place + 4])
        note = notes[place + 4 : place + 4 + size]
        place += 4 + size
        room = number == _ROOM and note[:2] == _ROOM_SIGN and not any(note[4:])
        if len(note) != size or not (room or size <= _KNOWN_EXTRAS.get(number, -1)):
            raise UnsafeError(_CODE)
