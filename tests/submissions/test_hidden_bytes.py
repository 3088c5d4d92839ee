"""What no program shows: bytes between and behind the parts, remarks, notes, pictures, files within the file."""

import io
import re
import struct
import subprocess
import zipfile
import zlib

import openpyxl
import pytest
from attacks import BOOK, NATIONAL, SHEET, STRINGS, pack, unpack
from forms_sample import write_form
from ods_sample import ods_parts

from evaltoolkit.i18n import LANGUAGES, words
from evaltoolkit.submissions.collect import collect_folder, read_workbook
from evaltoolkit.submissions.guard import guard_bytes
from evaltoolkit.submissions.scan import FORM_CELLS
from evaltoolkit.submissions.store import open_store

SECRET = NATIONAL.encode()
HIDDEN = "file.hidden_bytes"
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(200)
THEME = "xl/theme/theme1.xml"


@pytest.fixture(scope="module")
def own(framework, tmp_path_factory):
    path, _ = write_form(framework, tmp_path_factory.mktemp("own"))
    return path.read_bytes()


def code_of(content, framework):
    reading, kept = read_workbook(guard_bytes(content, "form", cells=FORM_CELLS), framework, "form")
    assert (kept == b"") == (reading.state == "refused")
    return [finding.code for finding in reading.findings]


def listed(content):
    return content.index(b"PK\x01\x02")


def end(content):
    return content.rindex(b"PK\x05\x06")


def shift_list(content, by):
    """Correct where the list of parts begins, so that only the bytes before it are odd."""
    place = end(content) + 16
    return (
        content[:place]
        + struct.pack("<I", struct.unpack("<I", content[place : place + 4])[0] + by)
        + content[place + 4 :]
    )


def before_list(content):
    place = listed(content)
    return shift_list(content[:place] + SECRET + content[place:], len(SECRET))


def between_parts(content):
    """Put bytes behind the first part and move all others."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        second = sorted(entry.header_offset for entry in archive.infolist())[1]
    changed = bytearray(content[:second] + SECRET + content[second:])
    place = listed(bytes(changed))
    while changed[place : place + 4] == b"PK\x01\x02":
        offset = struct.unpack("<I", changed[place + 42 : place + 46])[0]
        if offset:
            changed[place + 42 : place + 46] = struct.pack("<I", offset + len(SECRET))
        place += 46 + sum(struct.unpack("<HHH", changed[place + 28 : place + 34]))
    return shift_list(bytes(changed), len(SECRET))


def with_remark(content):
    return content[:-2] + struct.pack("<H", len(SECRET)) + SECRET


def entry_with(**wanted):
    """Write the form with a remark or a note at its first part."""

    def change(content):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for number, (name, data) in enumerate(unpack(content).items()):
                info = zipfile.ZipInfo(name, (2000, 1, 1, 0, 0, 0))
                for key, value in wanted.items() if number == 0 else ():
                    setattr(info, key, value)
                archive.writestr(info, data, zipfile.ZIP_DEFLATED)
        return buffer.getvalue()

    return change


def behind_stream(content):
    """Lengthen a part by bytes behind the end of its compressed stream."""
    buffer = io.BytesIO()
    parts = unpack(content)
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in parts.items():
            packer = zlib.compressobj(9, zlib.DEFLATED, -15)
            raw = packer.compress(data) + packer.flush() + (SECRET if name == THEME else b"")
            info = zipfile.ZipInfo(name, (2000, 1, 1, 0, 0, 0))
            archive.writestr(info, raw)
    changed = bytearray(buffer.getvalue())
    for mark, method, size in ((b"PK\x03\x04", 8, 14), (b"PK\x01\x02", 10, 16)):
        for found in list(re.finditer(re.escape(mark), bytes(changed))):
            at = found.start()
            length = struct.unpack("<H", changed[at + (26 if mark[2] == 3 else 28) :][:2])[0]
            name = bytes(changed[at + (30 if mark[2] == 3 else 46) :][:length]).decode("latin-1")
            if name in parts:
                changed[at + method : at + method + 2] = struct.pack("<H", 8)
                changed[at + size : at + size + 4] = struct.pack("<I", zlib.crc32(parts[name]))
                changed[at + size + 8 : at + size + 12] = struct.pack("<I", len(parts[name]))
    return bytes(changed)


CONTAINER = {
    "behind the end": lambda content: content + SECRET,
    "before the beginning": lambda content: SECRET + content,
    "before the list": before_list,
    "between two parts": between_parts,
    "remark on the container": with_remark,
    "remark on a part": entry_with(comment=SECRET),
    "unknown note at a part": entry_with(extra=struct.pack("<HH", 0xCAFE, len(SECRET)) + SECRET),
    "known note that is too long": entry_with(extra=struct.pack("<HH", 0x5455, len(SECRET)) + SECRET),
    "room that is not empty": entry_with(extra=struct.pack("<HH", 0xA220, 4 + len(SECRET)) + b"\x28\xa0\0\0" + SECRET),
    "behind a compressed stream": behind_stream,
}


@pytest.mark.parametrize("name", CONTAINER)
def test_bytes_that_belong_to_no_part_are_refused(own, framework, name):
    assert code_of(CONTAINER[name](own), framework) == ["file.not_xlsx" if name == "before the beginning" else HIDDEN]


def test_what_programs_write_beside_a_part_is_no_fault(own, framework):
    allowed = {
        "times": struct.pack("<HH", 0x5455, 5) + b"\x01" + bytes(4),
        "room of Excel": struct.pack("<HH", 0xA220, 24) + b"\x28\xa0" + bytes(22),
    }
    for extra in allowed.values():
        assert code_of(entry_with(extra=extra)(own), framework) == []
    streamed = io.BytesIO()

    class Pipe(io.RawIOBase):
        """A target that cannot go back, so that sizes follow the parts."""

        def writable(self):
            return True

        def write(self, data):
            return streamed.write(data)

    with zipfile.ZipFile(Pipe(), "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in unpack(own).items():
            with archive.open(zipfile.ZipInfo(name), "w", force_zip64=name == SHEET) as part:
                part.write(data)
    assert zipfile.ZipFile(io.BytesIO(streamed.getvalue())).infolist()[0].flag_bits & 8
    assert code_of(streamed.getvalue(), framework) == []
    again = io.BytesIO()
    openpyxl.load_workbook(io.BytesIO(own)).save(again)
    assert code_of(again.getvalue(), framework) == []


@pytest.mark.office
def test_what_libreoffice_saves_is_no_fault(own, framework, tmp_path):
    (tmp_path / "form.xlsx").write_bytes(own)
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    for ending in ("xlsx", "ods"):
        command = ["soffice", "--headless", profile, "--convert-to", ending, "--outdir", str(tmp_path / "out")]
        subprocess.run([*command, str(tmp_path / "form.xlsx")], check=True, capture_output=True, timeout=180)
        saved = (tmp_path / "out" / f"form.{ending}").read_bytes()
        assert code_of(saved, framework) == []
        # the small picture of the first sheet is one of its own
        assert (b"Thumbnails/thumbnail.png" in saved) == (ending == "ods")


PARTS = {
    "picture": ("xl/media/image1.png", PICTURE, "file.picture"),
    "photo": ("xl/media/image1.jpeg", b"\xff\xd8\xff" + bytes(100), "file.picture"),
    "drawing of Windows": ("xl/media/image1.emf", b"\x01\x00\x00\x00" + bytes(100), "file.picture"),
    "background of another name": ("xl/worksheets/back.JPG", b"\xff\xd8\xff" + bytes(100), "file.picture"),
    "picture as XML": ("xl/media/image1.svg", b"<svg/>", "file.picture"),
    "zip within the zip": ("xl/customProperty1.bin", pack({"a": SECRET}), "file.embedded"),
    "old Office file": ("xl/printerSettings/printerSettings1.bin", b"\xd0\xcf\x11\xe0" + bytes(64), "file.embedded"),
    "PDF": ("docProps/x.pdf", b"%PDF-1.7", "file.embedded"),
    "bytes of an unknown kind": ("xl/odd.bin", bytes(range(1, 200)), HIDDEN),
    "text of an unknown kind": ("xl/readme", b"x", HIDDEN),
}


@pytest.mark.parametrize("name", PARTS)
def test_a_part_that_cannot_be_searched_is_refused(own, framework, name):
    part, data, code = PARTS[name]
    assert code_of(pack({**unpack(own), part: data}), framework) == [code]


def test_pictures_of_an_ods_are_refused_too(own, framework):
    parts = ods_parts(guard_bytes(own, "form"))
    assert code_of(pack({**parts, "Pictures/1.png": PICTURE}), framework) == ["file.picture"]
    assert code_of(pack({**parts, "Thumbnails/thumbnail.png": PICTURE}), framework) == []
    assert code_of(pack({**parts, "Thumbnails/thumbnail.png": PICTURE + SECRET}), framework) == ["personal.beside"]


def put(part, before, after):
    def change(parts):
        text = parts[part].decode()
        assert before in text, part
        return {**parts, part: text.replace(before, after, 1).encode()}

    return change


def new(part, data):
    return lambda parts: {**parts, part: data}


EXTRA_NAME = f"<definedName name='x' comment='{NATIONAL}'>Start!$A$1</definedName></definedNames>"
COMMENTS = "<comments><comment><text><r><t>85.07.30</t></r><r><t>-033.28</t></r></text></comment></comments>"
PLACES = {
    "remark in a sheet": put(SHEET, "<sheetData>", f"<!-- {NATIONAL} --><sheetData>"),
    "remark in the texts": put(STRINGS, "<si>", f"<!-- {NATIONAL} --><si>"),
    "instruction in the styles": put("xl/styles.xml", "<fonts", f"<?odd {NATIONAL}?><fonts"),
    "name of a font": put("xl/styles.xml", 'name val="Arial"', f'name val="{NATIONAL}"'),
    "attribute of a row": put(SHEET, "<row ", f'<row odd="{NATIONAL}" '),
    "attribute in other letters": put(SHEET, "<row ", f'<row odd="{NATIONAL.replace("8", "&#56;")}" '),
    "attribute of the texts": put(STRINGS, "<si>", f'<si odd="{NATIONAL}">'),
    "defined name": put(BOOK, "</definedNames>", f"<definedName name='x'>\"{NATIONAL}\"</definedName></definedNames>"),
    "remark of a defined name": put(BOOK, "</definedNames>", EXTRA_NAME),
    "name of a theme": put(THEME, 'name="Office Theme"', f'name="{NATIONAL}"'),
    "kind of a part": put("[Content_Types].xml", "<Override ", f'<Override odd="{NATIONAL}" '),
    "relation": put("xl/_rels/workbook.xml.rels", "<Relationship ", f'<Relationship odd="{NATIONAL}" '),
    "property": put("docProps/core.xml", "<dc:creator>", f"<dc:creator>{NATIONAL}"),
    "company": put("docProps/app.xml", "<Application>", f"<Application>{NATIONAL}"),
    "own property": new(
        "docProps/custom.xml", f"<Properties><property><v>{NATIONAL}</v></property></Properties>".encode()
    ),
    "own data": new("customXml/item1.xml", f"<x>{NATIONAL}</x>".encode()),
    "own data, attribute": new("customXml/item1.xml", f"<x y='{NATIONAL}'/>".encode()),
    "text that no cell shows": put(STRINGS, "</sst>", f"<si><t>{NATIONAL}</t></si></sst>"),
    "settings of a printer": new("xl/printerSettings/printerSettings1.bin", NATIONAL.encode("utf-16-le")),
    "small picture": new("docProps/thumbnail.jpeg", b"\xff\xd8\xff" + SECRET),
    "part of a later Excel": new("xl/odd/later.xml", f"<x y='{NATIONAL}'/>".encode()),
    "comment in pieces": new("xl/comments1.xml", COMMENTS.encode()),
    "threaded comment": new("xl/threadedComments/t1.xml", f"<x><text>{NATIONAL}</text></x>".encode()),
    "text box": new("xl/drawings/drawing1.xml", f"<x><t>{NATIONAL}</t></x>".encode()),
    "description of a shape": new("xl/drawings/drawing1.xml", f"<x><cNvPr descr='{NATIONAL}'/></x>".encode()),
    "footer": put(SHEET, "<oddFooter>", f"<oddFooter>{NATIONAL} "),
    "prompt of a cell": put(SHEET, 'prompt="', f'prompt="{NATIONAL} '),
    "date of birth in a footer": put(SHEET, "<oddFooter>", "<oddFooter>geboren 12/03/1985 "),
    "date of birth in the properties": put("docProps/core.xml", "<dc:creator>", "<dc:creator>né le 3 mars 1985"),
}


@pytest.mark.parametrize("name", PLACES)
def test_personal_data_beside_the_cells_refuse_the_file(own, framework, name):
    codes = code_of(pack(PLACES[name](unpack(own))), framework)
    assert codes
    assert set(codes) <= {"personal.beside", "personal.comment"}


def test_after_a_refusal_a_planted_number_is_nowhere(own, framework, tmp_path):
    """Every place of this file at once: nothing of the number in any blob, page, log or name, also unpacked."""
    returned, store = tmp_path / "in", tmp_path / "store"
    returned.mkdir()
    cases = [change(own) for change in CONTAINER.values()]
    cases += [pack({**unpack(own), part: data}) for part, data, _ in PARTS.values()]
    cases += [pack(change(unpack(own))) for change in PLACES.values()]
    for number, content in enumerate(cases):
        (returned / f"{number}.xlsx").write_bytes(content)
    with open_store(store):
        collection = collect_folder(returned, store=store, framework=framework)
        kept = b"\n".join(path.read_bytes() for path in sorted(store.rglob("*")) if path.is_file())
    assert set(collection.files["state"]) == {"refused"}
    assert len(collection.files) == len(cases)
    assert list((store / "originals").iterdir()) == []
    for secret in (NATIONAL, NATIONAL.replace(".", "").replace("-", "")):
        assert secret.encode() not in kept
        assert secret.encode("utf-16-le") not in kept
        assert secret not in repr(collection.findings)
    for finding in collection.findings:
        facts = {name: fact for name, fact in finding.facts.items() if name != "language"}
        said = {words(language).say(finding.code, **facts) for language in LANGUAGES}
        assert len(said) == len(LANGUAGES)
        assert not any(NATIONAL in text for text in said)


def cell_of(xml):
    return f'<table:table-row><table:table-cell office:value-type="string">{xml}</table:table-cell></table:table-row>'


ODS_ROW = "<table:table-row>"
ODS_PLACES = {
    "annotation": put(
        "content.xml", ODS_ROW, cell_of(f"<office:annotation><text:p>{NATIONAL}</text:p></office:annotation>") + ODS_ROW
    ),
    "remark": put("content.xml", ODS_ROW, f"<!-- {NATIONAL} -->{ODS_ROW}"),
    "instruction": put("content.xml", ODS_ROW, f"<?odd {NATIONAL}?>{ODS_ROW}"),
    "name of a style": put("content.xml", 'style:name="ta1"', f'style:name="ta1" style:odd="{NATIONAL}"'),
    "settings": new("settings.xml", f"<x><y>{NATIONAL}</y></x>".encode()),
    "footer": new("styles.xml", f"<x><footer><p>{NATIONAL}</p></footer></x>".encode()),
    "list of parts": put("META-INF/manifest.xml", "<manifest:file-entry ", f'<manifest:file-entry odd="{NATIONAL}" '),
    "menus": new("Configurations2/menubar/menubar.xml", f"<x y='{NATIONAL}'/>".encode()),
    "relations": new("manifest.rdf", f"<x>{NATIONAL}</x>".encode()),
    "date of birth of the writer": put("meta.xml", "<office:meta/>", "<office:meta>geb. 12/03/1985</office:meta>"),
}


@pytest.mark.parametrize("name", ODS_PLACES)
def test_personal_data_beside_the_cells_of_an_ods_refuse_the_file(own, framework, name):
    codes = code_of(pack(ODS_PLACES[name](ods_parts(guard_bytes(own, "form")))), framework)
    assert codes
    assert set(codes) <= {"personal.beside", "personal.comment"}


def test_a_heading_and_a_name_on_a_hidden_sheet_row_or_column_refuse_the_file(own, framework):
    """Whatever the sender does not see is searched like the rest, and each value named at its cell."""
    for hide in ("row", "column", "sheet", "far"):
        book = openpyxl.load_workbook(io.BytesIO(own))
        sheet = book["_lists"] if hide == "sheet" else book.worksheets[1]
        row = 300 if hide == "far" else 90
        sheet[f"AB{row}"], sheet[f"AB{row + 1}"] = "Voornaam", "Wannes"
        sheet[f"AC{row}"], sheet[f"AC{row + 1}"] = "Geboortedatum", "3 maart 1985"
        if hide == "row":
            sheet.row_dimensions[row + 1].hidden = True
        elif hide == "column":
            sheet.column_dimensions["AB"].hidden = True
        buffer = io.BytesIO()
        book.save(buffer)
        reading, kept = read_workbook(guard_bytes(buffer.getvalue(), "form", cells=FORM_CELLS), framework, "form")
        told = {finding.where.cell: finding.code for finding in reading.findings}
        assert told == {f"AB{row + 1}": "personal.name", f"AC{row + 1}": "personal.birth_date"}
        assert kept == b""
        assert "Wannes" not in repr(reading)
