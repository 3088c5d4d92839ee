"""The web form's file: what it holds, and what it saves read back like a workbook; hostile files are refused."""

import base64
import hashlib
import json
import random
import re
import string
from dataclasses import replace
from importlib import resources
from pathlib import Path

import jsonschema
import pandas as pd
import pytest
from babel.messages.pofile import read_po
from forms_sample import ANSWERS, TEXT, edit_cell, make_meta, make_values, write_form
from hypothesis import given, settings
from hypothesis import strategies as st

import evaltoolkit.submissions.web_form as web_form
from evaltoolkit.findings import EvaltoolkitError, FaultsError
from evaltoolkit.framework.load import load_framework
from evaltoolkit.framework.values import MISSING, value_table
from evaltoolkit.i18n import LANGUAGES, words
from evaltoolkit.submissions import start_sheet
from evaltoolkit.submissions.collect import read_workbook
from evaltoolkit.submissions.guard import guard_workbook
from evaltoolkit.submissions.store import load_findings, load_store, open_store
from evaltoolkit.submissions.web_answers import ENTRY_KEYS, read_web_form
from evaltoolkit.submissions.web_form import write_blank_web_form, write_web_form, write_web_forms
from evaltoolkit.submissions.web_identity import KEYS, about_of
from evaltoolkit.submissions.web_json import MAX_FILE
from evaltoolkit.submissions.web_page import READINESS, WORDS, page_data
from evaltoolkit.submissions.web_questions import asked_in, web_document

PAGES = resources.files("evaltoolkit") / "data" / "pages"
SCHEMA = json.loads((PAGES / "form.schema.json").read_text(encoding="utf-8"))
SOURCES = Path(web_form.__file__).parent
CASE = {"indicator": "GOV-08", "part": "case", "period": "2025"}


def document(framework, answers=None, **options):
    meta = make_meta(framework, **options)
    return web_document(framework, meta, make_values(meta, answers))


def read(framework, told):
    content = told if isinstance(told, bytes) else json.dumps(told, ensure_ascii=False).encode()
    reading, kept = read_web_form(content, framework, "11002_2025.json")
    assert kept in (b"", content)
    assert (kept == b"") == (reading.state == "refused")
    return reading


def codes(reading):
    return [(finding.code, finding.severity) for finding in reading.findings]


def with_answer(framework, **entry):
    """Return a complete document in which the number of case meetings is another entry."""
    told = document(framework)
    told["answers"] = [e for e in told["answers"] if (e["part"], e["period"]) != ("case", "2025")] + [CASE | entry]
    return told


# --- round trip


def answer_of(part):
    """Return values of the long table that a part can have: (value, text, status)."""
    nan = float("nan")
    limits = {"min_value": part.minimum or 0, "max_value": part.maximum or 1e6}
    codes = [option.code for option in part.options]
    values = {
        "count": st.integers(0, 400).map(lambda n: (float(n), "")),
        "number": st.floats(**limits).map(lambda x: (x, "")),
        "score": st.floats(**limits).map(lambda x: (x, "")),
        "yes_no": st.sampled_from([(0.0, ""), (1.0, "")]),
        "month": st.tuples(st.integers(1990, 2040), st.integers(1, 12)).map(lambda m: (nan, f"{m[0]}-{m[1]:02d}")),
        "choice": st.sampled_from(codes or [""]).map(lambda code: (nan, code)),
        "multi": st.sets(st.sampled_from(codes or [""])).map(lambda s: (nan, ";".join(c for c in codes if c in s))),
    }
    answered = st.tuples(values[part.type], st.sampled_from(["registered", "reconstructed"])).map(
        lambda a: (*a[0], a[1])
    )
    missing = st.sampled_from(MISSING).map(lambda status: (nan, "", status))
    return st.none() | answered | missing


@settings(deadline=None)
@given(data=st.data())
def test_round_trip_over_every_type_of_part(framework, data):
    meta = make_meta(framework, language=data.draw(st.sampled_from(LANGUAGES)))
    rows = []
    for asked in asked_in(framework, meta).values():
        drawn = data.draw(answer_of(asked.part))
        if drawn is not None:
            value, text, status = drawn
            about = dict(zip(("indicator", "part", "period"), asked.key, strict=True))
            rows.append(about | {"value": value, "text": text, "status": status})
    table = value_table(
        [{"unit_kind": "municipality", "unit": "11002", "source": "", "wording": 1} | row for row in rows]
    )
    told = web_document(framework, meta, table)
    jsonschema.validate(told, SCHEMA)
    # rules may be broken by what was drawn; they are tested elsewhere
    reading = read(framework.model_copy(update={"rules": ()}), told)
    assert not [finding for finding in reading.findings if finding.severity == "error"]
    got = {(a.indicator, a.part, a.period): (a.value, a.text, a.status) for a in reading.answers}
    expected = {(r["indicator"], r["part"], r["period"]): (r["value"], r["text"], r["status"]) for r in rows}
    assert got.keys() == expected.keys()
    for key, (value, text, status) in expected.items():
        assert got[key][1:] == (text, status)
        assert got[key][0] == value or (got[key][0] != got[key][0] and value != value)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_web_form_gives_what_a_workbook_with_the_same_answers_gives(tmp_path, framework, language):
    path, _ = write_form(framework, tmp_path, language=language)
    workbook = read_workbook(guard_workbook(path), framework, path.name)[0]
    told = read(framework, document(framework, language=language))
    assert (told.state, told.findings) == (workbook.state, workbook.findings)
    about = ("unit_kind", "unit", "period", "members", "vintage", "language")
    assert [getattr(told, name) for name in about] == [getattr(workbook, name) for name in about]

    def plain(reading):
        return sorted(
            (a.period, a.indicator, a.part, repr(a.value), a.text, a.status, a.wording) for a in reading.answers
        )

    assert plain(told) == plain(workbook)
    assert {answer.cell for answer in told.answers} == {f"{a.indicator}.{a.part}.{a.period}" for a in told.answers}


# what is typed, in Dutch; the workbook's reader gives the expected codes
TYPED = [
    "5\u200b",
    "５",
    "een stuk of vijf",
    "75 %",
    "9*",
    "٣",
    "1.234",
    "1,234",
    "3.5",
    "3,5",
    "DK",
    "-2",
    "1 000",
    "1 000",
    "366,0",
]


@pytest.mark.parametrize("language", ["nl", "en"])
@pytest.mark.parametrize("typed", TYPED)
def test_typed_text_has_the_verdict_of_a_workbook_cell(tmp_path, framework, typed, language):
    path, layout = write_form(framework, tmp_path, language=language)
    edit_cell(path, layout, ("GOV-08", "case", "2025"), TEXT, typed)
    workbook = read_workbook(guard_workbook(path), framework, path.name)[0]
    told = with_answer(framework, typed=typed, language="nl") | {"language": "fr"}
    told["answers"][-1]["language"] = language
    found = read(framework, told)
    assert codes(found) == codes(workbook)
    assert [f.where.indicator for f in found.findings] == [f.where.indicator for f in workbook.findings]


def test_rules_and_questions_are_told_at_the_question(framework):
    reading = read(framework, with_answer(framework, value=300))
    (finding,) = [f for f in reading.findings if f.severity == "error"]
    assert finding.code == "rule.meetings_add_up"
    assert (finding.where.sheet, finding.where.cell) == ("case (count)", "GOV-08.case.2025")
    said = "GOV-08.case + GOV-08.strategic <= GOV-08.total"
    assert finding.facts == {"left": 304, "right": 9, "language": "nl", "rule": said}
    assert reading.state == "open"
    assert ("GOV-08", "case", "2025") not in {(a.indicator, a.part, a.period) for a in reading.answers}
    assert ("GOV-08", "case", "2024") in {(a.indicator, a.part, a.period) for a in reading.answers}


def test_a_share_of_nothing_is_not_applicable_by_rule():
    livc = load_framework("livc-r")
    meta = replace(make_meta(livc), form="starter")
    answers = [
        {"indicator": "COMP-02", "part": "denominator", "period": period, "value": 0} for period in ("2025", "2024")
    ]
    told = web_document(livc, meta, None) | {"answers": answers}
    reading = read(livc, told)
    shares = {a.period: a.status for a in reading.answers if a.part == "numerator"}
    assert shares == {"2025": "NAP", "2024": "NAP"}
    asked = {f.where.cell for f in reading.findings if f.code == "value.blank"}
    assert "COMP-02.numerator.2025" not in asked
    # everything else stays open
    assert asked == {a.id for a in asked_in(livc, meta).values() if a.period == "2025" and a.indicator.id != "COMP-02"}
    told["answers"][0]["value"] = 4
    assert "COMP-02.numerator.2025" in {f.where.cell for f in read(livc, told).findings if f.code == "value.blank"}


def test_blank_answers_are_asked_for_the_reporting_period_only(framework):
    few = {("GOV-08", "total"): 9}
    found = read(framework, document(framework, few)).findings
    assert {f.code for f in found} == {"value.blank"}
    assert {f.where.period for f in found} == {"2025"}
    assert len(found) == len(ANSWERS) - 1
    assert codes(read(framework, document(framework, {}))) == [("form.empty", "question")]


def test_role_and_minutes_are_kept_only_where_they_were_given(framework):
    told = document(framework)
    assert about_of(told) == {}
    more = {"minutes": 25, "contact": "police"}
    assert read(framework, told | more).state == "accepted"
    jsonschema.validate(told | more, SCHEMA)
    assert about_of(told | more) == more
    assert codes(read(framework, told | {"minutes": -1})) == [("web_form.metadata", "error")]
    assert codes(read(framework, told | {"contact": "Jan Peeters"})) == [("contact.not_a_role", "question")]
    assert about_of(told | {"contact": "Jan Peeters", "minutes": True}) == {}


def test_exact_small_counts_are_asked_only_under_an_agreement():
    livc = load_framework("livc-r")
    meta = replace(make_meta(livc), form="full")
    without, with_one = (
        {a.indicator.entry for a in asked_in(livc, m).values()} for m in (meta, replace(meta, agreement=True))
    )
    assert with_one == without | {"agreement"}
    assert "agreement" not in without
    told = web_document(livc, meta, None)
    assert codes(read(livc, told | {"agreement": True})) == [("web_form.other_questions", "error")]
    assert codes(read(livc, told | {"agreement": "no"})) == [("web_form.metadata", "error")]


def test_what_was_read_can_be_stored_beside_workbooks(tmp_path, framework):
    content = json.dumps(document(framework)).encode()
    with open_store(tmp_path / "store") as store:
        store.add([read_web_form(content, framework, "11002_2025.json")], "2026-01-01")
        store.add([read_web_form(b"{", framework, "broken.json")], "2026-01-01")
    values = load_store(tmp_path / "store")
    assert len(values) == 2 * len(ANSWERS)
    case = values[(values["part"] == "case") & (values["period"] == "2025")].iloc[0]
    assert (case["value"], case["status"]) == (5.0, "registered")
    digest = hashlib.sha256(content).hexdigest()
    assert digest in case["source"]
    assert case["source"].endswith("GOV-08.case.2025")
    assert (tmp_path / "store" / "originals" / digest).read_bytes() == content
    assert [finding.code for finding in load_findings(tmp_path / "store")] == ["web_form.not_json"]


# --- hostile files

REFUSED = [
    (b"", "file.empty"),
    (b"PK\x03\x04", "web_form.not_json"),
    (b'\xff\xfe{"a": 1}', "web_form.not_json"),
    (b"{", "web_form.not_json"),
    (b"[" * 100_000, "web_form.too_deep"),
    (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, "web_form.too_deep"),
    (b" " * (MAX_FILE + 1), "web_form.too_large"),
    (b'{"format": "evaltoolkit-web-form", "format": "evaltoolkit-web-form"}', "web_form.duplicate_key"),
    (b'{"a": NaN}', "web_form.not_finite"),
    (b'{"a": -Infinity}', "web_form.not_finite"),
    (b'{"a": "\\ud800"}', "web_form.unsafe_text"),
    (b'{"a": "x\\u0000y"}', "web_form.unsafe_text"),
    (b"[]", "web_form.not_a_form"),
    (b"7", "web_form.not_a_form"),
    (b'{"format": "other"}', "web_form.not_a_form"),
    (b"9" * 100_000, "web_form.not_a_form"),
    (b'{"__proto__": {"format": "evaltoolkit-web-form"}}', "web_form.not_a_form"),
]


@pytest.mark.parametrize(("content", "code"), REFUSED, ids=[f"{code}-{n}" for n, (_, code) in enumerate(REFUSED)])
def test_a_file_that_is_no_form_is_refused_with_its_code(framework, content, code):
    reading = read(framework, content)
    assert (reading.state, codes(reading), reading.answers) == ("refused", [(code, "error")], ())


META = [
    ({"version": "2"}, "form.other_version"),
    ({"framework": "other"}, "form.other_framework"),
    ({"framework_version": "0.9"}, "form.other_framework"),
    ({"form": "enormous"}, "web_form.metadata"),
    ({"shape": "0" * 64}, "web_form.other_questions"),
    ({"period": "last year"}, "web_form.metadata"),
    ({"period": 2025}, "web_form.metadata"),
    ({"earlier": "2024"}, "web_form.metadata"),
    ({"earlier": ["2024", "2024"]}, "web_form.metadata"),
    ({"language": "it"}, "web_form.metadata"),
    ({"unit_kind": "region"}, "web_form.metadata"),
    ({"unit": ""}, "web_form.no_respondent"),
    ({"members": []}, "web_form.no_respondent"),
    ({"members": ["00000"]}, "form.unknown_unit"),
    ({"unit": "x" * 101}, "web_form.metadata"),
    ({"unit": ["11002"]}, "web_form.metadata"),
    ({"answers": {}}, "web_form.metadata"),
    ({"answers": [1] * 20_001}, "web_form.metadata"),
    ({"minutes": True}, "web_form.metadata"),
]


@pytest.mark.parametrize(("change", "code"), META, ids=[f"{next(iter(c))}-{code}" for c, code in META])
def test_changed_metadata_are_refused(framework, change, code):
    reading = read(framework, document(framework) | change)
    assert (reading.state, codes(reading)) == ("refused", [(code, "error")])


ENTRIES = [
    ({"value": "5"}, "web_form.wrong_type"),
    ({"value": True}, "web_form.wrong_type"),
    ({"value": [5]}, "web_form.wrong_type"),
    ({"value": {"x": 5}}, "web_form.wrong_type"),
    ({"value": 5, "typed": "5"}, "web_form.wrong_type"),
    ({"typed": 5}, "web_form.wrong_type"),
    ({"typed": "x" * 41}, "web_form.wrong_type"),
    ({"typed": "vijf", "language": "it"}, "web_form.wrong_type"),
    ({"value": 3.5}, "value.not_whole"),
    ({"value": -2}, "value.below_minimum"),
    ({"typed": "vijf"}, "value.not_a_number"),
    ({"typed": "1.234"}, "value.ambiguous_number"),
    ({"value": 5, "status": "DK"}, "value.with_missing_status"),
    ({"status": "reconstructed"}, "status.reconstructed_without_value"),
    ({"status": "maybe"}, "status.unknown"),
    ({"status": 5}, "status.unknown"),
    ({"status": ["DK"]}, "status.unknown"),
    ({"value": 5, "vlaue": 5}, "web_form.unknown_entry"),
    ({"indicator": "GOV-09", "value": 5}, "web_form.unknown_question"),
    ({"part": "cases", "value": 5}, "web_form.unknown_question"),
    ({"indicator": "TRU-01", "part": "n", "value": 5}, "web_form.unknown_question"),
    ({"period": "2023", "value": 5}, "web_form.unknown_period"),
    ({"indicator": 5, "value": 5}, "web_form.wrong_type"),
    ({"indicator": "GOV-08", "part": "total", "value": 9}, "web_form.duplicate_answer"),
    ({"indicator": "COMP-01", "part": "chair", "period": "2024", "value": "mayor"}, "web_form.duplicate_answer"),
]


@pytest.mark.parametrize(("entry", "code"), ENTRIES, ids=[f"{code}-{n}" for n, (_, code) in enumerate(ENTRIES)])
def test_a_faulty_entry_is_found_and_the_others_are_kept(framework, entry, code):
    told = with_answer(framework, **entry)
    reading = read(framework, told)
    errors = [f for f in reading.findings if f.severity == "error"]
    assert code in [f.code for f in errors]
    assert all(f.where.cell for f in errors)
    assert reading.state == "open"
    kept = {(a.indicator, a.part, a.period) for a in reading.answers}
    assert ("COMP-01", "members", "2024") in kept
    # nothing that was typed is repeated
    assert not [v for f in errors for v in f.facts.values() if isinstance(v, str) and v in ("vijf", "cases", "vlaue")]


OTHERS = [
    ("COMP-01", "chair", {"value": "priest"}, "value.unknown_option"),
    ("COMP-01", "chair", {"value": "mayor;police"}, "value.unknown_option"),
    ("COMP-01", "chair", {"value": ""}, "web_form.wrong_type"),
    ("COMP-01", "chair", {"typed": "de pastoor"}, "value.unknown_option"),
    ("COMP-01", "members", {"value": ["mayor", "mayor"]}, "value.unknown_option"),
    ("COMP-01", "members", {"value": ["mayor;police"]}, "value.unknown_option"),
    ("COMP-01", "members", {"value": ["mayor", 1]}, "web_form.wrong_type"),
    ("COMP-01", "members", {"value": "mayor"}, "web_form.wrong_type"),
    ("GOV-02", "active", {"value": 2}, "value.not_yes_no"),
    ("GOV-02", "active", {"value": "yes"}, "web_form.wrong_type"),
    ("CAP-05", "end", {"value": "2025-13"}, "value.not_month"),
    ("CAP-05", "end", {"typed": "maart"}, "value.not_month"),
    ("CAP-05", "end", {"value": 202503}, "web_form.wrong_type"),
    ("CAP-01", "hours", {"value": 2001}, "value.above_maximum"),
]


@pytest.mark.parametrize(("indicator", "part", "entry", "code"), OTHERS)
def test_every_type_of_part_refuses_what_does_not_fit(framework, indicator, part, entry, code):
    told = document(framework)
    key = {"indicator": indicator, "part": part, "period": "2025"}
    told["answers"] = [e for e in told["answers"] if {k: e[k] for k in key} != key] + [key | entry]
    (finding,) = [f for f in read(framework, told).findings if f.severity == "error"]
    assert (finding.code, finding.where.cell) == (code, f"{indicator}.{part}.2025")


def test_a_number_beyond_all_numbers_is_an_error_at_its_question(framework):
    content = json.dumps(with_answer(framework, value=12345)).replace("12345", "1e999").encode()
    (finding,) = [f for f in read(framework, content).findings if f.severity == "error"]
    assert (finding.code, finding.where.cell) == ("value.not_finite", "GOV-08.case.2025")


def test_suggestions_name_the_nearest_known_id(framework):
    found = read(framework, with_answer(framework, part="cases", value=5)).findings
    assert [f.facts["nearest"] for f in found if f.code == "web_form.unknown_question"] == ["GOV-08.case"]
    found = read(framework, document(framework) | {"minuts": 5}).findings
    assert [f.facts["nearest"] for f in found] == ["minutes"]


@pytest.mark.parametrize(
    ("entry", "kind"),
    [
        ({"typed": "bel 0475 12 34 56"}, "phone"),
        ({"typed": "jan@example.org"}, "email"),
        ({"typed": "85.07.30-033.28"}, "national_number"),
        ({"value": 85073003328}, "national_number"),
        ({"value": 5, "jan@example.org": 1}, "email"),
    ],
)
def test_personal_data_refuse_the_file_and_keep_nothing(framework, entry, kind):
    reading = read(framework, with_answer(framework, **entry))
    assert (reading.state, codes(reading), reading.answers) == ("refused", [(f"personal.{kind}", "error")], ())
    (finding,) = reading.findings
    assert (finding.where.sheet, finding.where.cell) == ("case (count)", "GOV-08.case")
    assert finding.facts == {"language": "nl"}


def test_personal_data_outside_the_answers_are_found_too(framework):
    assert codes(read(framework, document(framework) | {"unit": "jan@example.org"})) == [("personal.email", "error")]


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5),
        lambda s: st.lists(s) | st.dictionaries(st.text(max_size=5), s),
    )
)
def test_no_data_of_any_kind_crash_the_reader(framework, data):
    told = document(framework)
    for place in (
        data,
        told | {"answers": data},
        told | {"answers": [data]},
        told | {"answers": [CASE | {"value": data}]},
    ):
        reading = read(framework, json.dumps(place).encode())
        assert reading.state in ("refused", "open", "accepted")
        assert reading.findings or reading.state == "accepted"


def test_damaged_files_are_refused_or_read_and_never_break_the_reader(framework):
    rng = random.Random(20261125)
    whole = json.dumps(document(framework)).encode()
    states = set()
    for _ in range(600):
        content = bytearray(whole)
        for _ in range(rng.randint(1, 3)):
            place, other = sorted(rng.sample(range(len(content)), 2))
            piece = content[place : min(other, place + rng.randint(1, 60))]
            content[place : place + len(piece)] = rng.choice(
                [b"", piece * 2, bytes([rng.randrange(256)]), b'"', b"[", b"}"]
            )
        reading = read(framework, bytes(content))
        states.add(reading.state)
        assert reading.findings
    assert states == {"refused", "open"}


# --- the page


def respondents():
    return pd.DataFrame(
        {
            "unit_kind": ["municipality", "livc_r", "municipality"],
            "unit": ["11002", "cell-1", "44021"],
            "members": ["", "11002;44021", ""],
            "name": ["", "LIVC-R </script>@@respondent@@ Noord", ""],
            "language": ["", "fr", ""],
        }
    )


def block(page, name):
    (found,) = re.findall(rf'<script type="application/json" id="{name}">(.*?)</script>', page, re.DOTALL)
    return json.loads(found)


def block_of(framework):
    """Return the data of the largest form."""
    return page_data(framework, replace(make_meta(framework), form="full"))


def test_one_file_per_respondent_the_same_bytes_every_time(tmp_path, framework):
    options = {"period": 2025, "language": "nl", "respondents": respondents(), "earlier": (2024,)}
    values = make_values(make_meta(framework))
    paths = write_web_forms(framework, tmp_path / "a", values=values, **options)
    again = write_web_forms(framework, tmp_path / "b", values=values, **options)
    assert [path.name for path in paths] == ["11002_2025_nl.html", "cell-1_2025_fr.html", "44021_2025_nl.html"]
    assert [path.read_bytes() for path in paths] == [path.read_bytes() for path in again]
    told = [block(path.read_text(encoding="utf-8"), "form-respondent") for path in paths]
    assert told[0]["answers"] == document(framework)["answers"]
    assert [one["answers"] for one in told[1:]] == [[], []]
    assert told[1]["names"] == dict.fromkeys(LANGUAGES, "LIVC-R </script>@@respondent@@ Noord")
    single = write_web_form(framework, make_meta(framework), tmp_path / "one.html", values=values)
    assert single.read_bytes() == paths[0].read_bytes()


def test_a_page_is_drawn_once_per_language(tmp_path, framework, monkeypatch):
    drawn = []
    draw = web_form.draw_form
    monkeypatch.setattr(web_form, "draw_form", lambda f, meta: drawn.append(meta.language) or draw(f, meta))
    many = pd.DataFrame({"unit_kind": "livc_r", "unit": [f"c{n}" for n in range(40)], "members": "11002"})
    write_web_forms(framework, tmp_path, period=2025, language="de", respondents=many)
    assert drawn == ["de"]


def test_the_blank_form_knows_its_respondents_and_no_answer(tmp_path, framework):
    path = write_blank_web_form(framework, tmp_path, period=2025, language="en", respondents=respondents())
    assert path.name == "form_2025_en.html"
    told = block(path.read_text(encoding="utf-8"), "form-respondent")
    assert [one["unit"] for one in told["choose"]] == ["11002", "cell-1", "44021"]
    assert told["answers"] == []
    assert "unit" not in told


def test_policy_allows_the_inlined_script_and_style_and_nothing_else(tmp_path, framework):
    page = write_web_form(framework, make_meta(framework), tmp_path / "f.html").read_text(encoding="utf-8")
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)
    policy = policy.replace("&#39;", "'")
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for tag, rule in (("script", "script-src"), ("style", "style-src")):
        (inlined,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inlined.encode()).digest()).decode()
        assert f"{rule} 'sha256-{digest}'" in policy
        assert "http" not in inlined
    assert not re.search(r"\s(?:on\w+|style)=", page.partition("<script")[0])


def test_the_script_keeps_nothing_and_asks_nobody():
    script = "\n".join((PAGES / name).read_text(encoding="utf-8") for name in web_form.SCRIPTS)
    for word in (
        "localStorage",
        "sessionStorage",
        "indexedDB",
        "cookie",
        "fetch(",
        "XMLHttp",
        "WebSocket",
        "innerHTML",
        "eval(",
    ):
        assert word not in script


def test_faults_of_the_input_are_told(tmp_path, framework):
    with pytest.raises(FaultsError, match="00000"):
        write_web_forms(
            framework,
            tmp_path,
            period=2025,
            language="nl",
            respondents=pd.DataFrame({"unit_kind": ["municipality"], "unit": ["00000"], "members": [""]}),
        )
    twice = pd.concat([make_values(make_meta(framework))] * 2)
    with pytest.raises(EvaltoolkitError, match="twice"):
        write_web_form(framework, make_meta(framework), tmp_path / "f.html", values=twice)
    same = pd.DataFrame({"unit_kind": "livc_r", "unit": ["a b", "a?b"], "members": "11002"})
    with pytest.raises(EvaltoolkitError, match="same file"):
        write_web_forms(framework, tmp_path, period=2025, language="nl", respondents=same)


def test_a_rule_of_an_own_framework_without_a_sentence_is_told_by_its_fields(tmp_path, framework):
    page = write_web_form(framework, make_meta(framework), tmp_path / "f.html").read_text(encoding="utf-8")
    told = block(page, "form-data")
    assert [rule["code"] for rule in told["rules"]] == ["rule.meetings_add_up", "rule.active_meets"]
    for language in LANGUAGES:
        assert "GOV-08.total" in told["languages"][language]["words"]["rule.meetings_add_up"]


def test_every_rule_of_the_framework_that_a_form_can_break_is_in_it():
    livc = load_framework("livc-r")
    told = block_of(livc)
    assert {rule["code"] for rule in told["rules"]} == {
        rule.code
        for rule in livc.rules
        if {f.partition(".")[0] for f in re.findall(r"[A-Z]+-\d\d\.\w+", f"{rule.left} {rule.right} {rule.when}")}
        <= {indicator["id"] for indicator in told["indicators"]}
    }


# --- sentences


def sentences(language):
    path = resources.files("evaltoolkit") / "data" / "locale" / language / "web_form.po"
    with path.open("rb") as handle:
        return {message.id: message.string for message in read_po(handle, locale=language) if message.id}


def facts(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_sentence_with_the_same_facts(language):
    own, english = sentences(language), sentences("en")
    assert own.keys() == english.keys()
    for code, text in own.items():
        assert text.strip()
        assert facts(text) == facts(english[code]), code
        same = [other for other in LANGUAGES if other != language and sentences(other)[code] == text and len(text) > 20]
        assert not same, code


def test_the_page_says_what_is_declared_with_the_declared_facts():
    for language in LANGUAGES:
        for code, names in WORDS.items():
            assert facts(words(language).say(code, **{name: f"{{{name}}}" for name in names})) == set(names), code
    sources = "\n".join((PAGES / name).read_text(encoding="utf-8") for name in (*web_form.SCRIPTS, "form.html.j2"))
    said = set(re.findall(r'"((?:web_form|form)\.[\w.]+)"', sources))
    # ids of the template are said once more by the script
    assert said - WORDS.keys() <= {"web_form.noscript", "form.js"}
    built = (
        "web_form.fault.",
        "web_form.summary.",
        "web_form.severity.",
        "form.status.",
        "form.zero.",
        "form.respondent.",
        "form.contact.",
    )
    unsaid = [c for c in WORDS if c not in said and not c.startswith(built)]
    assert unsaid == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_finding_has_a_sentence_and_a_remedy(language):
    source = "\n".join(
        (SOURCES / f"web_{name}.py").read_text(encoding="utf-8") for name in ("json", "identity", "answers")
    )
    raised = set(re.findall(r'"((?:web_form|form|file|value|status)\.\w+)"', source))
    assert len(raised) > 15
    for code in raised | {f"personal.{kind}" for kind in ("national_number", "email", "phone")}:
        assert words(language).has(code), code
        assert words(language).has(f"{code}.remedy"), code


def test_the_page_names_the_same_signs_of_readiness_as_the_workbook():
    assert READINESS == start_sheet._READINESS
    told = block_of(load_framework("livc-r"))
    assert set(told["ready"]) == set(READINESS)


def test_the_schema_knows_every_key_of_the_reader():
    assert set(SCHEMA["properties"]) == set(KEYS)
    assert set(SCHEMA["$defs"]["answer"]["properties"]) == set(ENTRY_KEYS)
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(
    "entry", [e for e, code in ENTRIES if code in ("web_form.wrong_type", "web_form.unknown_entry", "status.unknown")]
)
def test_the_schema_refuses_what_the_reader_calls_another_type(framework, entry):
    told = with_answer(framework, **entry)
    if entry == {"value": "5"}:
        # the schema does not know which part is a number
        jsonschema.validate(told, SCHEMA)
    else:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(told, SCHEMA)
