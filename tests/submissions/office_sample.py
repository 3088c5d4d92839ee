"""A spreadsheet program that fills in a form by a macro, as a person would by hand, and saves it."""

import subprocess
from xml.sax.saxutils import escape

_MACRO = """Sub Fill(folder As String)
  Dim hidden(0) As New com.sun.star.beans.PropertyValue
  Dim kind(0) As New com.sun.star.beans.PropertyValue
  hidden(0).Name = "Hidden" : hidden(0).Value = True
  Dim book : book = StarDesktop.loadComponentFromURL(folder & "/form.xlsx", "_blank", 0, hidden())
  Dim handle : handle = FreeFile
  Dim line As String
  Open ConvertFromURL(folder & "/cells.txt") For Input As handle
  Do While Not Eof(handle)
    Line Input #handle, line
    Dim piece : piece = Split(line, "|")
    Dim cell : cell = book.NamedRanges.getByName(piece(0)).getReferredCells().getCellByPosition(0, 0)
    If piece(1) = "number" Then
      cell.Value = Val(piece(2))
    ElseIf piece(1) = "input" Then
      cell.setFormula(piece(2))
    Else
      cell.String = piece(2)
    End If
  Loop
  Close handle
  kind(0).Name = "FilterName" : kind(0).Value = "Calc MS Excel 2007 XML"
  book.storeToURL(folder & "/saved.xlsx", kind())
  kind(0).Value = "calc8"
  book.storeToURL(folder & "/saved.ods", kind())
  book.close(True)
End Sub"""
_LIBRARY = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE library:library PUBLIC "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "library.dtd">
<library:library xmlns:library="http://openoffice.org/2000/library" library:name="Standard"
 library:readonly="false" library:passwordprotected="false"><library:element library:name="Forms"/></library:library>"""
_MODULE = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE script:module PUBLIC "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "module.dtd">
<script:module xmlns:script="http://openoffice.org/2000/script" script:name="Forms"
 script:language="StarBasic">{code}</script:module>"""


def fill_and_save(folder, cells):
    """Fill named cells of ``form.xlsx`` in a folder and save it as ``saved.xlsx`` and ``saved.ods``.

    Texts are set as chosen from a list, numbers as numbers; ``("input", text)`` is typed as a person types it.
    """
    command = ["soffice", "--headless", "--norestore", f"-env:UserInstallation={(folder / 'profile').as_uri()}"]
    # the first start makes a profile and would replace a macro that is already there
    subprocess.run([*command, "--terminate_after_init"], check=True, capture_output=True, timeout=180)
    basic = folder / "profile" / "user" / "basic" / "Standard"
    basic.mkdir(parents=True, exist_ok=True)
    (basic / "script.xlb").write_text(_LIBRARY, encoding="utf-8")
    (basic / "Forms.xba").write_text(_MODULE.format(code=escape(_MACRO, {'"': "&quot;"})), encoding="utf-8")
    (folder / "cells.txt").write_text("".join(f"{line}\n" for line in map(_line, cells.items())), encoding="utf-8")
    run = f'macro:///Standard.Forms.Fill("{folder.as_uri()}")'
    subprocess.run([*command, run], check=True, capture_output=True, timeout=180)
    return folder / "saved.xlsx", folder / "saved.ods"


def _line(entry):
    name, value = entry
    if isinstance(value, tuple):
        return f"{name}|{value[0]}|{value[1]}"
    return f"{name}|{'text' if isinstance(value, str) else 'number'}|{value}"
