import pytest
from report_sample import make_evaluation

import evaltoolkit as et
from evaltoolkit.findings import Finding
from evaltoolkit.i18n import LANGUAGES


@pytest.fixture(scope="module")
def evaluation():
    return make_evaluation()


@pytest.fixture(scope="module")
def estimated(evaluation):
    return next(result for result in evaluation.outcomes if result.effects is not None)


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_is_said_in_words(evaluation, estimated, language):
    things = [
        Finding("rule.attended_above_invited", "error", facts={"left": 5, "right": 4}),
        estimated.feasibility,
        estimated.checks[0],
        evaluation,
    ]
    for thing in things:
        lines = et.say(thing, language)
        assert lines
        assert all(len(line.split()) > 1 and "{" not in line for line in lines)


def test_what_has_no_sentences_is_refused():
    with pytest.raises(et.EvaltoolkitError, match="no sentences for a list"):
        et.say([1, 2])
