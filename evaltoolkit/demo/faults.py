"""Faults as they come back from third parties, planted by editing saved workbooks."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from xml.sax.saxutils import escape

from evaltoolkit.framework.indicator import Framework
from evaltoolkit.panels.simulate import World
from evaltoolkit.submissions.layout import FormMeta, Layout, cell_name, layout_form

# (indicator, part, "v" answer or "s" status, what stands in the cell, as XML)
_TEXT = '<c r="{r}"{s} t="inlineStr"><is><t>{v}</t></is></c>'
_NUMBER = '<c r="{r}"{s}><v>{v}</v></c>'
_ERROR = '<c r="{r}"{s} t="e"><f>1/0</f><v>{v}</v></c>'

_CELL_FAULTS: tuple[tuple[str, str, str, str, str], ...] = (
    ("GOV-08", "case", "v", _TEXT, "een stuk of vijf"),
    ("GOV-08", "strategic", "v", _NUMBER, "-2"),
    ("COMP-02", "numerator", "v", _NUMBER, "300"),
    ("COMP-09", "value", "s", _TEXT, "DK – weet niet"),
    ("CAP-01", "denominator", "v", _NUMBER, "3.5"),
    ("COMP-09", "value", "v", _ERROR, "#DIV/0!"),
    ("DET-02", "value", "v", _TEXT, "1.234"),
    ("PREV-06", "value", "v", _TEXT, "misschien"),
)


def plant_faults(world: World, framework: Framework, folder: Path) -> int:
    """Edit saved workbooks of the last round: one fault each, and return how many were planted.

    Further: one file cut off in the middle, one that is not a workbook, and one sent twice.
    """
    files = sorted((folder / "2025").glob("*.xlsx"))
    for path, fault in zip(files[::7], _CELL_FAULTS, strict=False):
        indicator, part, kind, xml, value = fault
        layout = _layout_of(world, framework, path)
        name = cell_name(indicator, part, layout.meta.period, status=kind == "s")
        title, address = layout.cells[name]
        edit_cell(path, list(layout.titles.values()).index(title) + 1, address, xml, value)
    others = files[3::7]
    others[0].write_bytes(others[0].read_bytes()[:3000])
    others[1].write_text("<html><body>n.v.t.</body></html>", encoding="utf-8")
    (folder / "2025" / f"copy_of_{others[2].name}").write_bytes(others[2].read_bytes())
    return len(_CELL_FAULTS) + 3


def _layout_of(world: World, framework: Framework, path: Path) -> Layout:
    unit, period, language = path.stem.rsplit("_", 2)
    members = world.membership
    in_force = members[(members["livc_r"] == unit) & (members["valid_to"] == "")]["municipality"]
    codes = tuple(sorted(in_force))
    meta = FormMeta(
        framework.name, framework.version, "evaluation", "livc_r", unit, codes, "2025", period, (), language
    )
    return layout_form(framework, meta)


def edit_cell(path: Path, sheet: int, address: str, xml: str, value: str) -> None:
    """Replace one cell in a saved workbook's XML; ``xml`` has the places ``r`` (address), ``s`` (style), ``v``."""

    def replace(text: str) -> str:
        pattern = re.compile(rf'<c r="{address}"((?: s="\d+")?)[^>]*?(?:/>|>.*?</c>)')
        if not pattern.search(text):
            raise ValueError(f"cell {address} is not on sheet {sheet} of {path.name}")
        return pattern.sub(lambda match: xml.format(r=address, s=match[1], v=escape(value)), text, count=1)

    _edit_part(path, f"xl/worksheets/sheet{sheet}.xml", replace)


def _edit_part(path: Path, part: str, edit: Callable[[str], str]) -> None:
    with zipfile.ZipFile(path) as archive:
        contents = {info: archive.read(info) for info in archive.infolist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for info, content in contents.items():
            text = edit(content.decode("utf-8")).encode("utf-8") if info.filename == part else content
            archive.writestr(info, text)
