"""Which colours and widths a style sheet gives to the shapes of a page: the few rules that pictures use."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

# of what a rule may say, what a picture needs
PROPERTIES = frozenset(
    (
        "fill",
        "fill-opacity",
        "font-size",
        "font-weight",
        "opacity",
        "stroke",
        "stroke-dasharray",
        "stroke-opacity",
        "stroke-width",
        "text-anchor",
    )
)
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_VARIABLE = re.compile(r"var\((--[\w-]+)\)")
_PART = re.compile(r'([\w-]+)?((?:\.[\w-]+)*)((?:\[[\w-]+="[^"]*"\])*)\Z')
_ATTRIBUTE = re.compile(r'\[([\w-]+)="([^"]*)"\]')


class Sheet:
    """The rules of a style sheet for a light screen; ``@media`` and ``@page`` are left out.

    Parameters
    ----------
    css : text of the sheet
    """

    def __init__(self, css: str) -> None:
        variables: dict[str, str] = {}
        self.rules: list[tuple[list[str], Mapping[str, str]]] = []
        for selectors, body in _rules(_COMMENT.sub("", css)):
            said = {name.strip(): value.strip() for name, _, value in (one.partition(":") for one in body.split(";"))}
            variables |= {name: value for name, value in said.items() if name.startswith("--")}
            kept = {name: value for name, value in said.items() if name in PROPERTIES}
            if kept:
                self.rules += [(selector.split(), kept) for selector in selectors.split(",")]
        self.variables = variables

    def of(self, element: Any) -> dict[str, str]:
        """Return what the sheet says of an element, variables resolved; a later rule counts more."""
        found: dict[str, str] = {}
        for path, said in self.rules:
            if _matches(path, element):
                found |= said
        return {name: self._resolved(value) for name, value in found.items()}

    def _resolved(self, value: str) -> str:
        return _VARIABLE.sub(lambda name: self.variables.get(name[1], name[0]), value)


def _rules(css: str) -> Iterator[tuple[str, str]]:
    """Yield selector and body of each rule outside a block that begins with @."""
    place = 0
    while (start := css.find("{", place)) >= 0:
        head = css[place:start].strip()
        end = _closing(css, start)
        if not head.startswith("@"):
            yield head, css[start + 1 : end]
        place = end + 1


def _closing(css: str, start: int) -> int:
    depth = 0
    for place in range(start, len(css)):
        depth += {"{": 1, "}": -1}.get(css[place], 0)
        if depth == 0:
            return place
    return len(css)


def _matches(path: list[str], element: Any) -> bool:
    """Whether a selector of plain parts, each somewhere above the next, fits an element."""
    if not path or not _fits(path[-1], element):
        return False
    above = element.getparent()
    for part in reversed(path[:-1]):
        while above is not None and not _fits(part, above):
            above = above.getparent()
        if above is None:
            return False
        above = above.getparent()
    return True


def _fits(part: str, element: Any) -> bool:
    found = _PART.match(part)
    if found is None or not isinstance(element.tag, str):
        return False
    tag, classes, attributes = found.groups()
    own = set(str(element.get("class", "")).split())
    return (
        tag in (None, element.tag)
        and own.issuperset(name for name in classes.split(".") if name)
        and all(element.get(name) == value for name, value in _ATTRIBUTE.findall(attributes))
    )
