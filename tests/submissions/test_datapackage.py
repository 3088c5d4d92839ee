"""The long table with its description: what the schema allows is what the reader accepts."""

import hashlib
import json
import re

import jsonschema
import pandas as pd
import pytest
from framework_sample import sample_framework
from hypothesis import given, settings
from values_strategy import tables

from evaltoolkit.framework.load import load_framework
from evaltoolkit.framework.value_schema import PERIOD, table_schema, value_records, values_schema
from evaltoolkit.framework.values import COLUMNS, value_table
from evaltoolkit.framework.wording import wording_code
from evaltoolkit.submissions.datapackage import write_data_package
from evaltoolkit.submissions.long import read_long

SAMPLE = sample_framework()
LIVC = load_framework("livc-r")
QUESTIONS = [(i, p, "2025", wording_code(i)) for i in SAMPLE.indicators for p in i.parts]
CHECK = jsonschema.Draft202012Validator(values_schema(SAMPLE))
ROW = {
    "unit_kind": "livc_r",
    "unit": "Z01",
    "period": "2025",
    "indicator": "GOV-08",
    "part": "case",
    "value": 3.0,
    "text": "",
    "status": "registered",
    "source": "t",
    "wording": 1,
}


@settings(max_examples=60, deadline=None)
@given(tables(QUESTIONS))
def test_schema_accepts_whatever_a_form_can_hold(values):
    CHECK.validate(value_records(values))


@pytest.mark.parametrize(
    "change",
    [
        {"value": 2.5},
        {"value": -1.0},
        {"indicator": "GOV-09"},
        {"part": "cases"},
        {"status": "unknown"},
        {"status": "DK"},
        {"unit_kind": "town"},
        {"unit": ""},
        {"period": "last year"},
        {"period": "2025-13"},
        {"text": "x"},
        {"wording": 0},
        {"indicator": "CAP-01", "part": "hours", "value": 2001.0},
        {"indicator": "GOV-02", "part": "active", "value": 2.0},
        {"indicator": "CAP-05", "part": "end", "value": None, "text": "March"},
        {"indicator": "COMP-01", "part": "chair", "value": None, "text": "king"},
        {"indicator": "COMP-01", "part": "members", "value": None, "text": "mayor;king"},
    ],
)
def test_schema_refuses_what_the_reader_refuses(tmp_path, change):
    row = {**ROW, **change}
    assert not CHECK.is_valid([row])
    path = tmp_path / "v.csv"
    pd.DataFrame([row]).to_csv(path, index=False)
    if change not in ({"wording": 0},):
        values, findings = read_long(path, source="test", framework=SAMPLE)
        assert values.empty
        assert findings


def test_schema_of_the_whole_framework_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(values_schema(LIVC))


def test_package_names_its_files_columns_and_digests(tmp_path):
    values = value_table([ROW, {**ROW, "part": "strategic", "value": float("nan"), "status": "DK"}])
    package = json.loads(write_data_package(values, LIVC, tmp_path / "a").read_text(encoding="utf-8"))
    assert package["$schema"] == "https://datapackage.org/profiles/2.0/datapackage.json"
    assert re.fullmatch(r"[a-z0-9._-]+", package["name"])
    assert "not for publication" in package["description"]
    for resource in package["resources"]:
        content = (tmp_path / "a" / resource["path"]).read_bytes()
        assert resource["bytes"] == len(content)
        assert resource["hash"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
        head = content.decode().splitlines()[0].split(",")
        assert head == [field["name"] for field in resource["schema"]["fields"]]
    table, questions = package["resources"]
    assert table["schema"] == table_schema(LIVC)
    assert table["schema"]["foreignKeys"][0]["reference"]["resource"] == questions["name"]
    shown = pd.read_csv(tmp_path / "a" / "questions.csv")
    assert len(shown) == sum(len(indicator.parts) for indicator in LIVC.indicators)
    assert not shown.duplicated(questions["schema"]["primaryKey"]).any()
    again = write_data_package(values, LIVC, tmp_path / "b")
    for path in again.parent.iterdir():
        assert path.read_bytes() == (tmp_path / "a" / path.name).read_bytes()


def test_rows_fit_the_columns_of_the_table_schema(tmp_path):
    write_data_package(value_table([ROW]), SAMPLE, tmp_path)
    schema = table_schema(SAMPLE)
    read = pd.read_csv(tmp_path / "values.csv", dtype=str, keep_default_na=False)
    assert list(read.columns) == list(COLUMNS)
    for field in schema["fields"]:
        limits = field.get("constraints", {})
        for text in read[field["name"]]:
            assert text or not limits.get("required")
            assert "enum" not in limits or text in limits["enum"]
            assert "pattern" not in limits or re.fullmatch(limits["pattern"], text)
            if field["type"] in ("number", "integer") and text:
                assert float(text) >= limits.get("minimum", float("-inf"))


@pytest.mark.parametrize("period", ["2025", "2025-Q2", "2025-05", "2025-03-01/2025-05-31"])
def test_every_kind_of_period_fits_the_pattern(period):
    assert re.fullmatch(PERIOD, period)
