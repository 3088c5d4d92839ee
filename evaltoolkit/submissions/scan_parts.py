"""The parts of an ``.xlsx`` workbook that its sheets refer to, as they pass: texts, styles, the book, relations."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from evaltoolkit.submissions.scan import MAX_NAMES, Budget, local_name, plain_attributes

_TRUE = ("1", "true")
# the formats 0% and 0.00% need no declaration
_PERCENT_FORMATS = ("9", "10")


_TOLD = ("descr", "title", "displayName", "userId")


@dataclass(frozen=True)
class Shared:
    """What all sheets of a book refer to; ``used`` notes the numbers of the texts that a cell shows."""

    strings: Sequence[str]
    # numbers of the styles that show a percentage, as they are written
    percents: Collection[str]
    budget: Budget
    used: set[int] = field(default_factory=set)


class StylesHandler:
    """Finds the styles of cells that show a number as a percentage."""

    def __init__(self, budget: Budget) -> None:
        self.percents: set[str] = set()
        self._budget = budget
        self._formats = set(_PERCENT_FORMATS)
        self._inside = False
        self._count = 0

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """Note one element."""
        self._budget.take_element()
        match local_name(name):
            case "numFmt" if "%" in attributes.get("formatCode", ""):
                self._formats.add(attributes.get("numFmtId", ""))
            case "cellXfs":
                self._inside = True
            case "xf" if self._inside:
                if attributes.get("numFmtId") in self._formats:
                    self.percents.add(str(self._count))
                self._count += 1

    def end(self, name: str) -> None:
        """Close the list of styles."""
        if local_name(name) == "cellXfs":
            self._inside = False


class StringsHandler:
    """Collects the shared texts; phonetic readings are no part of them."""

    def __init__(self, budget: Budget) -> None:
        self.strings: list[str] = []
        self._budget = budget
        self._pieces: list[str] = []
        self._phonetic = False
        self._open = False

    def start(self, name: str, _attributes: Mapping[str, str]) -> None:
        """Note one element."""
        self._budget.take_element()
        name = local_name(name)
        if name == "si":
            self._pieces = []
        elif name == "rPh":
            self._phonetic = True
        elif name == "t":
            self._open = not self._phonetic

    def text(self, data: str) -> None:
        """Collect a text."""
        if self._open:
            self._pieces.append(data)

    def end(self, name: str) -> None:
        """Close a text."""
        name = local_name(name)
        if name == "si":
            self.strings.append("".join(self._pieces))
        elif name == "rPh":
            self._phonetic = False
        elif name == "t":
            self._open = False


class BookHandler:
    """Collects sheets, defined names and the date system of ``workbook.xml``."""

    def __init__(self, budget: Budget) -> None:
        self.sheets: list[tuple[str, str, str]] = []
        self.names: dict[str, str] = {}
        self.repeated_names: set[str] = set()
        self.date1904 = False
        self._budget = budget
        self._name = ""
        self._target: list[str] = []

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """Note one element."""
        self._budget.take_element()
        plain = plain_attributes(attributes)
        match local_name(name):
            case "sheet":
                self.sheets.append((plain.get("name", ""), plain.get("state", "visible"), plain.get("id", "")))
            case "definedName":
                self._name = plain.get("name", "")
                self._target = []
            case "workbookPr":
                self.date1904 = plain.get("date1904") in _TRUE

    def text(self, data: str) -> None:
        """Collect the target of a defined name."""
        if self._name:
            self._target.append(data)

    def end(self, name: str) -> None:
        """Close a defined name."""
        if local_name(name) != "definedName":
            return
        if self._name in self.names:
            self.repeated_names.add(self._name)
        self.names[self._name] = "".join(self._target)
        self._name = ""
        if len(self.names) > MAX_NAMES:
            self._budget.refuse()


class RelationHandler:
    """Collects the targets of a part's relations."""

    def __init__(self, budget: Budget) -> None:
        self.targets: dict[str, tuple[str, str]] = {}
        # (kind, target) of everything that lies outside the file
        self.external: list[tuple[str, str]] = []
        self.kinds: set[str] = set()
        self._budget = budget

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """Note one relation: id -> (kind, target)."""
        self._budget.take_element()
        if local_name(name) != "Relationship":
            return
        plain = plain_attributes(attributes)
        kind, target = plain.get("Type", "").rpartition("/")[2], plain.get("Target", "")
        self.kinds.add(kind.lower())
        if plain.get("TargetMode", "").lower() == "external":
            self.external.append((kind.lower(), target))
        self.targets[plain.get("Id", "")] = (kind, target)


class TextHandler:
    """Collects every text of a part and the names of its elements."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.elements: set[str] = set()

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """Set texts of different elements apart; a picture's description or a writer's address is text too."""
        self.texts += ["\n", *(attributes[key] + "\n" for key in _TOLD if key in attributes)]
        self.elements.add(local_name(name))

    def text(self, data: str) -> None:
        """Collect a text."""
        self.texts.append(data)
