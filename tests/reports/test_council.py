"""The page for the council: short, whole and plain for every answer, in every language."""

import dataclasses
import itertools
import re
from html.parser import HTMLParser

import pytest
from council_sample import BESIDE, BESIDE_UNCLEAR, CASES, KINDS, RULES, all_cases, changed, refused

from evaltoolkit.evaluations.evaluation import Grade, Reason, Verdict
from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.i18n import LANGUAGES, words
from evaltoolkit.reports.council import council_of, council_page, count_words, render_council
from evaltoolkit.reports.council_words import headline_words
from evaltoolkit.reports.pages import render_report, write_report
from evaltoolkit.reports.prose import prose_of

VOID = {"meta", "br", "link", "img", "hr", "input"}
BLOCKS = {"p", "li", "h1", "h2", "h3", "figcaption", "summary", "caption", "th", "td"}


class Page(HTMLParser):
    """What a reader sees, block by block; how many sections have nothing but a heading."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.blocks, self.seen, self.bare, self.ids, self.links = [], [], [], [], [], []
        self.inside = None

    def handle_starttag(self, tag, attrs):
        if tag in VOID:
            return
        self.open.append(tag)
        self.ids += [value for name, value in attrs if name == "id"]
        self.links += [value for name, value in attrs if name == "href"]
        if tag in BLOCKS:
            self.blocks.append((tag, []))
        if tag == "section":
            self.inside = len(self.blocks)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        if tag == "section":
            written = ["".join(text).strip() for name, text in self.blocks[self.inside :] if name[0] != "h"]
            if not any(written):
                self.bare.append("".join(self.blocks[self.inside][1]))

    def handle_data(self, data):
        if set(self.open) & {"style", "title", "desc", "head"}:
            return
        self.seen.append(data)
        if self.blocks and set(self.open) & BLOCKS:
            self.blocks[-1][1].append(data)

    @property
    def text(self):
        return re.sub(r"\s+", " ", " ".join(self.seen))


def read(html):
    page = Page()
    page.feed(html)
    page.close()
    assert page.open == []
    return page


def words_seen(html):
    return len([word for word in read(html).text.split() if re.search(r"\w", word)])


def sentences(html):
    """Sentences of the page's own: of its paragraphs and list items."""
    texts = ["".join(text) for tag, text in read(html).blocks if tag in ("p", "li")]
    parts = itertools.chain.from_iterable(re.split(r"(?<=[.!?:;])\s", text) for text in texts)
    return [part for part in parts if len(part.split()) > 1]


@pytest.fixture(scope="module")
def proses(evaluation):
    return {language: prose_of(evaluation, language) for language in LANGUAGES}


@pytest.fixture(scope="module")
def cases(evaluation, proses):
    """Every case in every language: language -> list of (name, evaluation, page)."""
    return {
        language: [(name, one, council_page(one, proses[language])) for name, one in all_cases(evaluation, language)]
        for language in LANGUAGES
    }


@pytest.fixture(scope="module")
def english(proses):
    """Render a page in English."""
    return lambda one: council_page(one, proses["en"])


def test_the_cases_are_all_kinds(evaluation):
    found = {one.outcomes[0].verdict.kind for _, one in all_cases(evaluation, "en")}
    named = {one.verdict.kind for one in evaluation.outcomes}
    assert found | named >= KINDS
    assert {changed(evaluation, name, "low").outcomes[0].verdict.kind for name in CASES} == KINDS - {
        "not_measurable",
        "refused",
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_page_has_more_than_400_words_or_an_empty_part(cases, language):
    for name, _, html in cases[language]:
        page = read(html)
        assert words_seen(html) <= 400, name
        assert page.bare == [], name
        assert len(page.ids) == len(set(page.ids)), name
        assert all("".join(text).strip() for tag, text in page.blocks if tag != "th"), name
        assert not re.search(r"\{\w+\}", page.text), name
        assert not re.search(r"\b(council|report|verdict|grade|feasibility|unit|interval)\.[a-z_]+", page.text), name
        assert not re.search(r"\bnan\b|\binf\b|None|∞", page.text), name


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_are_short(cases, language):
    for name, _, html in cases[language]:
        lengths = [len(part.split()) for part in sentences(html)]
        assert sum(lengths) / len(lengths) <= 15, name


def test_words_are_counted_as_a_reader_would(evaluation, english):
    html = english(changed(evaluation, "improved", "low"))
    assert abs(count_words(html) - words_seen(html)) <= 8


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_proven_and_no_test_is_named(cases, language):
    forbidden = re.compile(
        r"\b(prove[sn]?|bewijst|bewezen|prouve\w*|beweist|bewiesen|signifi\w*|p-w\w+|p-value)\b", re.IGNORECASE
    )
    for name, _, html in cases[language]:
        assert not forbidden.search(read(html).text), name


@pytest.mark.parametrize("language", LANGUAGES)
def test_harm_is_always_told(evaluation, cases, proses, language):
    for name, one, html in cases[language]:
        text = read(html).text
        for result in one.outcomes[1:]:
            if result.outcome.role == "guardrail":
                assert proses[language].name(result.outcome.indicator) in text, name
    blind = dataclasses.replace(evaluation, harm_examined=False)
    told = re.sub(r"\s+", " ", words(language).say("report.harm.not_examined"))
    assert told in read(council_page(blind, proses[language])).text


def test_size_is_said_per_hundred_and_with_its_margin(evaluation, english):
    text = read(english(changed(evaluation, "improved", "moderate", rules=()))).text
    assert "An improvement, with moderate certainty." in text
    assert "About 4 in 100 more than without the action." in text
    assert "Margin of error: 1.2 to 7.0 in 100 more." in text
    assert "Counted per 100 residents who answered: residents with a lot or very much trust." in text
    worse = read(english(changed(evaluation, "worsened", "low"))).text
    assert "About 4 in 100 fewer than without the action." in worse
    assert "Margin of error: 1.2 to 7.0 in 100 fewer." in worse
    number = read(english(changed(evaluation, "number, improved", "low"))).text
    assert "About 1.5 more (meetings) than without the action." in number


def test_an_unclear_answer_has_no_estimate_and_says_what_fits(evaluation, english):
    text = read(english(changed(evaluation, "null without power", "low"))).text
    assert "No clear answer." in text
    assert "Margin of error: 5 in 100 fewer to 6 in 100 more." in text.replace(".0 in", " in")
    assert "Finding no difference does not mean that there is no effect." in text
    assert "only reliably notice an effect of about 2" in text
    assert "without the action. Margin" not in text
    power = read(english(changed(evaluation, "null with power", "moderate"))).text
    assert "No difference that matters, with moderate certainty." in power
    assert "That stays below what matters according to the plan." in power


def test_an_open_end_is_said_in_words(evaluation, english):
    assert "from 1" in read(english(changed(evaluation, "open end", "low"))).text
    assert "up to 1" in read(english(changed(evaluation, "open start", "low"))).text


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("recorded")])
def test_what_was_recorded_is_called_so_and_its_figure_has_no_colour(evaluation, name, english):
    html = english(changed(evaluation, name, "low"))
    svg = html.split("<svg")[1].split("</svg>")[0]
    assert "better" not in svg
    assert "worse" not in svg
    if name in ("recorded, higher", "recorded, lower"):
        assert 'class="card "' in html
        assert "neither good nor bad news" in html
    if "open" not in name:
        assert "Recorded: about" in html
    if "in reality" in name:
        way = "less" if "less" in name else "more"
        assert f"In reality {way} than without the action, with low certainty." in html


def test_an_ambiguous_answer_stays_without_colour_even_if_a_verdict_praised_it(evaluation, english):
    one = changed(evaluation, "recorded, higher", "low")
    first = dataclasses.replace(one.outcomes[0], verdict=Verdict("improved", one.outcomes[0].verdict.sentences))
    html = english(dataclasses.replace(one, outcomes=(first, *one.outcomes[1:])))
    assert 'class="card "' in html
    assert 'class="dot better' not in html


def test_benefit_and_harm_have_their_tone(evaluation, english):
    assert 'class="card better"' in english(changed(evaluation, "improved", "low"))
    assert 'class="card worse"' in english(changed(evaluation, "worsened", "low"))


def test_a_refusal_says_why_and_what_instead_and_shows_no_number(evaluation, english):
    html = english(refused(evaluation))
    text = read(html).text
    assert "This question cannot be answered in this way." in text
    assert "Why not" in text
    assert "This is too rare" in text
    assert "Pool several years" in text
    assert "How sure" not in text
    assert "<svg" not in html
    assert "No effect was estimated" in text


def test_what_stands_beside_the_answer_is_told(evaluation, english):
    text = read(english(changed(evaluation, "improved", "low", beside=BESIDE[-1:], rules=()))).text
    assert "1,230 EUR" in text
    many = read(english(changed(evaluation, "improved", "low", beside=BESIDE[:2], rules=()))).text
    assert "one of 10 outcomes" in many
    assert "signs of harm" in many


def test_chance_harm_delivery_and_price_are_never_left_out(evaluation, cases, proses):
    for language in LANGUAGES:
        pages = {name: read(html).text for name, _, html in cases[language]}
        for name, beside in (
            ("improved", BESIDE),
            ("null without power", BESIDE_UNCLEAR),
            ("recorded, open", BESIDE[3:4]),
        ):
            told = [proses[language].say(code, facts) for code, facts in beside if code != "verdict.harm_not_examined"]
            text = pages[f"{name}, all beside"]
            assert [sentence for sentence in told if re.sub(r"\s+", " ", sentence) not in text] == []


def test_the_reasons_that_decide_and_what_lifts_them(evaluation, english):
    one = changed(evaluation, "improved", "low", rules=())
    reasons = (Reason("few_treated", "low"), Reason("harm_not_examined", "low"), Reason("not_randomised", "moderate"))
    first = dataclasses.replace(one.outcomes[0], grade=Grade("low", 3, reasons))
    one = dataclasses.replace(one, outcomes=(first, *one.outcomes[1:]))
    page = council_of(one, prose_of(one, "en"))
    assert [why.text for why in page.reasons] == [words("en").say(f"grade.{one.rule}") for one in reasons[:2]]
    text = read(english(one)).text
    for why in page.reasons:
        assert why.text in text
        assert why.lift in text


def test_the_decision_rule_is_the_plans(evaluation, english):
    text = read(english(changed(evaluation, "improved", "high", reasons=1))).text
    assert all(rule in text for rule in RULES)
    long = changed(evaluation, "improved", "low", rules=tuple(f"{rule} " * 5 for rule in RULES))
    html = english(long)
    assert "What each answer will lead to is in the plan" in html
    assert words_seen(html) <= 400


def test_a_long_page_keeps_answer_certainty_harm_and_comparison(evaluation, proses):
    others = [evaluation.outcomes[2]] * 12
    one = changed(evaluation, "improved", "low", beside=BESIDE)
    one = dataclasses.replace(one, outcomes=(one.outcomes[0], *others, *one.outcomes[1:]))
    html = council_page(one, proses["fr"])
    text = read(html).text
    assert words_seen(html) <= 400
    assert "Une amélioration, avec une faible certitude." in text
    assert "Discrimination vécue" in text
    assert "Qu’a-t-on comparé" in text
    assert re.search(r"Encore 1\d résultats dans le rapport complet", text)


def test_exploratory_and_override_are_told(evaluation, english):
    one = changed(evaluation, "improved", "very_low", rules=(), overrides={"TRU-01": "the council asked"})
    first = dataclasses.replace(one.outcomes[0], stamp="exploratory")
    text = read(english(dataclasses.replace(one, outcomes=(first, *one.outcomes[1:])))).text
    assert "exploratory, not planned beforehand" in text
    assert "the council asked" in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_simulated_data_are_called_so(evaluation, proses, language):
    word = words(language).say("report.simulated")
    assert read(council_page(evaluation, proses[language])).text.count(word) == 1
    real = evaluation.plan.model_copy(update={"data": evaluation.plan.data.model_copy(update={"simulated": False})})
    assert word not in council_page(dataclasses.replace(evaluation, plan=real), proses[language])


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_finding_stands_in_the_text_for_screen_readers(evaluation, proses, language):
    html = council_page(changed(evaluation, "improved", "low"), proses[language])
    said = re.search(r'<desc id="line-said">(.*?)</desc>', html)[1]
    assert words(language).say("council.range", range="")[:8] in said
    assert re.search(r"\b4\b", said)


def test_randomised_action_is_not_doubted_as_cause(evaluation, english):
    plan = evaluation.plan
    drawn = plan.model_copy(update={"treatment": plan.treatment.model_copy(update={"assignment": "randomised"})})
    assert "That the action alone made the difference" in english(evaluation)
    assert "That the action alone" not in english(dataclasses.replace(evaluation, plan=drawn))


def test_report_and_page_link_to_each_other(evaluation, tmp_path):
    report = write_report(evaluation, tmp_path, language="de")
    council = tmp_path / "council_de.html"
    assert report.name in read(council.read_text(encoding="utf-8")).links
    assert council.name in read(render_report(evaluation, "de")).links
    first = council.read_bytes()
    write_report(evaluation, tmp_path, language="de")
    assert council.read_bytes() == first


def test_unknown_language_is_refused(evaluation):
    with pytest.raises(EvaltoolkitError, match="nl, fr, de, en"):
        render_council(evaluation, "es")


def test_a_hidden_estimate_is_not_shown(evaluation, monkeypatch, english):
    from evaltoolkit.reports import council_words

    monkeypatch.setattr(council_words, "headline_row", lambda result: None)
    html = english(changed(evaluation, "improved", "low"))
    assert "<svg" not in html
    assert "in 100 more than" not in html


def test_headline_without_certainty_where_there_is_none(evaluation):
    one = changed(evaluation, "null without power", "low")
    assert headline_words(one.outcomes[0], prose_of(one, "nl")) == "geen duidelijk antwoord."
