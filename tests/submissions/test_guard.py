import contextlib
import io
import struct
import zipfile

import numpy as np
import pytest

from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.submissions.archive import UnsafeError
from evaltoolkit.submissions.guard import guard_bytes, guard_workbook
from evaltoolkit.submissions.sheets import read_sheets, uncalculated

EXPECTED = {
    "00_good.xlsx": "",
    "01_zipbomb_sheet_300MB.xlsx": "file.unpacks_too_large",
    "03_billion_laughs.xlsx": "file.unsafe_xml",
    "04_xxe_file.xlsx": "file.unsafe_xml",
    "05_dimension_tag_huge.xlsx": "",
    "06_stray_cell_XFD1048576.xlsx": "file.cell_far_away",
    "08_external_link_formula_error.xlsx": "",
    "09_formula_injection_text.xlsx": "",
    "10_hidden_sheet_row_personal.xlsx": "file.unknown_sheets",
    "11_text_numbers_locale.xlsx": "",
    "12_date1904.xlsx": "",
    "14_lookalike_renamed_header_fr.xlsx": "file.unknown_sheets",
    "15_zip_slip.xlsx": "file.unsafe_name",
    "16_vba_in_xlsx.xlsm": "file.macro",
    "17_csv_named.xlsx": "file.not_xlsx",
    "18_html_named.xls": "file.not_xlsx",
    "19_ole_header_only.xlsx": "file.old_or_locked",
    "20_truncated.xlsx": "file.truncated",
    "22_300_sheets.xlsx": "file.unknown_sheets",
    "23_duplicate_cell_ref.xlsx": "file.duplicate_cell",
    "25_nan_inf_number.xlsx": "",
    "26_formula_no_cached_value.xlsx": "",
}

CONTENT_TYPES = b'<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
RELATIONS = (
    b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    b'<Relationship Id="r1" Type="http://x/officeDocument/2006/relationships/worksheet" '
    b'Target="worksheets/sheet1.xml"/>'
    b"</Relationships>"
)
ROOT = RELATIONS.replace(b"/worksheet", b"/officeDocument").replace(b"worksheets/sheet1.xml", b"xl/workbook.xml")
BOOK = (
    b'<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
    b'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
    b'<sheets><sheet name="Form" sheetId="1" r:id="r1"/></sheets>'
    b"<definedNames><definedName name=\"etk.A\">'Form'!$B$2</definedName></definedNames></workbook>"
)
SHEET = (
    b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    b'<row r="2"><c r="B2"><v>9</v></c></row></sheetData></worksheet>'
)

ODD_PREFIX = (
    b"<z:worksheet xmlns:z='http://schemas.openxmlformats.org/spreadsheetml/2006/main'><z:sheetData>"
    b"<z:row r='2'><z:c r='XFD1048576'><z:v>1</z:v></z:c></z:row></z:sheetData></z:worksheet>"
)


def pack(sheet=SHEET, book=BOOK, extra=()):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        parts = [
            ("[Content_Types].xml", CONTENT_TYPES),
            ("_rels/.rels", ROOT),
            ("xl/workbook.xml", book),
            ("xl/_rels/workbook.xml.rels", RELATIONS),
            ("xl/worksheets/sheet1.xml", sheet),
            *extra,
        ]
        for name, data in parts:
            archive.writestr(name, data)
    return buffer.getvalue()


def code_of(content, **options):
    scan = guard_bytes(content, "form.xlsx", **options)
    return scan.findings[0].code if scan.refused else ""


@pytest.mark.shared
def test_every_hostile_sample_has_its_outcome(shared):
    files = sorted(path for path in (shared / "threats").iterdir() if path.suffix.startswith(".xls"))
    assert {path.name for path in files} == set(EXPECTED)
    found = {}
    for path in files:
        scan = guard_workbook(path, lambda name: name == "Process")
        found[path.name] = scan.findings[0].code if scan.refused else ""
        assert not (scan.refused and (scan.content or scan.sheets))
    assert found == EXPECTED


@pytest.mark.shared
def test_scan_tells_what_values_do_not(shared):
    folder = shared / "threats"
    formulas = guard_workbook(folder / "08_external_link_formula_error.xlsx").sheets["Process"]
    assert formulas.errors == {(4, 2)}
    assert set(formulas.formulas) == {(2, 2), (3, 2), (4, 2), (5, 2)}
    never = guard_workbook(folder / "26_formula_no_cached_value.xlsx")
    assert uncalculated(never, "Process", read_sheets(never, ["Process"])["Process"]) == [(2, 2)]
    hidden = guard_workbook(folder / "10_hidden_sheet_row_personal.xlsx").sheets
    assert hidden["Process"].hidden_rows == [3]
    assert hidden["Personen"].visibility == "veryHidden"
    assert guard_workbook(folder / "12_date1904.xlsx").date1904


def test_good_workbook_is_scanned_and_read():
    scan = guard_bytes(pack(), "form.xlsx")
    assert not scan.refused
    assert scan.names == {"etk.A": "'Form'!$B$2"}
    assert read_sheets(scan, ["Form"]) == {"Form": [[None, None], [None, 9.0]]}


@pytest.mark.parametrize(
    ("sheet", "code"),
    [
        (b"<!DOCTYPE x>" + SHEET, "file.unsafe_xml"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]>' + SHEET, "file.unsafe_xml"),
        (SHEET.decode().encode("utf-16"), "file.unsafe_xml"),
        (b'<?xml version="1.0" encoding="UTF-16"?>' + SHEET, "file.unsafe_xml"),
        (b"<?xml version='1.0' encoding='utf-7'?>" + SHEET, "file.unsafe_xml"),
        (SHEET[:-9], "file.damaged"),
        (SHEET.replace(b'"B2"', b'"B0"'), "file.bad_reference"),
        (SHEET.replace(b'"B2"', b'"XFD1048576"'), "file.cell_far_away"),
        (SHEET.replace(b'"B2"', b'"F1048576"'), "file.cell_far_away"),
        (SHEET.replace(b'"B2"', b'"2B"'), "file.bad_reference"),
        (SHEET.replace(b"</c>", b'</c><c r="B2"><v>777</v></c>'), "file.duplicate_cell"),
        # an odd prefix and single quotes hide nothing
        (ODD_PREFIX, "file.cell_far_away"),
    ],
)
def test_hostile_sheet_is_refused(sheet, code):
    assert code_of(pack(sheet)) == code


@pytest.mark.parametrize(
    ("extra", "code"),
    [
        (("xl/vbaProject.bin", b"x"), "file.macro"),
        (("xl/macrosheets/sheet1.xml", b"<x/>"), "file.macro"),
        (("xl/externalLinks/externalLink1.xml", b"<x/>"), "file.external_link"),
        (("../up.txt", b"x"), "file.unsafe_name"),
        (("/etc/x.txt", b"x"), "file.unsafe_name"),
        (("..\\up.txt", b"x"), "file.unsafe_name"),
        (("C:/x.txt", b"x"), "file.unsafe_name"),
        (("XL/Workbook.xml", b"<x/>"), "file.duplicate_part"),
        (("xl/other.xml", b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///x">]><x>&a;</x>'), "file.unsafe_xml"),
        (("xl/other.bin", b"0" * 3_000_000), "file.unpacks_too_large"),
    ],
)
def test_hostile_part_is_refused(extra, code):
    assert code_of(pack(extra=[extra])) == code


def test_lying_sizes_are_refused():
    content = bytearray(pack(extra=[("xl/a.bin", b"123456789")]))
    place = content.index(b"xl/a.bin", content.index(b"PK\x01\x02")) - 46
    assert struct.unpack("<I", content[place + 24 : place + 28])[0] == 9
    content[place + 24 : place + 28] = struct.pack("<I", 4)
    assert code_of(bytes(content)) == "file.damaged"


def test_other_kinds_of_files():
    assert code_of(b"") == "file.empty"
    assert code_of(b"<html>") == "file.not_xlsx"
    assert code_of(pack()[:-30]) == "file.truncated"
    assert code_of(pack(book=b"<workbook/>")) == "file.damaged"
    assert code_of(pack(), allow=lambda name: name == "Other") == "file.unknown_sheets"


def test_missing_file_is_an_error_with_its_name(tmp_path):
    with pytest.raises(EvaltoolkitError, match=r"nowhere\.xlsx"):
        guard_workbook(tmp_path / "nowhere.xlsx")


def test_mutated_bytes_never_crash():
    """The guard refuses or scans; whatever it lets through, the reader reads or calls damaged."""
    good = pack()
    rng = np.random.default_rng(20261123)
    outcomes = set()
    for _ in range(400):
        content = bytearray(good)
        for _ in range(int(rng.integers(1, 6))):
            content[int(rng.integers(len(content)))] = int(rng.integers(256))
        scan = guard_bytes(bytes(content), "form.xlsx")
        outcomes.add(scan.refused)
        if not scan.refused:
            with contextlib.suppress(UnsafeError):
                read_sheets(scan, scan.sheets)
    assert outcomes == {True, False}


def test_mutated_xml_never_crashes():
    rng = np.random.default_rng(5)
    outcomes = set()
    for _ in range(400):
        parts = [bytearray(SHEET), bytearray(BOOK)]
        for _ in range(int(rng.integers(1, 4))):
            part = parts[int(rng.integers(2))]
            part[int(rng.integers(len(part)))] = int(rng.integers(32, 127))
        scan = guard_bytes(pack(bytes(parts[0]), bytes(parts[1])), "form.xlsx")
        outcomes.add(scan.refused)
        if not scan.refused:
            with contextlib.suppress(UnsafeError):
                read_sheets(scan, scan.sheets)
    assert outcomes == {True, False}
