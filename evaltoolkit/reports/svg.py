"""From matplotlib's SVG to one that can stand inside a page.

The page's content security policy forbids inline styles, so style attributes become presentation attributes; ids get
a prefix of their own, so that two figures never share one; ink becomes ``currentColor`` and colours stay, to be
adapted by the style sheet in the dark.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

# inherited from the root by every shape; matplotlib writes it as a style sheet
_ROOT_STYLE = {"stroke-linejoin": "round", "stroke-linecap": "butt"}
INK = "#1f2933"
_SVG = "{http://www.w3.org/2000/svg}"
_XLINK = "{http://www.w3.org/1999/xlink}href"
_FONT = re.compile(r"(?:(?P<weight>bold|\d{3})\s+)?(?P<size>[\d.]+)px\s+(?P<family>.+)")


def inline_svg(source: str, *, name: str, title: str, description: str) -> str:
    """Return an SVG element for a page, with its name as prefix of all ids.

    Parameters
    ----------
    source : SVG file as matplotlib writes it
    name : prefix of all ids
    title : name of the figure for a screen reader
    description : what the figure shows, for a screen reader
    """
    root = ET.fromstring(source)
    _drop_metadata(root)
    for element in root.iter():
        element.tag = element.tag.removeprefix(_SVG)
        _flatten_style(element)
        _prefix_ids(element, name)
    for size in ("width", "height", "version"):
        root.attrib.pop(size, None)
    root.attrib |= {**_ROOT_STYLE, "role": "img", "aria-labelledby": f"{name}-title {name}-description"}
    for position, (tag, text) in enumerate((("title", title), ("desc", description))):
        child = ET.Element(tag, {"id": f"{name}-{'title' if tag == 'title' else 'description'}"})
        child.text = text
        child.tail = "\n"
        root.insert(position, child)
    return ET.tostring(root, encoding="unicode")


def _drop_metadata(root: ET.Element) -> None:
    for child in list(root):
        tag = child.tag.removeprefix(_SVG)
        if tag == "metadata" or (tag == "defs" and child.find(f"{_SVG}style") is not None):
            root.remove(child)


def _flatten_style(element: ET.Element) -> None:
    for declaration in element.attrib.pop("style", "").split(";"):
        key, _, value = (part.strip() for part in declaration.partition(":"))
        if key == "font":
            element.attrib |= _font_attributes(value)
        elif key:
            element.set(key, "currentColor" if value == INK else value)


def _font_attributes(font: str) -> dict[str, str]:
    match = _FONT.fullmatch(font)
    if match is None:  # pragma: no cover - matplotlib writes no other form
        raise ValueError(f"SVG font not understood: {font}")
    weight = {"font-weight": match["weight"]} if match["weight"] else {}
    # the family comes from the page
    return {"font-size": match["size"], **weight}


def _prefix_ids(element: ET.Element, name: str) -> None:
    if "id" in element.attrib:
        element.set("id", f"{name}-{element.get('id')}")
    if _XLINK in element.attrib:
        element.set("href", f"#{name}-{element.attrib.pop(_XLINK).removeprefix('#')}")
    for key, value in element.attrib.items():
        if value.startswith("url(#"):
            element.set(key, f"url(#{name}-{value[5:]}")
