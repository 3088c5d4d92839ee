"""Filled forms for tests, and the faults that come back from third parties, made by editing saved files."""

import re
import zipfile
from xml.sax.saxutils import escape

from evaltoolkit.framework.values import value_table
from evaltoolkit.submissions.layout import FormMeta, cell_name, layout_form
from evaltoolkit.submissions.write import write_template

ANSWERS = {
    ("GOV-08", "total"): 9,
    ("GOV-08", "case"): 5,
    ("GOV-08", "strategic"): 4,
    ("GOV-02", "active"): 1,
    ("CAP-01", "hours"): 12.5,
    ("CAP-05", "end"): "2025-03",
    ("COMP-01", "members"): "mayor;police",
    ("COMP-01", "chair"): "mayor",
}
_WRITTEN = {}
TEXT = '<c r="{r}"{s} t="inlineStr"><is><t xml:space="preserve">{v}</t></is></c>'
NUMBER = '<c r="{r}"{s}><v>{v}</v></c>'
ERROR = '<c r="{r}"{s} t="e"><v>{v}</v></c>'
BOOLEAN = '<c r="{r}"{s} t="b"><v>{v}</v></c>'
FORMULA = '<c r="{r}"{s}><f>{v}</f></c>'
CALCULATED = '<c r="{r}"{s}><f>{v}</f><v>9</v></c>'
EMPTY = '<c r="{r}"{s}/>'


def make_meta(framework, unit="11002", period="2025", earlier=("2024",), language="nl"):
    return FormMeta(
        framework.name,
        framework.version,
        "starter",
        "municipality",
        unit,
        (unit,),
        "2025",
        period,
        tuple(earlier),
        language,
    )


def make_values(meta, answers=None):
    rows = []
    for period in (meta.period, *meta.earlier):
        for (indicator, part), answer in (ANSWERS if answers is None else answers).items():
            text = isinstance(answer, str)
            rows.append(
                {
                    "unit_kind": meta.unit_kind,
                    "unit": meta.unit,
                    "period": period,
                    "indicator": indicator,
                    "part": part,
                    "value": float("nan") if text else float(answer),
                    "text": answer if text else "",
                    "status": "registered" if period == meta.period else "reconstructed",
                    "source": "test",
                    "wording": 1,
                }
            )
    return value_table(rows)


def write_form(framework, folder, answers=None, name=None, **options):
    """Write a filled form; returns its path and layout."""
    meta = make_meta(framework, **options)
    path = folder / (name or f"{meta.unit}_{meta.period}_{meta.language}.xlsx")
    folder.mkdir(parents=True, exist_ok=True)
    key = (meta, answers is None or tuple(answers.items()))
    if key not in _WRITTEN:
        write_template(framework, meta, path, values=make_values(meta, answers), name="Test")
        _WRITTEN[key] = path.read_bytes(), layout_form(framework, meta)
    content, layout = _WRITTEN[key]
    path.write_bytes(content)
    return path, layout


def edit_part(path, part, edit):
    with zipfile.ZipFile(path) as archive:
        contents = {info: archive.read(info) for info in archive.infolist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for info, content in contents.items():
            text = edit(content.decode()).encode() if info.filename == part else content
            archive.writestr(info, text)


def sheet_part(layout, title):
    return f"xl/worksheets/sheet{list(layout.titles.values()).index(title) + 1}.xml"


def edit_cell(path, layout, field, xml, value, kind="v"):
    """Replace an input cell, named (indicator, part, period[, option]); returns its (sheet, address)."""
    indicator, part, period, *option = field
    title, address = layout.cells[cell_name(indicator, part, period, *option, status=kind == "s")]

    def replace(text):
        pattern = re.compile(rf'<c r="{address}"((?: s="\d+")?)[^>]*?(?:/>|>.*?</c>)')
        assert pattern.search(text), address
        return pattern.sub(lambda match: xml.format(r=address, s=match[1], v=escape(str(value))), text, count=1)

    edit_part(path, sheet_part(layout, title), replace)
    return title, address
