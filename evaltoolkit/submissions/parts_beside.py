"""The parts of a workbook that hold no cell: refused where nothing can search them, searched for personal data else."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from evaltoolkit.submissions.archive import UnsafeError
from evaltoolkit.submissions.personal import find_personal, has_national_number

XML_ENDS = (".xml", ".rels", ".vml", ".rdf")
_PICTURES = re.compile(
    r"(?:^|/)(?:media|pictures|objectreplacements)/|\.(?:png|jpe?g|gif|bmp|emf|wmf|tiff?|svgz?|webp|ico)$"
)
# What spreadsheet programs write without being asked: settings of a printer, a small picture of the first sheet.
_EXPECTED = re.compile(
    r"^(?:mimetype|xl/printersettings/[^/]+\.bin|xl/customproperty[0-9]*\.bin|docprops/thumbnail\.[a-z]+|"
    r"thumbnails/thumbnail\.png|layout-cache)$"
)
# a zip, an old Office file, gzip, 7-Zip, RAR, bzip2, xz, PDF
_CONTAINERS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!", b"BZh", b"\xfd7zXZ", b"%PDF")
# Parts whose texts are read elsewhere: there only what stands within their tags is searched here.
_READ = re.compile(
    r"^(?:xl/worksheets/[^/]+|xl/sharedstrings\.xml|xl/(?:threaded)?comments.*|xl/drawings/[^/]+|xl/persons/.*|"
    r"content\.xml|meta\.xml|styles\.xml|settings\.xml|docprops/.*)$"
)
_TEXT = re.compile(rb">[^<]*<")
_VALUE = re.compile(rb'value="[^"]*"')
# in the midst of numbers of programs only what stands by itself
_ELEVEN = re.compile(
    # the digit comes first, so that the search jumps from digit to digit
    rb"[0-9](?<![0-9A-Za-z.#-].)[0-9][. /-]?[0-9]{2}[. /-]?[0-9]{2}[. /-]{0,3}[0-9]{3}[. /-]?[0-9]{2}"
    rb"(?![0-9A-Za-z.]|-[0-9])"
)
_EMAIL = re.compile(rb"[A-Za-z0-9._%+-]{2,64}@[A-Za-z0-9-]{2,}(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}")


# properties and left-over texts are the same in hundreds of forms
_kind_of = lru_cache(maxsize=20_000)(find_personal)


def looks_like_xml(data: bytes) -> bool:
    """Tell whether a part of any name holds XML."""
    start = data[:1000].removeprefix(b"\xef\xbb\xbf").lstrip()
    return start.startswith(b"<") or data.startswith((b"\xff\xfe<\x00", b"\xfe\xff\x00<"))


def check_parts(parts: Mapping[str, bytes]) -> None:
    """Refuse pictures, files within the file, and parts of an unknown kind.

    A form holds none of them, and nothing can tell whether a person is shown or named there.

    Raises
    ------
    UnsafeError
    """
    for name, data in parts.items():
        small = name.lower()
        if data.startswith(_CONTAINERS):
            raise UnsafeError("file.embedded")
        if _EXPECTED.match(small):
            continue
        if _PICTURES.search(small):
            raise UnsafeError("file.picture")
        if data and not small.endswith(XML_ENDS) and not looks_like_xml(data):
            raise UnsafeError("file.hidden_bytes")


def kind_beside(texts: Iterable[str], parts: Mapping[str, bytes]) -> str:
    """Return the kind of personal data among properties, links, left-over texts, tags and parts that are no XML.

    Those hold many chains of digits of programs, so that a phone number cannot be told from them.
    """
    kinds: set[str | None] = {_kind_of(text) for text in set("\n".join(texts).split("\n"))}
    for name, data in parts.items():
        kinds.add(_raw_kind(_searched(name.lower(), data)))
    return next((kind for kind in ("national_number", "email", "birth_date") if kind in kinds), "")


def _searched(name: str, data: bytes) -> bytes:
    if not (name.endswith(XML_ENDS) or looks_like_xml(data)):
        # letters of two bytes are found too
        return data.replace(b"\x00", b"")
    if _READ.match(name):
        data = _TEXT.sub(b"><", data)
    if name == "content.xml":
        # the values of cells stand within the tags
        data = _VALUE.sub(b"", data)
    return html.unescape(data.decode("utf-8", "replace")).encode() if b"&#" in data else data


def _raw_kind(data: bytes) -> str:
    if any(has_national_number(match[0].decode(), dated=True) for match in _ELEVEN.finditer(data)):
        return "national_number"
    return "email" if b"@" in data and _EMAIL.search(data) else ""
