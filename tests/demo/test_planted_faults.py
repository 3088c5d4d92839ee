"""Every planted fault is found at its cell with its code, in one collection, and nothing else is called an error."""

import shutil
import subprocess
import sys
from collections import Counter

import pandas as pd
import pytest
from planted import CELL_FAULTS, EARLIER, FILE_FAULTS, PERIOD, answer_rows, edit_cell, typed_text

from evaltoolkit.framework.load import load_framework
from evaltoolkit.framework.values import value_table
from evaltoolkit.i18n import LANGUAGES
from evaltoolkit.submissions.collect import collect_folder
from evaltoolkit.submissions.layout import FormMeta, layout_form
from evaltoolkit.submissions.write import write_templates
from evaltoolkit.territory.municipalities import municipality_codes

FAULTS = [*CELL_FAULTS, *FILE_FAULTS]


@pytest.fixture(scope="module")
def livc_r():
    return load_framework("livc-r")


@pytest.fixture(scope="module")
def units():
    return sorted(municipality_codes(2025))[: len(FAULTS) + 2]


@pytest.fixture(scope="module", params=LANGUAGES)
def language(request):
    return request.param


@pytest.fixture(scope="module")
def filled(livc_r, units, language, tmp_path_factory):
    """Filled forms, one for each fault and two more, as they were sent out and saved."""
    folder = tmp_path_factory.mktemp("filled")
    respondents = pd.DataFrame({"unit_kind": "municipality", "unit": units, "members": ""})
    write_templates(
        livc_r,
        folder,
        period=PERIOD,
        language=language,
        respondents=respondents,
        form="evaluation",
        earlier=EARLIER,
        values=value_table([row for unit in units for row in answer_rows(livc_r, unit)]),
    )
    return folder


@pytest.fixture
def returned(filled, tmp_path):
    shutil.copytree(filled, tmp_path / "returned")
    return tmp_path / "returned"


@pytest.fixture
def file_of(language):
    return lambda unit: f"{unit}_{PERIOD}_{language}.xlsx"


def layout_of(framework, unit, language):
    version = framework.version
    meta = FormMeta("livc-r", version, "evaluation", "municipality", unit, (unit,), "2025", PERIOD, EARLIER, language)
    return layout_form(framework, meta)


def errors(collection):
    return Counter((f.where.file, f.code, f.where.sheet, f.where.cell) for f in collection.errors)


def test_untouched_forms_have_no_error(returned, livc_r, units, tmp_path):
    collection = collect_folder(returned, store=tmp_path / "store", framework=livc_r)
    assert errors(collection) == Counter()
    assert len(collection.files) == len(units)
    assert set(collection.values["unit"]) == set(units)


def test_every_planted_fault_is_found_at_its_cell_and_nothing_else(
    returned, livc_r, units, language, file_of, tmp_path
):
    expected = Counter()
    for unit, (edits, codes) in zip(units, FAULTS, strict=False):
        layout = layout_of(livc_r, unit, language)
        if callable(edits):
            edits(returned / file_of(unit), layout)
        else:
            for name, xml, text in edits:
                edit_cell(returned / file_of(unit), layout, name, xml, typed_text(livc_r, text, language))
        expected += Counter((file_of(unit), code, *(layout.cells[name] if name else ("", ""))) for code, name in codes)
    collection = collect_folder(returned, store=tmp_path / "store", framework=livc_r)
    assert errors(collection) == expected
    assert len({code for _, code, *_ in expected}) >= 30
    assert len(FAULTS) >= 50
    # the two untouched forms are taken whole, and a fault in one cell keeps the other cells
    state = collection.files.set_index("file")["state"]
    assert list(state[[file_of(unit) for unit in units[-2:]]]) == ["accepted", "accepted"]
    first = collection.values[(collection.values["unit"] == units[0]) & (collection.values["period"] == PERIOD)]
    assert set(first["indicator"]) >= {"COMP-09", "HAR-08", "PREV-06"}
    assert not ((first["indicator"] == "GOV-08") & (first["part"] == "case")).any()
    # what a stranger typed is nowhere repeated
    typed = (
        "Jan Peeters",
        "Hof 1",
        "12/03/1985",
        "jan@example.org",
        "85.07.30-033.28",
        "85073003328",
        "0475 12 34 56",
        "een stuk of vijf",
    )
    told = [str(fact) for finding in collection.findings for fact in finding.facts.values()]
    assert not [fact for fact in told if any(text in fact for text in typed)]


def test_the_same_file_twice_changes_nothing(returned, livc_r, units, file_of, tmp_path):
    once = collect_folder(returned, store=tmp_path / "store", framework=livc_r)
    shutil.copy(returned / file_of(units[0]), returned / "again.xlsx")
    twice = collect_folder(returned, store=tmp_path / "store", framework=livc_r)
    assert errors(twice) == Counter()
    pd.testing.assert_frame_equal(once.values, twice.values)


def test_two_files_that_disagree_are_a_conflict_a_person_must_decide(
    returned, livc_r, units, language, file_of, tmp_path
):
    other = returned / "zz_other.xlsx"
    shutil.copy(returned / file_of(units[0]), other)
    edit_cell(
        other,
        layout_of(livc_r, units[0], language),
        f"etk.DET_02.value.{PERIOD}.v",
        '<c r="{r}"{s}><v>{v}</v></c>',
        "9",
    )
    collection = collect_folder(returned, store=tmp_path / "store", framework=livc_r)
    assert errors(collection) == Counter({("zz_other.xlsx", "file.conflict", "", ""): 1})
    chosen = collection.values[(collection.values["unit"] == units[0]) & (collection.values["period"] == PERIOD)]
    # neither of the two numbers is taken
    assert "DET-02" not in set(chosen["indicator"])
    assert "HAR-08" in set(chosen["indicator"])


def test_the_package_cannot_import_the_table(tmp_path):
    code = "import importlib.util as u, evaltoolkit.demo.run; assert u.find_spec('planted') is None"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
