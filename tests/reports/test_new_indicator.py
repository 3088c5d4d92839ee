"""An indicator added as one file and one word in the list stands in every form, codebook, schema and rule."""

import shutil
from importlib import resources

import openpyxl
import pandas as pd
import pytest

from evaltoolkit.findings import Where
from evaltoolkit.framework.lint_folder import lint_folder
from evaltoolkit.framework.load import load_framework
from evaltoolkit.framework.value_schema import values_schema
from evaltoolkit.reports.codebook import render_codebook
from evaltoolkit.submissions.layout import FormMeta, layout_form
from evaltoolkit.submissions.store import StoredValue
from evaltoolkit.submissions.validate import check_rules
from evaltoolkit.submissions.web_questions import asked_in
from evaltoolkit.submissions.write import write_templates
from evaltoolkit.submissions.xlsform import write_xlsform

RESPONDENTS = pd.DataFrame({"unit_kind": ["municipality"], "unit": ["11001"], "members": ["11001"]})


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own") / "framework"
    shutil.copytree(str(resources.files("evaltoolkit") / "data" / "framework" / "livc_r"), folder)
    text = (folder / "indicators" / "DET-02.toml").read_text(encoding="utf-8")
    (folder / "indicators" / "DET-77.toml").write_text(text.replace('"DET-02"', '"DET-77"'), encoding="utf-8")
    head = (folder / "framework.toml").read_text(encoding="utf-8")
    (folder / "framework.toml").write_text(head.replace('"DET-02", ', '"DET-02", "DET-77", '), encoding="utf-8")
    rules = (folder / "rules.toml").read_text(encoding="utf-8")
    assert 'left = "DET-02.value"' in rules
    # a rule between answers is one entry: here one that is there asks about the new indicator instead
    (folder / "rules.toml").write_text(rules.replace("DET-02.value", "DET-77.value"), encoding="utf-8")
    assert lint_folder(folder) == ()
    return load_framework(folder)


def test_it_is_asked_in_the_workbook(grown, tmp_path):
    (path,) = write_templates(
        grown, tmp_path, period=2025, language="de", respondents=RESPONDENTS, form="full", earlier=(2024,)
    )
    names = set(openpyxl.load_workbook(path).defined_names)
    assert {"etk.DET_77.value.2025.v", "etk.DET_77.value.2025.s", "etk.DET_77.value.2024.v"} <= names


def test_it_is_asked_on_the_page_and_in_the_xlsform(grown, tmp_path):
    meta = FormMeta(
        grown.name, grown.version, "full", "municipality", "11001", ("11001",), "2025", "2025", ("2024",), "fr"
    )
    assert ("DET-77", "value", "2025") in asked_in(grown, meta)
    assert any(field.indicator == "DET-77" for field in layout_form(grown, meta).fields)
    path = write_xlsform(grown, tmp_path / "form.xlsx", period=2025, respondents=RESPONDENTS, form="full")
    names = {row[1] for row in openpyxl.load_workbook(path)["survey"].iter_rows(values_only=True)}
    assert {"DET_77__value__2025", "DET_77__value__2025__s", "rule_no_signals_but_counted__2025"} <= names


def test_its_rule_is_checked(grown):
    answers = [
        StoredValue("2025", indicator, "value", value, "", "registered", "Form", "C1", 1)
        for indicator, value in (("DET-01", 0.0), ("DET-77", 3.0))
    ]
    findings, faulty = check_rules(answers, grown, Where("form.xlsx", period="2025"))
    assert [finding.code for finding in findings] == ["rule.no_signals_but_counted"]
    assert ("2025", "DET-77", "value") in faulty


def test_it_stands_in_codebook_and_schema(grown):
    for language in ("nl", "fr", "de", "en"):
        assert 'id="DET-77"' in render_codebook(grown, language)
    assert "DET-77" in values_schema(grown)["items"]["properties"]["indicator"]["enum"]
