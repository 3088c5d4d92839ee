"""Exports as KoboToolbox and ODK Central write them, from a table of values."""

import csv
import math

import pandas as pd
import xlsxwriter

from evaltoolkit.submissions.layout import FormMeta
from evaltoolkit.submissions.values_csv import number_text
from evaltoolkit.submissions.xlsform_fields import NONE_CODE, UNIT, lay_out_survey, unit_code


def survey_of(framework, period="2025", earlier=("2024",), form="starter", agreement=False):
    meta = FormMeta(
        framework.name, framework.version, form, "livc_r", "", (), "2025", period, tuple(earlier), "en", agreement
    )
    return lay_out_survey(framework, meta)


def record(survey, values, kind, unit, **more):
    """Return one form that was sent in, by name of its columns, from the values of a unit."""
    fields = {**survey.metadata, UNIT: unit_code(kind, unit)}
    mine = values[(values["unit_kind"] == kind) & (values["unit"] == unit)]
    known = {(r.indicator, r.part, r.period): r for r in mine.itertuples()}
    for question in survey.questions:
        row = known.get((question.indicator.id, question.part.id, question.period))
        if row is None:
            continue
        fields[question.name] = shown(question, row)
        fields[question.status] = "" if row.status == "registered" else row.status
    return {**fields, **more}


def shown(question, row):
    if question.part.type == "multi":
        answered = row.status in ("registered", "reconstructed")
        return row.text.replace(";", " ") or (NONE_CODE if answered else "")
    if question.part.type in ("choice", "month"):
        return row.text
    if math.isnan(row.value):
        return ""
    if question.part.type == "yes_no":
        return "yes" if row.value == 1 else "no"
    return number_text(row.value)


def grouped(survey, name, mark="/"):
    question = survey.by_name.get(name.removesuffix("__s"))
    if question is None:
        return name
    group = question.indicator.id.replace("-", "_")
    groups = [f"d_{question.indicator.dimension}", group]
    groups += [f"{group}__earlier"] if question.period != survey.meta.period else []
    return mark.join([*groups, name])


def write_csv(path, records, *, delimiter=";", rename=lambda name: name):
    names = list(dict.fromkeys(name for one in records for name in one))
    with path.open("w", encoding="utf-8-sig", newline="") as handle:
        writer = csv.writer(handle, delimiter=delimiter, quoting=csv.QUOTE_ALL)
        writer.writerow([rename(name) for name in names])
        writer.writerows([[one.get(name, "") for name in names] for one in records])
    return path


def write_xlsx(path, records, rename=lambda name: name):
    """Kobo writes numbers as numbers."""
    names = list(dict.fromkeys(name for one in records for name in one))
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Form")
        sheet.write_row(0, 0, [rename(name) for name in names])
        for row, one in enumerate(records, 1):
            for column, name in enumerate(names):
                text = one.get(name, "")
                number = pd.to_numeric(text, errors="coerce")
                if text != "" and not math.isnan(number):
                    sheet.write_number(row, column, number)
                elif text != "":
                    sheet.write_string(row, column, text)
    return path
