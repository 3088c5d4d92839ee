"""The attacks of the hostile samples, and more, as code that changes a workbook of our own; no hostile file is kept.

Every attack takes the parts of a saved form (name -> bytes) and an address of an input cell on the sheet of answers,
and returns the bytes of the changed file. Beside it stands the code that must refuse it and whether a cell is named.
"""

import io
import re
import struct
import zipfile

from evaltoolkit.submissions.archive import MEGABYTE

SHEET, BOOK = "xl/worksheets/sheet2.xml", "xl/workbook.xml"
BOOK_LINKS, STRINGS = "xl/_rels/workbook.xml.rels", "xl/sharedStrings.xml"
CONTENT = "content.xml"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
LAUGHS = (
    b'<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">'
    b'<!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;">]>'
)
NATIONAL = "85.07.30-033.28"


def unpack(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}


def pack(parts, extra=(), method=zipfile.ZIP_DEFLATED):
    """Pack parts, then the extra ones, which may repeat a name."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in [*parts.items(), *extra]:
            info = zipfile.ZipInfo(name, (2000, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_STORED if name == "mimetype" else method
            # a name may stand twice: that is the attack
            archive.NameToInfo.clear()
            archive.writestr(info, data)
    return buffer.getvalue()


def edit(part, change):
    """Return an attack that changes the text of one part."""

    def attack(parts, cell):
        before = parts[part].decode()
        after = change(before, cell)
        after = after if isinstance(after, bytes) else after.encode()
        assert after != parts[part]
        return pack({**parts, part: after})

    return attack


def add(*extra):
    """Return an attack that adds parts."""
    return lambda parts, cell: pack(parts, extra)


def whole(change):
    """Return an attack on the packed file."""
    return lambda parts, cell: change(pack(parts))


def cell_xml(xml):
    """Return an attack that replaces the input cell."""

    def change(text, cell):
        pattern = re.compile(rf'<c r="{cell}"(?: s="\d+")?[^>]*?(?:/>|>.*?</c>)')
        assert pattern.search(text), cell
        return pattern.sub(lambda _: xml.format(r=cell), text, count=1)

    return edit(SHEET, change)


def after_root(text):
    """Return an edit that puts text before the root element."""
    return lambda xml, _: re.sub(r"(\?>\s*)?<(?=[a-zA-Z])", lambda m: (m[1] or "") + text + "<", xml, count=1)


def utf16(xml, _):
    return re.sub(r"<\?xml.*?\?>", '<?xml version="1.0" encoding="UTF-16"?>', xml).encode("utf-16")


def prefixed(xml, _):
    """Give every element of a sheet an odd prefix and declare a far cell in it."""
    xml = re.sub(r"<(/?)([a-zA-Z])", r"<\1q:\2", xml).replace('xmlns="', 'xmlns:q="', 1)
    return xml.replace(
        "</q:sheetData>", "<q:row r='9'><q:c  t='n' r = 'XFD1048576'><q:v>1</q:v></q:c></q:row></q:sheetData>"
    )


def far(reference):
    return edit(
        SHEET,
        lambda xml, _: xml.replace(
            "</sheetData>", f'<row r="1048576"><c r="{reference}"><v>1</v></c></row></sheetData>'
        ),
    )


def relation(part, kind, target, mode="Internal"):
    return edit(
        part,
        lambda xml, _: xml.replace(
            "</Relationships>",
            f"<Relationship TargetMode='{mode}' Target='{target}' Type='{OFFICE}/{kind}' Id='rEvil'/></Relationships>",
        ),
    )


def extra_sheets(count):
    def attack(parts, cell):
        sheets = "".join(f'<sheet name="X{i}" sheetId="{90 + i}" r:id="rX{i}"/>' for i in range(count))
        links = "".join(
            f'<Relationship Id="rX{i}" Type="{OFFICE}/worksheet" Target="worksheets/x{i}.xml"/>' for i in range(count)
        )
        xml = "<worksheet xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main'><sheetData/></worksheet>"
        return pack(
            {
                **parts,
                BOOK: parts[BOOK].replace(b"</sheets>", sheets.encode() + b"</sheets>"),
                BOOK_LINKS: parts[BOOK_LINKS].replace(b"</Relationships>", links.encode() + b"</Relationships>"),
                **{f"xl/worksheets/x{i}.xml": xml.encode() for i in range(count)},
            }
        )

    return attack


def lie_about_size(content):
    place = content.index(SHEET.encode(), content.index(b"PK\x01\x02")) - 46
    return content[: place + 24] + struct.pack("<I", 40) + content[place + 28 :]


def encrypt_flag(content):
    place = content.index(b"PK\x01\x02")
    return content[: place + 8] + b"\x01" + content[place + 9 :]


def hide_in_strings(xml, _):
    return xml.replace("</sst>", f"<si><t>{NATIONAL}</t></si></sst>")


# name -> (attack, code, whether the input cell is named)
ATTACKS = {
    "01 bomb in a sheet": (
        edit(SHEET, lambda xml, _: xml.replace("<sheetData>", f"<!--{'0' * 30 * MEGABYTE}--><sheetData>")),
        "file.unpacks_too_large",
        False,
    ),
    "01 bomb in an unused part": (add(("xl/x.bin", b"0" * 3 * MEGABYTE)), "file.unpacks_too_large", False),
    "03 billion laughs": (edit(STRINGS, after_root(LAUGHS.decode())), "file.unsafe_xml", False),
    "04 external entity": (
        edit(SHEET, after_root("<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/hostname'>]>")),
        "file.unsafe_xml",
        False,
    ),
    "04 document type in the book": (edit(BOOK, after_root("<!DOCTYPE\nx>")), "file.unsafe_xml", False),
    "04 document type in an unused part": (
        add(("xl/odd.bin", b"\xef\xbb\xbf<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>")),
        "file.unsafe_xml",
        False,
    ),
    "04 UTF-16": (edit(SHEET, utf16), "file.unsafe_xml", False),
    "04 UTF-16 in a part of another name": (
        add(("customXml/odd.bin", "<!DOCTYPE x><x/>".encode("utf-16"))),
        "file.unsafe_xml",
        False,
    ),
    "05 dimension lies": (
        edit(SHEET, lambda xml, _: re.sub(r'<dimension ref="[^"]*"/>', '<dimension ref="A1:XFD1048576"/>', xml)),
        "",
        False,
    ),
    "06 cell in the last corner": (far("XFD1048576"), "file.cell_far_away", False),
    "06 cell in the last row": (far("F1048576"), "file.cell_far_away", False),
    "06 far cell behind an odd prefix": (edit(SHEET, prefixed), "file.cell_far_away", False),
    "08 link to another file": (add(("xl/externalLinks/externalLink1.xml", b"<x/>")), "file.external_link", False),
    "08 relation to another file": (
        relation(BOOK_LINKS, "externalLinkPath", "https://example.org/x.xlsx", "External"),
        "file.external_link",
        False,
    ),
    "08 connection": (relation(BOOK_LINKS, "connections", "c.xml"), "file.external_link", False),
    "08 error cell": (cell_xml('<c r="{r}" t="e"><f>1/0</f><v>#DIV/0!</v></c>'), "value.error_cell", True),
    "08 formula with a value": (
        cell_xml('<c r="{r}"><f>_xlfn.WEBSERVICE("https://example.org")</f><v>5</v></c>'),
        "value.formula",
        True,
    ),
    "09 formula as text": (cell_xml('<c r="{r}" t="inlineStr"><is><t>=1+1</t></is></c>'), "value.not_a_number", True),
    "10 hidden sheet": (extra_sheets(1), "file.unknown_sheets", False),
    "10 national number": (
        cell_xml(f'<c r="{{r}}" t="inlineStr"><is><t>{NATIONAL}</t></is></c>'),
        "personal.national_number",
        True,
    ),
    "10 national number left in the shared texts": (edit(STRINGS, hide_in_strings), "personal.beside", False),
    "10 e-mail in the properties": (
        edit("docProps/core.xml", lambda xml, _: xml.replace("<dc:creator>", "<dc:creator>jan@example.org")),
        "personal.beside",
        False,
    ),
    "10 phone in a header": (
        edit(SHEET, lambda xml, _: xml.replace("<oddFooter>", "<oddFooter>0475 12 34 56 ")),
        "personal.comment",
        False,
    ),
    "10 address of who wrote a comment": (
        add(("xl/persons/person.xml", b'<personList><person displayName="J" userId="jan@example.org"/></personList>')),
        "personal.comment",
        False,
    ),
    "10 national number in a part that no program shows": (
        add(("xl/printerSettings/printerSettings1.bin", NATIONAL.encode("utf-16-le"))),
        "personal.beside",
        False,
    ),
    "10 national number in the prompt of a cell": (
        edit(SHEET, lambda xml, _: re.sub(r'prompt="[^"]*"', f'prompt="{NATIONAL}"', xml, count=1)),
        "personal.comment",
        False,
    ),
    "10 link to a person": (
        add(
            (
                "xl/worksheets/_rels/sheet2.xml.rels",
                f"<Relationships><Relationship Id='r1' Type='{OFFICE}/hyperlink' Target='mailto:jan@example.org' "
                "TargetMode='External'/></Relationships>".encode(),
            )
        ),
        "personal.beside",
        False,
    ),
    "11 ambiguous number": (
        cell_xml('<c r="{r}" t="inlineStr"><is><t>1.234</t></is></c>'),
        "value.ambiguous_number",
        True,
    ),
    "11 number with a star": (cell_xml('<c r="{r}" t="str"><v>9*</v></c>'), "value.not_a_number", True),
    "11 truth value": (cell_xml('<c r="{r}" t="b"><v>1</v></c>'), "value.boolean", True),
    "11 other digits": (cell_xml('<c r="{r}" t="str"><v>٣</v></c>'), "value.not_a_number", True),
    "11 wide digits": (cell_xml('<c r="{r}" t="str"><v>９</v></c>'), "value.odd_characters", True),
    "14 invisible mark": (cell_xml('<c r="{r}" t="str"><v>9\u200b</v></c>'), "value.odd_characters", True),
    "14 look-alike sheet": (
        edit(BOOK, lambda xml, _: xml.replace("Antwoorden", "Аntwооrden")),
        "file.unknown_sheets",
        False,
    ),
    "15 part outside the folder": (add(("../../../../elsewhere/x.txt", b"x")), "file.unsafe_name", False),
    "15 part with a drive": (add(("C:\\x.txt", b"x")), "file.unsafe_name", False),
    "16 macro": (add(("xl/vbaProject.bin", b"x")), "file.macro", False),
    "16 macro under another name": (relation(BOOK_LINKS, "vbaProject", "theme.bin"), "file.macro", False),
    "16 macro sheet": (relation(BOOK_LINKS, "xlMacrosheet", "m.xml"), "file.macro", False),
    "16 embedded file": (add(("xl/embeddings/oleObject1.bin", b"x")), "file.embedded", False),
    "16 tracked changes": (add(("xl/revisions/revisionHeaders.xml", b"<x/>")), "file.tracked_changes", False),
    "17 CSV": (lambda *_: b"Indicator;Waarde\nP01;9\n", "file.not_xlsx", False),
    "18 page": (lambda *_: b"<html><table></table></html>", "file.not_xlsx", False),
    "19 old format": (
        whole(lambda content: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + content),
        "file.old_or_locked",
        False,
    ),
    "19 encrypted part": (whole(encrypt_flag), "file.old_or_locked", False),
    "20 cut off": (whole(lambda content: content[: len(content) // 2]), "file.truncated", False),
    "20 empty": (lambda *_: b"", "file.empty", False),
    "21 sizes lie": (whole(lie_about_size), "file.damaged", False),
    "21 part twice": (add((SHEET, b"<worksheet/>")), "file.duplicate_part", False),
    "21 part twice in other letters": (add((SHEET.upper(), b"<worksheet/>")), "file.duplicate_part", False),
    "21 too many parts": (add(*((f"xl/p{i}.bin", b"x") for i in range(1001))), "file.too_many_parts", False),
    "22 three hundred sheets": (extra_sheets(300), "file.unknown_sheets", False),
    "22 long text": (
        cell_xml('<c r="{r}" t="str"><v>' + "x" * 32_767 + "</v></c>"),
        "file.text_too_long",
        True,
    ),
    "22 a million cells": (
        edit(
            SHEET, lambda xml, _: xml.replace("</sheetData>", '<row r="900">' + "<c/>" * 60_000 + "</row></sheetData>")
        ),
        "file.cell_far_away",
        False,
    ),
    "22 many empty cells": (
        edit(
            SHEET,
            lambda xml, _: xml.replace(
                "</sheetData>", "".join(f'<row r="{i}">{"<c/>" * 600}</row>' for i in range(900, 1000)) + "</sheetData>"
            ),
        ),
        "file.too_many_cells",
        False,
    ),
    "23 cell twice": (
        cell_xml('<c r="{r}"><v>9</v></c><c r="{r}"><v>777</v></c>'),
        "file.duplicate_cell",
        True,
    ),
    "23 value twice": (cell_xml('<c r="{r}"><v>9</v><v>7</v></c>'), "file.readers_disagree", True),
    "24 row 0": (cell_xml('<c r="A0"><v>9</v></c>'), "file.bad_reference", False),
    "25 not a number": (cell_xml('<c r="{r}"><v>NaN</v></c>'), "value.not_finite", True),
    "25 infinite": (cell_xml('<c r="{r}"><v>1e999</v></c>'), "value.not_finite", True),
    "25 number that only one reader takes": (cell_xml('<c r="{r}"><v>1_0</v></c>'), "file.damaged", True),
    "25 shared text that is not there": (cell_xml('<c r="{r}" t="s"><v>99999</v></c>'), "file.damaged", True),
    "26 formula never calculated": (cell_xml('<c r="{r}"><f>4+5</f></c>'), "value.formula_without_value", True),
}
