"""A form filled in as an officer would, by the names of its cells."""

import openpyxl

from evaltoolkit.submissions.form import open_form
from evaltoolkit.submissions.guard import guard_workbook
from evaltoolkit.submissions.layout import layout_form
from evaltoolkit.submissions.read import AnswerReader
from evaltoolkit.submissions.write import write_template


def fill(framework, meta, path, cells, **options):
    """Write a form, put values into named cells and save; returns its layout."""
    write_template(framework, meta, path, name="Test", **options)
    layout = layout_form(framework, meta)
    book = openpyxl.load_workbook(path)
    for name, value in cells.items():
        title, cell = layout.cells[name]
        book[title][cell] = value
    book.save(path)
    return layout


def read(framework, path):
    """Return the opened form and its reader, after reading."""
    form = open_form(guard_workbook(path), framework)
    reader = AnswerReader(form, framework)
    reader.read()
    return form, reader
