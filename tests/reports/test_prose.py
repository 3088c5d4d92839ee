import math

import pytest

from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.framework.scales import decimals_for, scale_of
from evaltoolkit.i18n import LANGUAGES, words
from evaltoolkit.plans.feasibility import Feasibility, Trigger
from evaltoolkit.reports.prose import Prose, prose_of, say, say_answers, say_feasibility, say_finding

NAMES = {"indicator:TRU-01": "Trust", "place:U1": "Aalst", "unit_of:GOV-08": "meetings"}


@pytest.fixture
def english():
    return Prose(words("en"), NAMES)


def _echo(prose, value, **facts):
    """Send one fact through a sentence that holds little else."""
    return prose.say("report.quality.source", source=value, **facts).removeprefix("Source: ")


@pytest.mark.parametrize(
    ("fact", "text"),
    [
        ("plain text", "plain text"),
        ("@indicator:TRU-01", "Trust"),
        ("@indicator:XXX-99", "XXX-99"),
        ("@unit_of:GOV-08", "meetings"),
        ("@place:U1", "Aalst"),
        ("@unit.percentage_points", "percentage points"),
        ("@date:2024-03-01", "1 March 2024"),
        ("2024-03-01", "1 March 2024"),
        ("@list:@indicator:TRU-01;b;c", "Trust, b and c"),
        ("@list:a", "a"),
        (7, "7"),
    ],
)
def test_facts_are_resolved(english, fact, text):
    assert _echo(english, fact) == text


def test_digits_set_the_decimals_of_floats_only():
    prose = Prose(words("nl"), {})
    assert prose.say("report.quality.source", source=4.0, digits=1) == "Bron: 4,0"
    assert prose.say("report.quality.source", source=4, digits=1) == "Bron: 4"
    assert prose.say("report.quality.source", source=1.23456) == "Bron: 1,235"


def test_fact_indicator_is_written_as_name(english):
    said = english.say("deviation.outcome_added", {"indicator": "TRU-01", "locked_on": "2024-03-01"})
    assert "Trust" in said
    assert "TRU-01" not in said
    assert "1 March 2024" in said


def test_numbers_have_sign_and_no_negative_zero(english):
    assert english.number(-0.004, 1) == english.number(0.0, 1)
    assert english.number(2.0, 0, signed=True) == "+2"
    assert english.number(-2.0, 0, signed=True) == "−2"
    assert english.number(0.0, 0, signed=True) == "0"
    assert english.interval(-1.0, 2.0, 0, signed=True) == "from −1 to +2"


def test_missing_sentence_is_an_error():
    with pytest.raises(EvaltoolkitError, match=r"no\.such\.code"):
        say("en", "no.such.code")


def test_finding_has_message_and_remedy():
    from evaltoolkit.findings import Finding

    finding = Finding("rule.attended_above_invited", "error", facts={"left": 5, "right": 4})
    for language in LANGUAGES:
        message, remedy = say_finding(finding, language)
        assert "5" in message
        assert remedy


@pytest.mark.parametrize("language", LANGUAGES)
def test_feasibility_names_outcome_hurdle_and_alternative(language):
    trigger = Trigger("rare_outcome", "stop", {"events_per_unit_year": 0.4, "threshold": 5.0}, ("pool_years",))
    lines = say_feasibility(Feasibility("HAR-08", "do_not_run", (trigger,), math.nan, "mde.few_clusters"), language)
    assert "HAR-08" not in lines[0]
    assert say(language, "decision.do_not_run") in lines[0]
    assert say(language, "mde.few_clusters") in lines[1]
    assert any(say(language, "alternative.pool_years") in line for line in lines)


def test_feasibility_gives_the_detectable_effect_in_shown_units():
    lines = say_feasibility(Feasibility("TRU-01", "go", (), 0.0312), "nl")
    assert "3,1 procentpunten" in lines[1]


def test_answers_have_one_line_per_outcome(evaluation):
    lines = say_answers(evaluation, "en")
    assert len(lines) == len(evaluation.outcomes)
    assert "low" in lines[0]


def test_names_come_from_the_framework_in_the_language(evaluation):
    assert prose_of(evaluation, "fr").name("TRU-01") != prose_of(evaluation, "nl").name("TRU-01")
    assert prose_of(evaluation, "nl").place("U05") == "Place U05"


@pytest.mark.parametrize(
    ("magnitudes", "decimals"),
    [((0.69,), 2), ((6.9,), 1), ((69.0,), 0), ((0.00001,), 4), ((0.2, 12.0), 0), ((math.nan,), 1), ((0.0,), 1)],
)
def test_decimals_follow_the_size_of_the_uncertainty(magnitudes, decimals):
    assert decimals_for(*magnitudes) == decimals


def test_a_share_is_shown_in_percent(evaluation):
    trust = evaluation.outcomes[0].indicator
    assert scale_of(trust).factor == 100
    assert scale_of(None).factor == 1


def test_signs_stay_on_the_line_of_their_word():
    assert (
        Prose(words("fr"), {}).say("report.quality.source", source="« a » 5 %")
        == "Source\u00a0: «\u00a0a\u00a0» 5\u00a0%"
    )
    assert Prose(words("en"), {}).say("report.quality.source", source="5 % : b") == "Source: 5\u00a0% : b"


def test_covariates_are_named(evaluation):
    french = prose_of(evaluation, "fr")
    assert french.covariate("log(CTX-01)") == f"{french.name('CTX-01')} (échelle logarithmique)"
    assert french.name("CTX-01") != "CTX-01"
    assert french.covariate("own_column") == "own_column"
