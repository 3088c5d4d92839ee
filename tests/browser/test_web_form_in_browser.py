"""The web form in Chromium: filled by keyboard, saved, opened again and read; same verdicts as the reader in Python."""

import contextlib
import json
import os
import random
import shutil
import subprocess

import jsonschema
import pandas as pd
import pytest

from evaltoolkit.framework.load import load_framework
from evaltoolkit.framework.values import MISSING, value_table
from evaltoolkit.i18n import LANGUAGES, words
from evaltoolkit.submissions.answers import type_answer
from evaltoolkit.submissions.layout import FormMeta
from evaltoolkit.submissions.numbers import parse_month
from evaltoolkit.submissions.personal import find_in_number, find_personal
from evaltoolkit.submissions.suggest import suggest
from evaltoolkit.submissions.web_answers import read_web_form
from evaltoolkit.submissions.web_form import _page_file, write_blank_web_form, write_web_form
from evaltoolkit.submissions.web_questions import asked_in, web_document

pytestmark = [pytest.mark.browser, pytest.mark.slow]

FRAMEWORK = load_framework("livc-r")
EARLIER = ("2024", "2023")
SCHEMA = json.loads(_page_file("form.schema.json"))
RESPONDENTS = pd.DataFrame(
    {
        "unit_kind": ["municipality", "municipality", "livc_r"],
        "unit": ["11002", "44021", "cell-1"],
        "members": ["", "", "11002;44021"],
        "name": ["", "", "Noord"],
    }
)


def meta_of(language="nl", form="starter"):
    version = FRAMEWORK.version
    return FormMeta("livc-r", version, form, "municipality", "11002", ("11002",), "2025", "2025", EARLIER, language)


def known_values():
    row = {"unit_kind": "municipality", "unit": "11002", "value": float("nan"), "text": "", "source": "", "wording": 1}
    some = [
        {"indicator": "GOV-08", "part": "case", "period": "2024", "value": 3.0, "status": "registered"},
        {"indicator": "GOV-08", "part": "case", "period": "2023", "value": 4.0, "status": "reconstructed"},
        {"indicator": "CAP-05", "part": "hours", "period": "2025", "value": 12.5, "status": "registered"},
        {"indicator": "CAP-05", "part": "kinds", "period": "2024", "text": "coaching;other", "status": "registered"},
        {"indicator": "GOV-03", "part": "value", "period": "2024", "text": "active", "status": "registered"},
        {"indicator": "DET-08", "part": "value", "period": "2024", "status": "DK"},
        {"indicator": "DET-08", "part": "since", "period": "2025", "text": "2019-03", "status": "registered"},
    ]
    return value_table([row | one for one in some])


@pytest.fixture(scope="module")
def forms(tmp_path_factory):
    """Forms of one municipality in every language, with some known values."""
    folder = tmp_path_factory.mktemp("forms")
    return {
        language: write_web_form(FRAMEWORK, meta_of(language), folder / f"{language}.html", values=known_values())
        for language in LANGUAGES
    }


@contextlib.contextmanager
def opened(browser, path, **options):
    """Open a page; yields it with the requests it made and the errors it had."""
    context = browser.new_context(**({"viewport": {"width": 1280, "height": 900}} | options))
    page = context.new_page()
    requests, errors = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: errors.append(message.text))
    page.on("pageerror", lambda error: errors.append(str(error)))
    # from the start on: a chooser that opens before somebody waits for it is missed
    page.on("filechooser", lambda chooser: None)
    page.goto(path.as_uri())
    yield page, requests, errors
    context.close()


def unfold(page):
    page.evaluate("document.querySelectorAll('details').forEach(one => one.setAttribute('open', ''))")


def save(page):
    """Save by keyboard; return the document."""
    page.locator("#save").focus()
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    return json.loads(download.value.path().read_text(encoding="utf-8"))


def open_file(page, told, folder):
    """Open a saved document by keyboard."""
    path = folder / "saved.json"
    path.write_text(told if isinstance(told, str) else json.dumps(told), encoding="utf-8")
    page.locator("#open").focus()
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(path)
    wait_for_summary(page)


def wait_for_summary(page):
    """Wait until the summary has the focus; by selector, because the page allows no script but its own."""
    page.wait_for_selector("#summary:focus")


def control(page, field, period="2025"):
    """Return the id of an answer's first control."""
    return page.evaluate("key => questions.find((one) => one.key === key).id", f"{field}.{period}")


def go_to(page, name):
    """Tab on until an element has the focus, as somebody without a mouse does."""
    for _ in range(400):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == name:
            return
    raise AssertionError(f"{name} cannot be reached by keyboard")


def fill(page, field, text, period="2025"):
    """Type an answer anew and leave it."""
    name = control(page, field, period)
    page.evaluate("name => document.getElementById(name).closest('details')?.setAttribute('open', '')", name)
    page.locator(f"#{name}").fill(text)
    page.keyboard.press("Tab")


def entries(told):
    return {(e["indicator"], e["part"], e["period"]): e for e in told["answers"]}


def read(told):
    return read_web_form(json.dumps(told).encode(), FRAMEWORK, "11002_2025.json")[0]


def test_filled_by_keyboard_saved_opened_again_and_read(browser, forms, tmp_path):
    with opened(browser, forms["nl"]) as (page, requests, errors):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "questions"
        go_to(page, control(page, "GOV-03.value"))
        page.keyboard.type("act")
        go_to(page, control(page, "GOV-08.case"))
        page.keyboard.type("5")
        go_to(page, control(page, "GOV-08.strategic"))
        page.keyboard.type("2")
        go_to(page, control(page, "COMP-09.value") + "-status")
        page.keyboard.type("DK")
        go_to(page, control(page, "COMP-01.value"))
        page.keyboard.press("Space")
        go_to(page, control(page, "CAP-05.hours"))
        page.keyboard.type("7,25")
        go_to(page, control(page, "DET-01.value"))
        page.keyboard.type("nee")
        go_to(page, "save")
        with page.expect_download() as download:
            page.keyboard.press("Enter")
        assert download.value.suggested_filename == "11002_2025.json"
        told = json.loads(download.value.path().read_text(encoding="utf-8"))
        assert page.evaluate("document.activeElement.id") == "summary"
        assert errors == []
        page.reload()
        open_file(page, told, tmp_path)
        assert save(page) == told
        # the file that is saved is no request; nothing else was asked of anybody
        assert {url.partition(":")[0] for url in requests} <= {"file", "blob"}
        assert {url for url in requests if url.startswith("file")} == {forms["nl"].as_uri()}
        assert errors == []
    jsonschema.validate(told, SCHEMA)
    got = entries(told)
    assert got["GOV-08", "case", "2025"]["value"] == 5
    assert {"minutes", "contact"}.isdisjoint(told)
    reading = read(told)
    assert not [finding for finding in reading.findings if finding.severity == "error"]
    values = {(a.indicator, a.part): a.text or a.value for a in reading.answers if a.period == "2025"}
    assert {key: value for key, value in values.items() if value == value} == {
        ("GOV-03", "value"): "active",
        ("GOV-08", "case"): 5.0,
        ("GOV-08", "strategic"): 2.0,
        ("COMP-01", "value"): "social_services",
        ("CAP-05", "hours"): 7.25,
        ("DET-08", "since"): "2019-03",
        ("DET-01", "value"): 0.0,
    }
    assert [a.status for a in reading.answers if (a.indicator, a.period) == ("COMP-09", "2025")] == ["DK"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_known_values_come_back_as_they_were_and_are_no_change(browser, forms, language):
    with opened(browser, forms[language]) as (page, _, _):
        assert page.evaluate("unsaved") is False
        told = save(page)
    expected = web_document(FRAMEWORK, meta_of(language), known_values())
    assert told == expected


def test_language_changes_labels_and_never_data(browser, forms, tmp_path):
    with opened(browser, forms["nl"]) as (page, _, _):
        fill(page, "GOV-08.case", "1.5")
        before = save(page)
        texts = {}
        for language in ("fr", "de", "en", "nl"):
            page.locator(f"[data-language={language}]").focus()
            page.keyboard.press("Enter")
            assert page.evaluate("document.documentElement.lang") == language
            assert page.locator(f"[data-language={language}]").get_attribute("aria-pressed") == "true"
            assert page.title() == words(language).say("form.title")
            texts[language] = page.locator("main").inner_text()
            shown = page.locator(f"#{control(page, 'CAP-05.hours')}").input_value()
            assert shown == ("12.5" if language == "en" else "12,5")
            after = save(page)
            assert after["language"] == language
            assert after["answers"] == before["answers"]
    # 1.5 is ambiguous in Dutch and stays what was typed in Dutch
    assert entries(before)["GOV-08", "case", "2025"]["typed"] == "1.5"
    assert entries(before)["GOV-08", "case", "2025"]["language"] == "nl"
    for language, text in texts.items():
        for other in set(LANGUAGES) - {language}:
            assert FRAMEWORK.by_id["GOV-08"].text.in_(other).definition not in text
        assert FRAMEWORK.by_id["GOV-08"].text.in_(language).definition in text


def test_faults_are_told_at_the_question_and_in_the_overview_and_lose_nothing(browser, forms):
    with opened(browser, forms["nl"]) as (page, _, _):
        name = control(page, "COMP-02.numerator")
        fill(page, "COMP-02.denominator", "4")
        fill(page, "COMP-02.numerator", "9")
        told = page.locator(f"#{name}-fault").inner_text()
        assert words("nl").say("rule.attended_above_invited", left=9, right=4) in told
        assert page.locator(f"#{name}").get_attribute("aria-invalid") == "true"
        assert page.evaluate("name => getComputedStyle(document.getElementById(name)).borderTopWidth", name) == "2px"
        assert f"{name}-fault" in page.locator(f"#{name}").get_attribute("aria-describedby")
        assert page.locator("#announce").inner_text()
        fill(page, "GOV-08.case", "ongeveer vijf")
        fill(page, "GOV-08.case", "366", "2024")
        saved = save(page)
        assert entries(saved)["COMP-02", "numerator", "2025"]["value"] == 9
        assert entries(saved)["GOV-08", "case", "2025"]["typed"] == "ongeveer vijf"
        links = page.locator("#summary ul a")
        assert links.count() > 2
        first = page.locator("#summary ul a").first
        first.focus()
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == control(page, "GOV-08.case")
        # mended, the message goes
        fill(page, "COMP-02.numerator", "3")
        assert page.locator(f"#{name}-fault").inner_text() == ""
        assert page.locator(f"#{name}").get_attribute("aria-invalid") is None
    codes = {finding.code for finding in read(saved).findings}
    assert {"rule.attended_above_invited", "value.not_a_number"} <= codes


def test_what_is_pasted_with_odd_characters_can_be_saved_and_read(browser, forms):
    with opened(browser, forms["nl"]) as (page, _, _):
        fill(page, "GOV-08.case", "5\t")
        fill(page, "GOV-08.strategic", "\tvier\x00\ue000 of\tvijf")
        told = save(page)
    assert entries(told)["GOV-08", "case", "2025"]["value"] == 5
    errors = [f for f in read(told).findings if f.severity == "error"]
    assert [(f.code, f.where.cell) for f in errors] == [("value.not_a_number", "GOV-08.strategic.2025")]


def test_a_share_of_nothing_needs_no_answer(browser, forms):
    with opened(browser, forms["fr"]) as (page, _, _):
        fill(page, "COMP-02.denominator", "0")
        note = page.locator(f"#{control(page, 'COMP-02.numerator')}-note").inner_text()
        label = FRAMEWORK.by_id["COMP-02"].part("denominator").label.fr
        assert note == words("fr").say("web_form.zero_share", label=label)
        assert page.locator(f"#{control(page, 'COMP-02.numerator')}").is_enabled()
        told = save(page)
        blank = page.locator("#summary details").inner_text()
    reading = read(told)
    assert [(a.part, a.status) for a in reading.answers if a.indicator == "COMP-02"] == [
        ("denominator", "registered"),
        ("numerator", "NAP"),
    ]
    assert FRAMEWORK.by_id["COMP-02"].part("numerator").label.fr not in blank


def test_personal_data_are_not_saved(browser, forms):
    with opened(browser, forms["de"]) as (page, _, _):
        fill(page, "GOV-08.case", "0475 12 34 56")
        downloads = []
        page.on("download", lambda download: downloads.append(download.suggested_filename))
        page.locator("#save").focus()
        page.keyboard.press("Enter")
        wait_for_summary(page)
        assert words("de").say("web_form.not_saved") in page.locator("#summary").inner_text()
        assert downloads == []
        assert page.evaluate("unsaved") is True
        fill(page, "GOV-08.case", "5")
        assert entries(save(page))["GOV-08", "case", "2025"]["value"] == 5


def test_leaving_with_unsaved_answers_is_warned_about(browser, forms):
    with opened(browser, forms["en"]) as (page, _, _):
        asked = []

        def answer(dialog):
            asked.append(dialog.type)
            dialog.accept()

        page.on("dialog", answer)
        page.locator(f"#{control(page, 'GOV-08.case')}").focus()
        page.keyboard.type("5")
        page.reload()
        assert asked == ["beforeunload"]
        page.locator(f"#{control(page, 'GOV-08.case')}").focus()
        page.keyboard.type("5")
        save(page)
        page.reload()
        assert asked == ["beforeunload"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("{", "open.not_form"),
        ("[1]", "open.not_form"),
        ("null", "open.not_form"),
        ({"format": "other"}, "open.not_form"),
        ({"answers": 5}, "open.not_form"),
        ({"unit": "44021"}, "open.other"),
        ({"period": "2024"}, "open.other"),
        ({"shape": "x"}, "open.other"),
    ],
)
def test_a_file_that_does_not_belong_here_changes_nothing(browser, forms, tmp_path, change, code):
    told = web_document(FRAMEWORK, meta_of("en"), known_values())
    with opened(browser, forms["en"]) as (page, _, errors):
        open_file(page, change if isinstance(change, str) else told | change, tmp_path)
        assert words("en").say(f"web_form.{code}") in page.locator("#summary").inner_text()
        assert save(page)["answers"] == told["answers"]
        assert errors == []


def test_entries_that_do_not_belong_here_are_counted_and_left_out(browser, forms, tmp_path):
    told = web_document(FRAMEWORK, meta_of("en"), known_values())
    key = {"indicator": "GOV-08", "part": "case", "period": "2025"}
    strange = [None, 5, "x", {}, key | {"value": "5"}, key | {"value": [1]}, key | {"value": 5, "typed": "5"}]
    strange += [
        key | {"period": "2019", "value": 5},
        key | {"status": "x"},
        key | {"typed": "x", "language": "__proto__"},
    ]
    strange += [{"indicator": "__proto__", "part": "constructor", "period": "x", "value": 1}]
    with opened(browser, forms["en"]) as (page, _, errors):
        open_file(page, told | {"answers": told["answers"] + strange}, tmp_path)
        text = page.locator("#summary").inner_text()
        assert words("en").say("web_form.opened.skipped", count=len(strange)) in text
        assert save(page)["answers"] == told["answers"]
        assert errors == []


def test_the_blank_form_asks_for_whom(browser, tmp_path):
    options = {"period": 2025, "language": "de", "respondents": RESPONDENTS, "earlier": EARLIER}
    path = write_blank_web_form(FRAMEWORK, tmp_path, **options)
    with opened(browser, path) as (page, _, errors):
        fill(page, "GOV-08.case", "5")
        told = save(page)
        assert page.locator("#respondent").get_attribute("aria-invalid") == "true"
        assert [f.code for f in read(told).findings] == ["web_form.no_respondent"]
        page.locator("#summary a").first.focus()
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "respondent"
        page.keyboard.type("Noord")
        page.locator("#contact").select_option("police")
        assert page.locator("#respondent").get_attribute("aria-invalid") is None
        told = save(page)
        page.reload()
        open_file(page, told, tmp_path)
        assert page.locator("#respondent").input_value() == "2"
        assert (page.locator("#contact").input_value(), told["contact"]) == ("police", "police")
        assert save(page) == told
        assert errors == []
    reading = read(told)
    assert (reading.unit_kind, reading.unit, reading.members) == ("livc_r", "cell-1", ("11002", "44021"))


def test_minutes_are_counted_only_while_the_officer_wants_it(browser, forms):
    context = browser.new_context()
    page = context.new_page()
    page.clock.install()
    page.goto(forms["nl"].as_uri())
    name = control(page, "GOV-08.case")

    def work(minutes):
        for _ in range(minutes):
            page.clock.fast_forward(60_000)
            page.locator(f"#{name}").press("5")

    work(5)
    assert "minutes" not in save(page)
    page.locator("#time").press("Space")
    work(3)
    page.clock.fast_forward(3_600_000)
    work(4)
    # the hour until the first stroke after it is a pause and no work
    assert save(page)["minutes"] == 6
    page.locator("#time").press("Space")
    assert "minutes" not in save(page)
    context.close()


# --- the same verdicts as the reader

LETTERS = "0123456789999５²\u200b.,  -–−  '٣%*eEDKdknapRFsup2025-0475+32@be/()"
PIECES = [
    "1.234",
    "1,234",
    "0475",
    "12 34 56",
    "85.07.30-033.28",
    "jan@example.org",
    "2025-03",
    "DK",
    "NAP – ",
    "1 000",
    "00 32 2",
]


def some_texts(count):
    rng = random.Random(20261125)
    texts = ["".join(rng.choices(LETTERS, k=rng.randint(1, 14))) for _ in range(count)]
    texts += ["".join(rng.choices([*PIECES, *LETTERS], k=rng.randint(1, 4))) for _ in range(count)]
    texts += [
        str(rng.randint(-5, 10 ** rng.randint(1, 9))) + rng.choice(["", ",", "."]) + str(rng.randint(0, 9999))
        for _ in range(count)
    ]
    return [text for text in dict.fromkeys(texts) if text.strip()]


# births, and what only looks like one; numbers in other scripts and with other marks (85.07.30-033.28 is made up)
PERSONAL = [
    *(
        f"{word} {day}"
        for word in ("geboren op", "geb.", "né le", "NÉE LE", "ne le", "born", "Geburtsdatum:", "d.o.b", "nee,")
        for day in (
            "3 maart 1985",
            "01/02/1990",
            "1er août 1979",
            "1985-03-03",
            "12.11.85",
            "March 3rd, 1985",
            "31 août",
        )
    ),
    "3/3/85 (geboren)",
    "° 1/1/1985",
    "°1/1/85",
    "geboren in een klein dorp en daarna lang weg 3/3/1985",
    "geboren\n3/3/1985",
    "\u0668\u0665\u0660\u0667\u0663\u0660\u0660\u0663\u0663\u0662\u0668",
    "85073003328",
    "8 5 0 7 3 0 0 3 3 2 8",
    "85/07/30:033_28",
    "８５０７３００３３２８",
    "85\u20110730\u2011033\u201128",
    "jan (at) voorbeeld.be",
    "jan[arobase]voorbeeld.be",
    "(0)475 12 34 56",
    "+44 7911 123456",
    "1.9.2024 12:30",
    "12345678901",
    "naam@",
    "@be.be",
    "groß geboren am 3. März 1985",
]


def test_personal_data_have_the_verdict_of_the_reader(browser, forms):
    rng = random.Random(20261126)
    numbers = [rng.randint(0, 10 ** rng.randint(5, 12)) for _ in range(3000)]
    numbers += [85073003328, 10100128, 32475123456, 475123456, 0.5, -85073003328]
    with opened(browser, forms["nl"]) as (page, _, _):
        found = page.evaluate("texts => texts.map(findPersonal)", PERSONAL)
        assert dict(zip(PERSONAL, found, strict=True)) == {text: find_personal(text) for text in PERSONAL}
        found = page.evaluate("numbers => numbers.map(findInNumber)", numbers)
        assert dict(zip(numbers, found, strict=True)) == {number: find_in_number(number) for number in numbers}
    assert {find_personal(text) for text in PERSONAL} == {None, "email", "phone", "national_number", "birth_date"}
    assert {find_in_number(number) for number in numbers} == {None, "phone", "national_number"}


def test_typed_texts_have_the_verdict_of_the_reader(browser, forms):
    texts = some_texts(4000)
    number = FRAMEWORK.by_id["CAP-05"].part("hours")
    with opened(browser, forms["nl"]) as (page, _, _):
        for language in ("nl", "en"):
            script = """([texts, mark]) => texts.map((text) => {
                const read = typeText({ type: "number" }, text, mark, data.missing);
                return read.fault ?? read.value;
            })"""
            found = page.evaluate(script, [texts, "," if language == "nl" else "."])
            typed = [suggest(number, text, type_answer(number, text, language), language) for text in texts]
            expected = [one.fault[0] if one.fault else one.value for one in typed]
            assert [(t, f, e) for t, f, e in zip(texts, found, expected, strict=True) if f != e] == []
            assert len({e for e in expected if isinstance(e, str)}) == 4
            assert sum(isinstance(e, float) for e in expected) > 500
        assert page.evaluate("texts => texts.map(findPersonal)", texts) == [find_personal(text) for text in texts]
        assert page.evaluate("texts => texts.map(parseMonth)", texts) == [parse_month(text) for text in texts]
    assert {find_personal(text) for text in texts} == {None, "email", "phone", "national_number"}


def random_entry(rng, asked):
    part = asked.part
    entry = dict(zip(("indicator", "part", "period"), asked.key, strict=True))
    codes = [option.code for option in part.options]
    values = {
        "count": lambda: rng.choice([0, 1, 3, 9, 250, -1, 2.5, 10**6]),
        "number": lambda: rng.choice([0, 0.5, 12.25, 1999, 2001, -3]),
        "yes_no": lambda: rng.choice([0, 1]),
        "choice": lambda: rng.choice(codes),
        "multi": lambda: [code for code in codes if rng.random() < 0.3],
        "month": lambda: f"20{rng.randint(10, 25)}-{rng.randint(1, 12):02d}",
    }
    if rng.random() < 0.85:
        entry["value"] = values[part.type]()
    elif part.type in ("count", "number", "month"):
        typed = rng.choice(["vijf", "1.234", "3.5", "DK", "9*", "2025/03"])
        entry |= {"typed": typed, "language": "nl"}
    if rng.random() < 0.25:
        entry["status"] = rng.choice([*MISSING, "reconstructed"])
    return entry if len(entry) > 3 else None


def test_whole_forms_have_the_verdicts_of_the_reader(browser, forms):
    rng = random.Random(20261125)
    meta = meta_of()
    asked = list(asked_in(FRAMEWORK, meta).values())
    told, expected = [], []
    for _ in range(150):
        some = rng.random()
        answers = [e for one in asked if rng.random() < some and (e := random_entry(rng, one)) is not None]
        document = web_document(FRAMEWORK, meta, None) | {"answers": answers}
        found = read(document).findings
        told.append(document)
        expected.append(sorted((f.code, f.severity, f.where.cell) for f in found if f.code != "form.empty"))
    script = """(documents) => documents.map((told) => {
        takeOver(told);
        return judgeAll(data, questions, entries).findings.map((one) => [one.code, one.severity, one.key]);
    })"""
    with opened(browser, forms["nl"]) as (page, _, errors):
        found = [sorted(tuple(one) for one in findings) for findings in page.evaluate(script, told)]
        assert errors == []
    for document, here, there in zip(told, found, expected, strict=True):
        if document["answers"]:
            assert here == there
    codes = {code for findings in expected for code, *_ in findings}
    # "value.not_month" and others come by chance: the draws must reach the interesting ones
    assert {"value.unlike_earlier", "value.with_missing_status", "value.not_whole", "value.above_maximum"} <= codes
    assert len({code for code in codes if code.startswith("rule.")}) >= 6


# --- for everybody


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("language", LANGUAGES)
def test_page_fits_and_loads_alone(browser, forms, language, width):
    with opened(browser, forms[language], viewport={"width": width, "height": 900}) as (page, requests, errors):
        unfold(page)
        page.locator("#save").press("Enter")
        unfold(page)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert [url for url in requests if not url.startswith("blob:")] == [forms[language].as_uri()]
        assert errors == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_page_has_no_barrier(browser, forms, language, scheme):
    from axe_playwright_python.sync_playwright import Axe

    options = {"viewport": {"width": 390, "height": 900}, "color_scheme": scheme, "bypass_csp": True}
    with opened(browser, forms[language], **options) as (page, _, _):
        for field, text in (("COMP-02.denominator", "4"), ("COMP-02.numerator", "9"), ("CAP-01.denominator", "0")):
            fill(page, field, text)
        page.locator("#save").press("Enter")
        unfold(page)
        found = Axe().run(page).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []


def test_focus_is_never_behind_the_bar(browser, forms):
    with opened(browser, forms["nl"], viewport={"width": 390, "height": 700}) as (page, _, _):
        hidden = """() => {
            const [own, bar] = [document.activeElement, document.querySelector("footer.bar")];
            if (bar.contains(own)) return false;
            return own.getBoundingClientRect().top >= bar.getBoundingClientRect().top;
        }"""
        for _ in range(80):
            page.keyboard.press("Tab")
            assert not page.evaluate(hidden), page.evaluate("document.activeElement.id")


def test_policy_stops_other_scripts_styles_and_requests(browser, forms, tmp_path):
    evil = (
        "<script>document.title = 'taken'</script>"
        "<img src='https://example.org/x.png' onerror=\"document.title = 'taken'\">"
        "<style>h1 { color: rgb(1, 2, 3) }</style></body>"
    )
    path = tmp_path / "evil.html"
    path.write_text(forms["en"].read_text(encoding="utf-8").replace("</body>", evil), encoding="utf-8")
    with opened(browser, path) as (page, requests, errors):
        blocked = {}
        page.on("requestfailed", lambda request: blocked.update({request.url: request.failure}))
        page.reload()
        assert page.title() == words("en").say("form.title")
        assert page.evaluate("getComputedStyle(document.querySelector('h1')).color") != "rgb(1, 2, 3)"
        assert blocked == {url: "csp" for url in requests if not url.startswith("file:")}
        assert any("Content Security Policy" in error for error in errors)


def test_print_shows_answers_of_all_years(browser, forms, tmp_path):
    if not shutil.which("pdftotext"):
        told = pytest.fail if os.environ.get("CI") == "1" else pytest.skip
        told("poppler is not installed")
    with opened(browser, forms["nl"]) as (page, _, _):

        def printed(name):
            page.pdf(path=tmp_path / name, format="A4")
            command = ["pdftotext", "-layout", str(tmp_path / name), "-"]
            return subprocess.run(command, capture_output=True, text=True, check=True).stdout

        folded = printed("folded.pdf")
        for text in ("12,5", "2019-03", "Antwoord 2023", "Vergaderingen van de LIVC-R"):
            assert text in folded
        example = words("nl").say("form.column.counted")
        assert example not in folded
        page.locator("#print-explain").press("Space")
        assert example in printed("explained.pdf")
        # what was folded on the screen is folded again
        assert page.evaluate("document.querySelectorAll('details[open]').length") == 0
