"""The codebook says everything that is defined, in four languages, from the same definitions as the forms."""

import re
import string
from importlib import resources

import openpyxl
import pytest
from babel.messages.pofile import read_po
from bs4 import BeautifulSoup

from evaltoolkit.framework.checklist import checklist
from evaltoolkit.framework.codebook import composite_rows, indicator_row, question_rows, rule_rows
from evaltoolkit.framework.indicator import Change, Indicator, Label
from evaltoolkit.framework.load import load_framework
from evaltoolkit.i18n import LANGUAGES, words
from evaltoolkit.reports.codebook import render_codebook, write_checklist, write_codebook

LIVC = load_framework("livc-r")
# entries of an indicator that the codebook says in other words or in a table of their own
ELSEWHERE = {"version", "wording", "changes", "parts", "text", "sensitivity"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("codebook")
    for language in LANGUAGES:
        write_codebook(LIVC, out, language=language)
    return out


@pytest.mark.parametrize("language", LANGUAGES)
def test_page_holds_every_indicator_rule_composite_and_item(folder, language):
    page = BeautifulSoup((folder / f"codebook_{language}.html").read_text(encoding="utf-8"), "html.parser")
    text = " ".join(page.get_text(" ").split())
    assert page.html["lang"] == language
    assert [head["id"] for head in page.find_all("h3")] == [
        indicator.id for dimension in dict.fromkeys(i.dimension for i in LIVC.indicators)
        for indicator in LIVC.indicators if indicator.dimension == dimension
    ]  # fmt: skip
    for indicator in LIVC.indicators:
        assert " ".join(indicator.text.in_(language).definition.split()) in text
        assert words(language).say(f"seen.{indicator.sensitivity}") in text
    assert all(rule.code in text for rule in LIVC.rules)
    assert all(one.name.in_(language) in text for one in LIVC.composites)
    assert all(" ".join(item.question.in_(language).split()) in text for item in checklist())
    # nothing is loaded, nothing runs
    assert not page.find_all(["script", "img", "link", "iframe"])
    targets = {link["href"][1:] for link in page.find_all("a")}
    assert targets <= {tag["id"] for tag in page.find_all(id=True)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_entry_of_an_indicator_is_told(language):
    say = words(language)
    told = set()
    for indicator in LIVC.indicators:
        row = indicator_row(LIVC, indicator, say)
        told |= set(row)
        assert all(say.has(f"codebook.field.{name}") for name in row)
        for name, value in (("seed_facts", indicator.seed_facts), ("emmascan", indicator.emmascan)):
            assert row.get(name, "") == ", ".join(map(str, value))
    assert set(Indicator.model_fields) - ELSEWHERE <= told
    assert {"seen", "use", "versions", "rules", "composites", "forms", "why"} <= told


def test_versions_and_breaks_are_told():
    note = Label(nl="n", fr="n", de="n", en="online meetings count too")
    change = Change(version=2, period="2027", note=note)
    newer = LIVC.by_id["GOV-08"].model_copy(update={"version": 2, "wording": 3, "changes": (change,)})
    told = indicator_row(LIVC, newer, words("en"))["versions"]
    assert told == "definition 2, wording 3; from 2027: online meetings count too"


def test_rules_are_told_as_formula_and_sentence():
    rows = {row["rule"]: row for row in rule_rows(LIVC, words("en"))}
    row = rows["rule.dormant_with_meetings"]
    assert row["formula"] == "GOV-08.case + GOV-08.strategic == 0 [GOV-03.value == dormant]"
    assert "GOV-08.case + GOV-08.strategic" in row["sentence"]
    own = LIVC.rules[0].model_copy(update={"code": "rule.own"})
    assert rule_rows(LIVC.model_copy(update={"rules": (own,)}), words("en"))[0]["sentence"] == ""
    assert len(composite_rows(LIVC, words("en"))) == len(LIVC.composites)


@pytest.mark.parametrize("language", LANGUAGES)
def test_workbook_holds_the_same(folder, language):
    book = openpyxl.load_workbook(folder / f"codebook_{language}.xlsx")
    assert len(book.sheetnames) == 5
    assert all(len(name) <= 31 for name in book.sheetnames)
    first, questions, rules, composites, items = book.worksheets
    head, *lines = first.iter_rows(values_only=True)
    assert [line[0] for line in lines] == [indicator.id for indicator in LIVC.indicators]
    for line, indicator in zip(lines, LIVC.indicators, strict=True):
        told = {name: cell for name, cell in zip(head, line, strict=True) if cell}
        row = indicator_row(LIVC, indicator, words(language))
        assert told == {words(language).say(f"codebook.field.{name}"): text for name, text in row.items()}
    assert questions.max_row - 1 == sum(len(question_rows(i, words(language))) for i in LIVC.indicators)
    assert rules.max_row - 1 == len(LIVC.rules)
    assert composites.max_row - 1 == len(LIVC.composites)
    assert items.max_row - 1 == len(checklist())
    assert all(cell.data_type != "f" for sheet in book for line in sheet.iter_rows() for cell in line)


def test_a_new_indicator_stands_in_it():
    new = LIVC.by_id["DET-02"].model_copy(update={"id": "DET-77"})
    grown = LIVC.model_copy(update={"indicators": (*LIVC.indicators, new)})
    grown.__dict__.pop("by_id", None)
    assert 'id="DET-77"' in render_codebook(grown, "fr")


def test_the_same_bytes_and_a_checklist_of_its_own(folder, tmp_path):
    for path in write_codebook(LIVC, tmp_path, language="de"):
        assert path.read_bytes() == (folder / path.name).read_bytes()
    page = write_checklist(tmp_path / "list.html", language="nl").read_text(encoding="utf-8")
    assert page.count("<tr>") == len(checklist()) + 1
    assert len(checklist()) >= 10


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("catalogue", ["codebook", "xlsform"])
def test_catalogues_are_complete_with_the_same_facts(catalogue, language):
    def sentences(lang):
        path = resources.files("evaltoolkit") / "data" / "locale" / lang / f"{catalogue}.po"
        with path.open("rb") as handle:
            return {message.id: message.string for message in read_po(handle, locale=lang) if message.id}

    def facts(text):
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    own, english = sentences(language), sentences("en")
    assert own.keys() == english.keys()
    assert all(text.strip() and facts(text) == facts(english[code]) for code, text in own.items())


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_value_of_an_entry_has_its_words(language):
    say = words(language)
    for name, field in Indicator.model_fields.items():
        allowed = re.findall(r"'(\w+)'", str(field.annotation)) if "Literal" in str(field.annotation) else []
        room = {"entry": "entry", "frequency": "frequency", "sensitivity": "seen", "dimension": "form.dimension"}
        assert all(say.has(f"{room.get(name, f'codebook.{name}')}.{value}") for value in allowed), name
