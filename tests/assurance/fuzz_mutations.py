"""How a workbook is damaged at random: at the level of the container, of the XML, of a cell, or by a known attack."""

import re
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "submissions"))
from attacks import ATTACKS, BOOK, CONTENT, SHEET, STRINGS, pack

LEVELS = ("container", "xml", "cell", "attack")

TEXTS = [
    "", "9", "-2", "3,5", "1.234", "1 234,5", "75 %", "9*", "٣", "９", "9\u200b", "NaN", "1e999", "-0", "1_0", "0x1F",
    "00009", "1e5", "=1+1", "@SUM(1)", "DK", "ja", "jа", "2025-03", "2025-13", "45733", "true", "#REF!", "\ufeff5",
    "85.07.30-033.28", "jan@example.org", "0475 12 34 56", "x" * 9_999, "x" * 10_001, "&lt;x&gt;", "_x0041_",
    "\u202e12",
]  # fmt: skip
TYPES = ["", ' t="n"', ' t="s"', ' t="str"', ' t="b"', ' t="e"', ' t="d"', ' t="z"', ' t="inlineStr"']
REFERENCES = [
    "A0",
    "A1",
    "XFD1048576",
    "ZZZ9",
    "a5",
    "$C$5",
    "C05",
    "C9999999",
    "C-1",
    "Ç5",
    "",
    "C6 ",
    "C50000",
    "BXX50000",
]
ODS_CELLS = [
    '<table:table-cell office:value-type="float" office:value="{}"/>',
    '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>',
    '<table:table-cell office:value-type="string" office:string-value="{}"><text:p>x</text:p></table:table-cell>',
    '<table:table-cell office:value-type="date" office:date-value="{}"/>',
    '<table:table-cell office:value-type="boolean" office:boolean-value="{}"/>',
    '<table:table-cell office:value-type="odd" office:value="{}"/>',
    '<table:table-cell table:formula="of:=1/0" office:value-type="string"><text:p>{}</text:p></table:table-cell>',
    '<table:table-cell table:number-columns-repeated="{}" office:value-type="float" office:value="1"/>',
    '<table:table-cell table:number-columns-spanned="{}" office:value-type="float" office:value="1"/>',
    '<table:covered-table-cell office:value-type="float" office:value="{}"/>',
]
REPEATS = ["0", "-1", "2", "500", "16384", "16385", "1048576", "4294967296", "99999999999999999999", "x", ""]
MARKUP = [
    "<!DOCTYPE x>", "<!DOCTYPE x [<!ENTITY a 'b'>]>", "&a;", "<![CDATA[9]]>", "<!-- -->", "<?x y?>", "]]>", "<x>",
    "</c>", "<q:c r='B2'/>", "\x00", "\ufffe", "\r\n", "<row r='5'/>", "<c r='C5'/>", "<v>1</v>", "<f>1+1</f>",
    "<t>x</t>",
]  # fmt: skip


def mutate(number, kinds, cell):
    """Return kind, level and bytes of a file: they follow from its number, the parts by kind and an input cell."""
    rng = np.random.default_rng([20261125, number])
    kind = "ods" if rng.random() < 0.3 else "xlsx"
    level = LEVELS[int(rng.choice(4, p=[0.2, 0.35, 0.35, 0.1]))]
    parts = dict(kinds[kind])
    if level == "attack" and kind == "xlsx":
        change_cell(parts, kind, rng, "xl/worksheets/sheet3.xml")
        content = ATTACKS[pick(rng, sorted(ATTACKS))][0](parts, cell)
        return kind, level, damage(content, rng) if rng.random() < 0.3 else content
    level = "cell" if level == "attack" else level
    for _ in range(int(rng.integers(1, 4))):
        if level == "cell":
            change_cell(parts, kind, rng)
        elif level == "xml":
            change_xml(parts, kind, rng)
        else:
            change_parts(parts, rng)
    content = pack(parts)
    if level == "container":
        for _ in range(int(rng.integers(0, 4))):
            content = damage(content, rng)
    return kind, level, content


def pick(rng, options):
    return options[int(rng.integers(len(options)))]


def damage(content, rng):
    """Change the packed bytes."""
    data = bytearray(content)
    if not data:
        return content
    place, length = int(rng.integers(len(data))), int(rng.integers(1, 200))
    match int(rng.integers(6)):
        case 0:
            data[place] = int(rng.integers(256))
        case 1:
            del data[place : place + length]
        case 2:
            data[place:place] = rng.integers(0, 256, length, dtype=np.uint8).tobytes()
        case 3:
            data[place:place] = data[max(0, place - length) : place]
        case 4:
            data = data[:place]
        case _:
            # headers of the directory and of the parts: sizes, offsets, flags
            marks = [match.start() for match in re.finditer(rb"PK\x01\x02|PK\x03\x04|PK\x05\x06", bytes(data))]
            if marks:
                at = min(pick(rng, marks) + int(rng.integers(4, 46)), len(data) - 1)
                data[at] = int(rng.integers(256))
    return bytes(data)


def change_parts(parts, rng):
    """Drop, double, rename, swap or add parts."""
    names = sorted(parts)
    name = pick(rng, names)
    match int(rng.integers(6)):
        case 0:
            del parts[name]
        case 1:
            parts[pick(rng, [name.upper(), f"../{name}", f"/{name}", f"x/{name}", name + "\x00", "C:/" + name])] = (
                parts[name]
            )
        case 2:
            other = pick(rng, names)
            parts[name], parts[other] = parts[other], parts[name]
        case 3:
            parts["xl/extra.bin"] = b"0" * int(rng.integers(0, 3_000_000))
        case 4:
            parts[name] = parts[name][: int(rng.integers(len(parts[name]) + 1))]
        case _:
            parts[pick(rng, ["xl/vbaProject.bin", "Basic/a.xml", "xl/comments1.xml", "Object 1/content.xml"])] = b"<x/>"


def change_xml(parts, kind, rng):
    """Change letters, elements, attributes or markup of one XML part."""
    names = [SHEET, SHEET, BOOK, STRINGS, *sorted(parts)] if kind == "xlsx" else [CONTENT, CONTENT, *sorted(parts)]
    name = pick(rng, [name for name in names if name in parts] or [""])
    if not name:
        return
    text = parts[name].decode("utf-8", "replace")
    place = int(rng.integers(len(text) + 1))
    tags = [match.span() for match in re.finditer(r"<[^<>]*>", text)] or [(0, 0)]
    first, last = pick(rng, tags)
    match int(rng.integers(8)):
        case 0:
            text = text[:place] + chr(int(rng.integers(32, 127))) + text[place + 1 :]
        case 1:
            text = text[:place] + pick(rng, MARKUP) + text[place:]
        case 2:
            text = text[:first] + text[last:]
        case 3:
            text = text[:last] + text[first:last] + text[last:]
        case 4:
            text = (
                text[:first]
                + re.sub(r'"[^"]*"', f'"{pick(rng, TEXTS + REPEATS)}"', text[first:last], count=1)
                + text[last:]
            )
        case 5:
            text = text[:first] + text[first:last].replace("<", "<q:", 1).replace("<q:/", "</q:") + text[last:]
        case 6:
            text = text[:first] + text[first:last].replace('"', "'") + text[last:]
        case _:
            parts[name] = text.encode(pick(rng, ["utf-16", "utf-32", "latin-1", "utf-8"]), "replace")
            return
    parts[name] = text.encode()


def change_cell(parts, kind, rng, sheet=""):
    """Replace one cell by another, sound or not."""
    value = pick(rng, TEXTS)
    if kind == "ods":
        cells = [
            match.span()
            for match in re.finditer(r"<table:table-cell.*?(?:/>|</table:table-cell>)", parts[CONTENT].decode())
        ]
        odd = pick(rng, ODS_CELLS).format(pick(rng, REPEATS) if rng.random() < 0.5 else value)
        target, pattern = CONTENT, cells
    else:
        target = sheet or pick(rng, [SHEET, "xl/worksheets/sheet3.xml", "xl/worksheets/sheet5.xml"])
        pattern = [
            match.span() for match in re.finditer(r'<c r="[A-Z]+\d+"[^>]*?(?:/>|>.*?</c>)', parts[target].decode())
        ]
        text = parts[target].decode()
        first, last = pick(rng, pattern)
        reference = re.search(r'r="([^"]*)"', text[first:last])[1] if rng.random() < 0.8 else pick(rng, REFERENCES)
        inner = pick(
            rng, ["<v>{}</v>", "<is><t>{}</t></is>", "<f>1+1</f><v>{}</v>", "<f>{}</f>", "", "<v>{0}</v><v>{0}</v>"]
        )
        odd = f'<c r="{reference}"{pick(rng, TYPES)}>{inner.format(value)}</c>'
        odd += pick(rng, ["", "", "", odd, '</row><row r="3" hidden="1">'])
        parts[target] = (text[:first] + odd + text[last:]).encode()
        return
    text = parts[target].decode()
    first, last = pick(rng, pattern)
    parts[target] = (text[:first] + odd + text[last:]).encode()
