"""A scanned workbook written as ``.ods`` the way LibreOffice lays it out, so that tests need no LibreOffice."""

from xml.sax.saxutils import escape, quoteattr

from attacks import pack

from evaltoolkit.submissions.references import parse_target, write_cell

SPACES = " ".join(
    f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{name}"'
    for short, name in (
        ("office", "office:1.0"),
        ("style", "style:1.0"),
        ("table", "table:1.0"),
        ("text", "text:1.0"),
        ("script", "script:1.0"),
        ("xlink", "xlink"),
    )
)
MANIFEST = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
    '<manifest:file-entry manifest:full-path="/" manifest:media-type="application/vnd.oasis.opendocument.spreadsheet"/>'
    "</manifest:manifest>"
)
META = f'<?xml version="1.0" encoding="UTF-8"?><office:document-meta {SPACES}><office:meta/></office:document-meta>'
EMPTY = '<table:table-cell table:number-columns-repeated="{}"/>'
EMPTY_ROWS = '<table:table-row table:number-rows-repeated="1000000"><table:table-cell/></table:table-row>'


def ods_parts(scan):
    """Return the parts of an ``.ods`` with the values, hidden sheets and named cells of a scan."""
    tables = "".join(_table(name, rows, scan.sheets[name].visibility) for name, rows in scan.rows.items())
    names = "".join(_name(name, target) for name, target in scan.names.items())
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {SPACES} office:version="1.3">'
        '<office:scripts/><office:automatic-styles><style:style style:name="ta1" style:family="table">'
        '<style:table-properties table:display="true"/></style:style><style:style style:name="ta2" '
        'style:family="table"><style:table-properties table:display="false"/></style:style></office:automatic-styles>'
        f"<office:body><office:spreadsheet>{tables}<table:named-expressions>{names}</table:named-expressions>"
        "</office:spreadsheet></office:body></office:document-content>"
    )
    return {
        "mimetype": b"application/vnd.oasis.opendocument.spreadsheet",
        "content.xml": content.encode(),
        "meta.xml": META.encode(),
        "META-INF/manifest.xml": MANIFEST.encode(),
    }


def as_ods(scan):
    return pack(ods_parts(scan))


def _table(name, rows, visibility):
    style = "ta1" if visibility == "visible" else "ta2"
    lines = "".join(f"<table:table-row>{_row(row)}</table:table-row>" for row in rows)
    return (
        f"<table:table table:name={quoteattr(name)} table:style-name={quoteattr(style)}>"
        f'<table:table-column table:number-columns-repeated="16384"/>{lines}{EMPTY_ROWS}</table:table>'
    )


def _row(row):
    cells, blank = [], 0
    for value in row:
        if value is None:
            blank += 1
            continue
        if blank:
            cells.append(EMPTY.format(blank))
        blank = 0
        cells.append(_cell(value))
    return "".join(cells) or EMPTY.format(1)


def _cell(value):
    if isinstance(value, str):
        lines = "".join(f"<text:p>{_text(line)}</text:p>" for line in value.split("\n"))
        return f'<table:table-cell office:value-type="string">{lines}</table:table-cell>'
    return (
        f'<table:table-cell office:value-type="float" office:value="{value:.15g}"><text:p>{value:.15g}</text:p>'
        "</table:table-cell>"
    )


def _text(line):
    return escape(line)


def _name(name, target):
    place = parse_target(target)
    if place is None:
        return ""
    sheet, (row, column) = place
    reference = write_cell(row, column)
    letters = reference.rstrip("0123456789")
    quoted = "'" + sheet.replace("'", "''") + "'"
    address = f"${quoted}.${letters}${row}"
    return f"<table:named-range table:name={quoteattr(name)} table:cell-range-address={quoteattr(address)}/>"
