"""More hostile files, made on the spot: containers, old and other formats, text tables, JSON, ODS.

``workbooks`` are returned forms, ``tables`` are tables of own data; each is a name with its bytes and the codes (or
pieces of what is said) of which one must be told; none may be read.
"""

import io
import json
import struct
import zipfile

from attacks import BOOK, BOOK_LINKS, CONTENT, NATIONAL, SHEET, STRINGS, pack, unpack
from ods_sample import EMPTY_ROWS

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
TYPES = "[Content_Types].xml"


def patch_listed(content, name, offset, raw):
    """Change a field of a part's line in the list of parts."""
    place = content.index(name.encode(), content.index(b"PK\x01\x02")) - 46
    return content[: place + offset] + raw + content[place + offset + len(raw) :]


def patch_local(content, offset, raw):
    return content[:offset] + raw + content[offset + len(raw) :]


def renamed(parts, before, after):
    return pack({after if name == before else name: data for name, data in parts.items()})


def swap(parts, part, before, after):
    text = parts[part].decode()
    assert before in text, (part, before)
    return pack({**parts, part: text.replace(before, after, 1).encode()})


def with_entry(parts, **wanted):
    """Pack with one more part that has odd attributes."""
    buffer = io.BytesIO(pack(parts))
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED) as archive:
        info = zipfile.ZipInfo(wanted.pop("name"), (2000, 1, 1, 0, 0, 0))
        data = wanted.pop("data")
        for key, value in wanted.items():
            setattr(info, key, value)
        archive.writestr(info, data)
    return buffer.getvalue()


def many_folders(parts):
    return pack(parts, [(f"a{number}/", b"") for number in range(3000)])


def zip64_end(content):
    """Add the records of a container beyond four gigabytes that claims a list elsewhere."""
    place = content.rindex(b"PK\x05\x06")
    record = b"PK\x06\x06" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, 1, 1, 50, 2**40)
    locator = b"PK\x06\x07" + struct.pack("<IQI", 0, place, 1)
    end = content[place:]
    end = end[:8] + b"\xff\xff\xff\xff" + b"\xff" * 8 + end[20:]
    return content[:place] + record + locator + end


def overlapping(content):
    """Let two lines of the list point to one part, as in a bomb that needs no repetition."""
    places = []
    start = content.index(b"PK\x01\x02")
    while content[start : start + 4] == b"PK\x01\x02":
        places.append(start)
        start += 46 + sum(struct.unpack("<HHH", content[start + 28 : start + 34]))
    first = content[places[0] + 42 : places[0] + 46]
    return content[: places[1] + 42] + first + content[places[1] + 46 :]


def deep(levels):
    return "<x>" * levels + "</x>" * levels


def workbooks(content, cell):
    """Return name -> (bytes, codes): a form of our own, attacked."""
    parts = unpack(content)
    sheet = parts[SHEET].decode()
    inside = f'<c r="{cell}"><v>9</v></c>'
    assert "<sheetData>" in sheet
    return {
        "xls.xlsx": (OLE + bytes(4000), {"file.old_or_locked"}),
        "xlsb.xlsx": (renamed(parts, BOOK, "xl/workbook.bin"), {"file.not_xlsx", "file.damaged", "file.hidden_bytes"}),
        "template.xlsx": (swap(parts, TYPES, "sheet.main+xml", "template.main+xml"), {""}),
        "encrypted.xlsx": (
            patch_local(content, 6, b"\x01\x00"),
            {"file.old_or_locked", "file.damaged", "file.truncated"},
        ),
        "strong.xlsx": (patch_listed(content, BOOK, 8, b"\x41\x00"), {"file.old_or_locked"}),
        "bzip2.xlsx": (pack(parts, method=zipfile.ZIP_BZIP2), {"file.damaged"}),
        "lzma.xlsx": (pack(parts, method=zipfile.ZIP_LZMA), {"file.damaged"}),
        "method99.xlsx": (patch_listed(content, BOOK, 10, b"\x63\x00"), {"file.damaged", "file.truncated"}),
        "zip64.xlsx": (zip64_end(content), {"file.hidden_bytes", "file.truncated"}),
        "overlap.xlsx": (overlapping(content), {"file.damaged"}),
        "absolute.xlsx": (pack(parts, [("/etc/passwd", b"x")]), {"file.unsafe_name"}),
        "unc.xlsx": (pack(parts, [("\\\\server\\share\\x", b"x")]), {"file.unsafe_name"}),
        "dots.xlsx": (pack(parts, [("xl/../../x.xml", b"<x/>")]), {"file.unsafe_name"}),
        "null.xlsx": (pack(parts, [("xl/a.xmlX", b"<x/>")]).replace(b"a.xmlX", b"a.xml\0"), {"file.unsafe_name"}),
        "symlink.xlsx": (
            with_entry(parts, name="xl/link.xml", data=b"/etc/passwd", external_attr=0xA1FF << 16, create_system=3),
            {"file.unsafe_name", "file.damaged"},
        ),
        "folders.xlsx": (many_folders(parts), {"file.too_many_parts"}),
        "folder_with_text.xlsx": (pack(parts, [("secret/", NATIONAL.encode())]), {"file.hidden_bytes"}),
        "long_name.xlsx": (pack(parts, [("x" * 60_000, b"<x/>")]), {"file.hidden_bytes", "file.unsafe_name"}),
        "nested.xlsx": (pack(parts, [("xl/embed.bin", pack(parts))]), {"file.embedded"}),
        "no_types.xlsx": (pack({name: parts[name] for name in parts if name != TYPES}), {""}),
        "deep.xlsx": (swap(parts, SHEET, "<sheetData>", deep(20_000) + "<sheetData>"), {""}),
        "attributes.xlsx": (
            swap(parts, SHEET, "<sheetData>", "<x " + " ".join(f"a{n}='1'" for n in range(100_000)) + "/><sheetData>"),
            {"", "file.too_many_cells", "file.unpacks_too_large"},
        ),
        "two_books.xlsx": (
            swap(
                parts,
                "_rels/.rels",
                "</Relationships>",
                '<Relationship Id="q" Target="xl/other.xml" '
                'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"/></Relationships>',
            ),
            {"file.damaged"},
        ),
        "sheet_elsewhere.xlsx": (
            swap(parts, BOOK_LINKS, "worksheets/sheet2.xml", "../../x/sheet2.xml"),
            {"file.damaged"},
        ),
        "sheet_on_the_web.xlsx": (
            swap(parts, BOOK_LINKS, 'Target="worksheets/sheet2.xml"', 'Target="http://x/s.xml" TargetMode="External"'),
            {"file.external_link"},
        ),
        "utf7.xlsx": (swap(parts, SHEET, 'encoding="UTF-8"', 'encoding="UTF-7"'), {"file.unsafe_xml", "file.damaged"}),
        "utf32.xlsx": (pack({**parts, SHEET: sheet.encode("utf-32")}), {"file.unsafe_xml"}),
        "latin1.xlsx": (swap(parts, SHEET, 'encoding="UTF-8"', 'encoding="ISO-8859-1"'), {"file.unsafe_xml"}),
        "xinclude.xlsx": (
            swap(
                parts,
                SHEET,
                "<sheetData>",
                '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="/etc/passwd"/><sheetData>',
            ),
            {""},
        ),
        "stylesheet.xlsx": (
            swap(parts, SHEET, "<worksheet", '<?xml-stylesheet href="http://x/y.xsl"?><worksheet'),
            {""},
        ),
        "row_minus.xlsx": (
            swap(parts, SHEET, "</sheetData>", '<row r="-1"><c><v>1</v></c></row></sheetData>'),
            {"file.bad_reference"},
        ),
        "row_huge.xlsx": (
            swap(parts, SHEET, "</sheetData>", f'<row r="{"9" * 40}"><c><v>1</v></c></row></sheetData>'),
            {"file.bad_reference", "file.cell_far_away"},
        ),
        "column_huge.xlsx": (
            swap(parts, SHEET, "</sheetData>", '<row r="90"><c r="ZZZZZ9"/></row></sheetData>'),
            {"file.bad_reference"},
        ),
        "cells_without_place.xlsx": (
            swap(parts, SHEET, "</sheetData>", f"<row>{'<c><v>1</v></c>' * 3000}</row></sheetData>"),
            {"file.cell_far_away"},
        ),
        "merge_all.xlsx": (
            swap(
                parts,
                SHEET,
                "</sheetData>",
                '</sheetData><mergeCells count="1"><mergeCell ref="A1:XFD1048576"/></mergeCells>',
            ),
            {"value.merged", "file.cell_far_away", "file.bad_reference"},
        ),
        "merges.xlsx": (
            swap(
                parts,
                SHEET,
                "</sheetData>",
                "</sheetData><mergeCells>" + "<mergeCell ref='A1:B2'/>" * 20_000 + "</mergeCells>",
            ),
            {"file.too_many_cells"},
        ),
        "names.xlsx": (
            swap(
                parts,
                BOOK,
                "</definedNames>",
                "".join(f'<definedName name="n{n}">A!$A$1</definedName>' for n in range(30_000)) + "</definedNames>",
            ),
            {"file.too_many_cells", "file.unpacks_too_large"},
        ),
        "strings.xlsx": (
            swap(parts, STRINGS, "</sst>", "<si><t>x</t></si>" * 400_000 + "</sst>"),
            {"file.too_many_cells", "file.unpacks_too_large"},
        ),
        "formula_bomb.xlsx": (
            swap(
                parts,
                SHEET,
                "</sheetData>",
                f'<row r="900"><c r="A900"><f>{"A1+" * 300_000}1</f><v>1</v></c></row></sheetData>',
            ),
            {"", "file.unpacks_too_large"},
        ),
        "surrogate.xlsx": (
            swap(
                parts, SHEET, "</sheetData>", '<row r="900"><c r="A900" t="str"><v>&#xD800;</v></c></row></sheetData>'
            ),
            {"file.damaged"},
        ),
        "control.xlsx": (
            swap(parts, SHEET, "</sheetData>", '<row r="900"><c r="A900" t="str"><v>&#1;</v></c></row></sheetData>'),
            {"file.damaged"},
        ),
        "inside_twice.xlsx": (
            swap(parts, SHEET, "</sheetData>", f'<row r="900">{inside}</row></sheetData>'),
            {"file.duplicate_cell"},
        ),
        "trailing_xml.xlsx": (pack({**parts, SHEET: parts[SHEET] + b"<x/>"}), {"file.damaged"}),
        "unfinished.xlsx": (pack({**parts, SHEET: parts[SHEET][:-20]}), {"file.damaged"}),
        "gzip.xlsx": (b"\x1f\x8b\x08\x00" + bytes(100), {"file.not_xlsx"}),
        "pdf.xlsx": (b"%PDF-1.7 x", {"file.not_xlsx"}),
        "image.xlsx": (b"\x89PNG\r\n\x1a\n" + bytes(100), {"file.not_xlsx"}),
        "word.xlsx": (
            pack({"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<x/>", "_rels/.rels": b"<x/>"}),
            {"file.not_xlsx"},
        ),
        "empty_zip.xlsx": (b"PK\x05\x06" + bytes(18), {"file.not_xlsx"}),
        "huge.xlsx": (b"PK\x03\x04" + bytes(20_000_001), {"file.too_large"}),
        "spaces.xlsx": (b" " * 1000, {"file.not_xlsx"}),
    }


def spreadsheets(parts):
    """Return name -> (bytes, codes): a form of our own as .ods, attacked."""
    row = "<table:table-row>"
    filled = 'office:value-type="float" office:value="1"'

    def first(xml):
        return swap(parts, CONTENT, row, xml + row)

    return {
        "rows.ods": (
            first(
                f'<table:table-row table:number-rows-repeated="1048576"><table:table-cell {filled}/></table:table-row>'
            ),
            {"file.cell_far_away", "file.too_many_cells"},
        ),
        "many_rows.ods": (first(EMPTY_ROWS * 3000), {"file.cell_far_away", "file.readers_disagree"}),
        "columns.ods": (
            first(
                f'<table:table-row><table:table-cell table:number-columns-repeated="16384" {filled}/></table:table-row>'
            ),
            {"file.cell_far_away"},
        ),
        "macro.ods": (pack({**parts, "Basic/Standard/x.xml": b"<x/>"}), {"file.macro"}),
        "macro_capitals.ods": (pack({**parts, "BASIC/x.xml": b"<x/>"}), {"file.macro"}),
        "link.ods": (
            first(
                '<table:table-row><table:table-cell office:value-type="string"><text:p>'
                '<text:a xlink:href="file:///etc/passwd">x</text:a></text:p></table:table-cell></table:table-row>'
            ),
            {"", "file.external_link", "form.row_moved", "contact.not_a_role"},
        ),
        "dde.ods": (first("<table:dde-links><table:dde-link/></table:dde-links>"), {"file.external_link"}),
        "database.ods": (first("<table:database-source-sql/>"), {"file.external_link"}),
        "image.ods": (
            first('<draw:frame xmlns:draw="urn:x"><draw:image xlink:href="http://x/y.png"/></draw:frame>'),
            {"file.external_link"},
        ),
        "doctype.ods": (swap(parts, CONTENT, "?>", '?><!DOCTYPE x SYSTEM "http://x/y.dtd">'), {"file.unsafe_xml"}),
        "picture.ods": (pack({**parts, "Pictures/a.png": b"\x89PNG" + bytes(90)}), {"file.picture"}),
        "signature.ods": (pack({**parts, "META-INF/documentsignatures.xml": b"<x/>"}), {""}),
        "no_mimetype.ods": (pack({name: parts[name] for name in parts if name != "mimetype"}), {"file.not_xlsx"}),
        "text_document.ods": (
            pack({**parts, "mimetype": b"application/vnd.oasis.opendocument.text"}),
            {"file.not_xlsx"},
        ),
        "flat.ods": (parts[CONTENT], {"file.not_xlsx"}),
    }


def documents(good):
    """Return name -> (bytes, codes): what a web form saved, attacked."""
    text = json.dumps(good)
    return {
        "deep.json": (b"[" * 200_000 + b"]" * 200_000, {"web_form.too_deep"}),
        "open.json": (b"[" * 1_000_000, {"web_form.too_deep"}),
        "twice.json": (text[:-1].encode() + b', "unit": "11001"}', {"web_form.duplicate_key"}),
        "nan.json": (
            text.replace('"minutes": 0', '"minutes": NaN').encode() if '"minutes": 0' in text else b'{"a": NaN}',
            {"web_form.not_finite"},
        ),
        "infinity.json": (b'{"a": -Infinity}', {"web_form.not_finite"}),
        "digits.json": (b'{"a": ' + b"9" * 1_000_000 + b"}", {"web_form.not_a_form"}),
        "exponent.json": (b'{"a": 1e999999999}', {"web_form.not_a_form"}),
        "surrogate.json": (b'{"a": "\\ud800"}', {"web_form.unsafe_text"}),
        "control.json": (b'{"a": "\\u0000"}', {"web_form.unsafe_text"}),
        "utf16.json": (text.encode("utf-16"), {"web_form.not_json"}),
        "utf32.json": (text.encode("utf-32"), {"web_form.not_json"}),
        "null_bytes.json": (bytes(1000), {"web_form.not_json"}),
        "trailing.json": (text.encode() + b"x", {"web_form.not_json"}),
        "comment.json": (b"/* x */" + text.encode(), {"web_form.not_json"}),
        "list.json": (b"[]", {"web_form.not_a_form"}),
        "text.json": (b'"x"', {"web_form.not_a_form"}),
        "nothing.json": (b"null", {"web_form.not_a_form"}),
        "empty.json": (b"", {"file.empty"}),
        "large.json": (b'{"a": "' + b"x" * 2_000_001 + b'"}', {"web_form.too_large"}),
        "keys.json": (json.dumps({f"k{n}": 1 for n in range(100_000)}).encode(), {"web_form.not_a_form"}),
        "own_key.json": (json.dumps({**good, "voornaam": "Wannes"}).encode(), {"personal.name"}),
        "number.json": (json.dumps({**good, "extra": 85073003328}).encode(), {"personal.national_number"}),
        "workbook.json": (b"PK\x03\x04" + bytes(100), {"web_form.not_json"}),
    }


def tables():
    """Return name -> (bytes, piece of what is said); "" where the table may be read."""
    line = "unit;2024\n11001;5\n"
    return {
        "null.csv": (b"unit;2024\n11001;\x005\n", "not a text file"),
        "late_null.csv": (line.encode() * 1000 + b"11001;\x005\n", "not a text file|NUL|not valid CSV"),
        "utf16.csv": (line.encode("utf-16"), "not a text file"),
        "utf16_no_mark.csv": (line.encode("utf-16-le"), "not a text file"),
        "utf16_wide.csv": ("ünïté;ŝ\n".encode("utf-16"), "not a text file"),
        "utf32.csv": (line.encode("utf-32"), "not a text file"),
        "mark.csv": (b"\xef\xbb\xbf" + line.encode(), ""),
        "open_quote.csv": (b'unit;2024\n"11001;5\n' + b"11002;5\n" * 100_000, "quotation marks|more than"),
        "stray_quote.csv": (b'unit;2024\n11"001;5\n', ""),
        "quote_then_text.csv": (b'unit;2024\n"11001"x;5\n', "quotation marks|columns|no name"),
        "long_line.csv": (b"unit;2024\n11001;" + b"x" * 19_000_000 + b"\n", "field larger|not valid CSV|too long"),
        "wide.csv": (b"a;" * 600_000 + b"\n", "more than|cells"),
        "tall.csv": (b"a;b\n" * 2_000_000, "more than|stands more than once"),
        "blank_lines.csv": (b"unit;2024\n" + b"\n" * 5_000_000, "more than|cells"),
        "mixed_ends.csv": (b"unit;2024\r\n11001;5\r11002;6\n11003;7\r\n", ""),
        "only_returns.csv": (b"unit;2024\r11001;5\r", ""),
        "delimiters.csv": (b"a;b,c\n1;2,3\n", "can be read with"),
        "one_column.csv": (b"unit\n11001\n", ""),
        "empty.csv": (b"", "empty"),
        "only_mark.csv": (b"\xef\xbb\xbf", "empty"),
        "zip.csv": (pack({"a": b"x"}), "not a text file"),
        "large.csv": (b"x" * 20_000_001, "larger than"),
        "binary.csv": (bytes(range(256)) * 100, "not a text file"),
        "other_breaks.csv": ("unit;2024\u2028\n11001\u2029;5\x0b\n".encode(), ""),
        "formula.csv": (b"unit;2024\n=cmd|' /C calc'!A0;5\n", ""),
        "deep.json": (b"[" * 100_000, "nested too deeply|not valid JSON"),
        "twice.json": (b'[{"a": 1, "a": 2}]', "names a field twice"),
        "nan.json": (b'[{"a": NaN}]', "cannot be used in a calculation"),
        "huge.json": (b'[{"a": 1e999}]', "cannot be used in a calculation"),
        "digits.json": (b'[{"a": ' + b"9" * 5_000_000 + b"}]", "cannot be used in a calculation"),
        "surrogate.json": (b'[{"a": "\\ud800"}]', "characters that nobody types"),
        "utf16.json": ('[{"a": 1}]'.encode("utf-16"), "not in UTF-8"),
        "scalar.json": (b"7", "no list of records"),
        "lists.json": (b'[{"a": [1]}]', "holds a list"),
        "wide.json": (json.dumps([{f"k{n}": 1} for n in range(3000)]).encode(), "more than"),
        "old.xls": (OLE + bytes(4000), "old"),
        "binary.xlsb": (pack({"xl/workbook.bin": b"x"}), "neither an Excel workbook"),
        "page.xls": (b"<html></html>", "neither an Excel workbook"),
    }
