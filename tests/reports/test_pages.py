import dataclasses
import re
from html.parser import HTMLParser

import pytest
from report_sample import PLAN

from evaltoolkit.evaluations.evaluation import Verdict
from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.i18n import LANGUAGES, words
from evaltoolkit.reports.pages import render_report, write_report
from evaltoolkit.reports.prose import prose_of

VOID = {"meta", "br", "link", "img", "hr", "input"}


class Outline(HTMLParser):
    """Checks that tags match, and collects ids, headings, text and attributes."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.ids, self.headings, self.text, self.attributes = [], [], [], [], []

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        self.ids += [value for name, value in attrs if name == "id"]
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.text.append(data)


def _read(html):
    outline = Outline()
    outline.feed(html)
    outline.close()
    assert outline.open == []
    return outline


@pytest.fixture(scope="module")
def pages(evaluation):
    return {language: render_report(evaluation, language) for language in LANGUAGES}


@pytest.fixture(scope="module")
def short(evaluation):
    """The same evaluation with its first outcome only."""
    return dataclasses.replace(evaluation, outcomes=evaluation.outcomes[:1])


@pytest.mark.parametrize("language", LANGUAGES)
def test_page_is_well_formed(pages, language):
    outline = _read(pages[language])
    assert len(outline.ids) == len(set(outline.ids))
    assert outline.headings[0] == 1
    steps = [after - before for before, after in zip(outline.headings, outline.headings[1:], strict=False)]
    assert max(steps) <= 1
    assert ("html", "lang", language) in outline.attributes
    targets = {value[1:] for _, name, value in outline.attributes if name == "href" and value.startswith("#")}
    assert targets <= set(outline.ids)


@pytest.mark.parametrize("language", LANGUAGES)
def test_page_has_no_placeholder_code_or_nan(pages, language):
    text = " ".join(_read(pages[language]).text)
    assert not re.search(r"\{\w+\}", text)
    assert not re.search(r"\b(report|verdict|grade|check|feasibility|excluded|unit)\.[a-z_]+\b", text)
    assert not re.search(r"\bnan\b|\binf\b|None", text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_page_asks_for_nothing_and_allows_nothing(pages, language):
    outline = _read(pages[language])
    assert not [a for a in outline.attributes if a[0] in ("script", "link", "img", "iframe") or a[1] == "style"]
    assert not [a for a in outline.attributes if a[1].startswith("on") or a[1] in ("src", "xlink:href")]
    policy = next(value for tag, name, value in outline.attributes if tag == "meta" and "default-src" in (value or ""))
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert re.search(r"style-src 'sha256-[\w+/=]{44}'", policy)


@pytest.mark.parametrize("language", LANGUAGES)
def test_simulated_data_are_called_so_everywhere(pages, short, language):
    word = words(language).say("report.simulated")
    figures = pages[language].count("<figure>")
    # outcomes and theory; of each of four estimates event study, averages, calendar, other choices; answers to one
    assert figures == 2 + 4 * 4 + 1
    # head, banner above, banner below, every figure, how to cite
    assert pages[language].count(word) == 4 + figures
    real = short.plan.model_copy(update={"data": short.plan.data.model_copy(update={"simulated": False})})
    assert word not in render_report(dataclasses.replace(short, plan=real), language)


def test_languages_differ_in_every_long_sentence(pages):
    def sentences(language):
        texts = (text.strip() for text in _read(pages[language]).text)
        return {text for text in texts if len(text.split()) > 4 and not text.startswith("Place U")}

    english = sentences("en")
    for language in ("nl", "fr", "de"):
        # what the evaluator wrote in the plan stays in the plan's language
        assert sentences(language) & english <= {PLAN.question, *PLAN.theory_of_change}


def test_bytes_are_the_same_twice(short, tmp_path):
    first = write_report(short, tmp_path / "a", language="nl")
    second = write_report(short, tmp_path / "b", language="nl")
    assert first.name == "report_nl.html"
    assert first.read_bytes() == second.read_bytes()


def test_text_of_the_plan_is_escaped(pages):
    assert "Coaching &amp; &lt;trust&gt;" in pages["en"]
    assert "<trust>" not in pages["en"]


def test_answer_has_result_estimate_interval_and_certainty(pages, evaluation):
    text = re.sub(r"[ \n]+", " ", " ".join(_read(pages["en"]).text))
    answer = text[text.index("The answer") : text.index("On this page")]
    for code, facts in evaluation.outcomes[0].verdict.sentences:
        assert prose_of(evaluation, "en").say(code, facts) in answer
    assert re.search(
        r"\+\d[.,]\d percentage points on average\. 95\s%\sinterval: from \+\d[.,]\d to \+\d[.,]\d\.", answer
    )
    assert "Low." in answer
    assert "not chosen by lot" in answer


def test_refused_outcome_says_what_to_do_and_has_no_numbers(pages):
    html = pages["en"]
    assert "Do not answer this question this way" in html
    assert "Pool several years" in html
    assert 'id="outcome-har-08-event-title"' not in html


def test_ambiguous_outcome_has_no_colour_and_no_praise(pages, evaluation):
    from evaltoolkit.reports.answers import tone_of

    signals = next(r for r in evaluation.outcomes if r.outcome.indicator == "DET-02")
    forced = dataclasses.replace(signals, verdict=Verdict("improved", signals.verdict.sentences))
    assert tone_of(signals) == ""
    assert tone_of(forced) == ""
    svg = pages["en"].split('aria-labelledby="outcome-det-02-event-title')[1].split("</svg>")[0]
    assert "#0072b2" not in svg
    trust = pages["en"].split('aria-labelledby="outcome-tru-01-event-title')[1].split("</svg>")[0]
    assert "#0072b2" in trust


def test_without_interval_the_page_says_why(pages):
    text = " ".join(_read(pages["en"]).text)
    assert "No interval is given: the groups are too small" in text
    assert "4 with the action" in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_p_value_and_no_star(pages, language):
    text = " ".join(_read(pages[language]).text)
    assert not re.search(r"p-value|p-waarde|p-Wert|valeur p\b|p\s*[<=]\s*0|\*", text)


def test_averages_of_two_units_are_hidden(evaluation, pages):
    from evaltoolkit.reports.groups import groups_of

    design = evaluation.outcomes[0].design
    small = next(group for group in groups_of(design) if group.cohort == 2021)
    assert len(small.units) == 2
    assert not small.shown
    row = re.search(r'<tr><th scope="row">Started in 2021</th>(.*?)</tr>', pages["en"])[1]
    assert row.count("hidden") == 6
    assert not re.search(r"\d", re.sub(r"<[^>]*>", "", row))


def test_harm_not_examined_is_said(short):
    html = render_report(dataclasses.replace(short, harm_examined=False), "en")
    assert "Harm was not examined" in html
    assert "That the action does no harm" in html


def test_plan_that_was_not_locked_is_said(short):
    html = render_report(dataclasses.replace(short, locked_on="", deviations=()), "en")
    assert "not locked beforehand" in html


def test_override_is_shown_with_its_reason(short):
    plan = short.plan.model_copy(update={"overrides": {"TRU-01": "the council asked"}})
    html = render_report(dataclasses.replace(short, plan=plan), "en")
    assert "advised against this estimate" in html
    assert "the council asked" in html


def test_left_out_units_are_listed_with_reason(pages):
    html = pages["nl"]
    assert "Place U58" in html
    assert words("nl").say("excluded.unknown_treatment") in html


def test_unknown_language_is_refused(evaluation, tmp_path):
    with pytest.raises(EvaltoolkitError, match="nl, fr, de, en"):
        write_report(evaluation, tmp_path, language="es")
    assert list(tmp_path.iterdir()) == []
