"""Forms that a real spreadsheet program opened and saved again are read as if nothing had happened."""

import subprocess

import pandas as pd
import pytest
from planted import ANSWERS, EARLIER, PERIOD, answer_rows

from evaltoolkit.framework.load import load_framework
from evaltoolkit.framework.values import value_table
from evaltoolkit.submissions.collect import collect_folder
from evaltoolkit.submissions.write import write_templates

pytestmark = [pytest.mark.office, pytest.mark.slow]
UNITS = {"11001": "nl", "62063": "fr"}


@pytest.fixture(scope="module")
def livc_r():
    return load_framework("livc-r")


@pytest.fixture(scope="module")
def sent(livc_r, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sent")
    respondents = pd.DataFrame(
        {"unit_kind": "municipality", "unit": list(UNITS), "members": "", "language": list(UNITS.values())}
    )
    values = value_table([row for unit in UNITS for row in answer_rows(livc_r, unit)])
    write_templates(
        livc_r,
        folder,
        period=PERIOD,
        language="nl",
        form="evaluation",
        respondents=respondents,
        earlier=EARLIER,
        values=values,
    )
    return folder


@pytest.fixture(scope="module")
def saved(sent, tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved")
    profile = tmp_path_factory.mktemp("profile").as_uri()
    files = sorted(str(path) for path in sent.glob("*.xlsx"))
    command = ["soffice", "--headless", f"-env:UserInstallation={profile}", "--convert-to", "xlsx"]
    subprocess.run([*command, "--outdir", str(folder), *files], check=True, capture_output=True, timeout=240)
    return folder


def comparable(values):
    columns = ["unit", "period", "indicator", "part", "value", "text", "status", "wording"]
    return values[columns].sort_values(columns[:4], ignore_index=True)


def test_saved_forms_are_read_right(sent, saved, livc_r, tmp_path):
    assert len(list(saved.glob("*.xlsx"))) == len(UNITS)
    before = collect_folder(sent, store=tmp_path / "before", framework=livc_r)
    after = collect_folder(saved, store=tmp_path / "after", framework=livc_r)
    assert (saved / "11001_2024_nl.xlsx").read_bytes() != (sent / "11001_2024_nl.xlsx").read_bytes()
    assert after.errors == ()
    assert list(after.files["state"]) == ["accepted", "accepted"]
    pd.testing.assert_frame_equal(comparable(after.values), comparable(before.values))
    # and what was read is what was answered
    read = after.values[(after.values["unit"] == "62063") & (after.values["period"] == PERIOD)]
    got = {f"{row.indicator}.{row.part}": row.text or row.value for row in read.itertuples()}
    wanted = {field: set(a.split(";")) if isinstance(a, str) else float(a) for field, a in ANSWERS.items()}
    assert {field: set(a.split(";")) if isinstance(a, str) else a for field, a in got.items()} == wanted


def test_a_fault_typed_before_saving_is_still_found_at_its_cell(sent, saved, livc_r, tmp_path):
    import openpyxl

    book = openpyxl.load_workbook(saved / "62063_2024_fr.xlsx")
    ((title, cell),) = book.defined_names[f"etk.DET_02.value.{PERIOD}.v"].destinations
    book[title][cell.replace("$", "")] = "une vingtaine"
    (tmp_path / "returned").mkdir()
    book.save(tmp_path / "returned" / "form.xlsx")
    collection = collect_folder(tmp_path / "returned", store=tmp_path / "store", framework=livc_r)
    (error,) = collection.errors
    assert (error.code, error.where.sheet, error.where.cell) == (
        "value.not_a_number",
        title,
        cell.replace("$", ""),
    )
    assert error.facts["language"] == "fr"
