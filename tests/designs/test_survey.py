"""Sampling errors of a survey outcome: from respondents, as given, never zero at 0 or 100 %."""

import numpy as np
import pandas as pd
import pytest

from evaltoolkit.designs.build import make_design
from evaltoolkit.designs.survey import survey_errors
from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.framework.periods import Period
from evaltoolkit.panels.panel import Panel

SHARES = [[0.2, 0.5], [0.0, 1.0], [0.4, np.nan]]
ANSWERS = [[100.0, 50.0], [30.0, 30.0], [80.0, np.nan]]


def survey(**columns):
    labels, units = ("2020", "2023"), ["a", "b", "c"]
    index = pd.MultiIndex.from_product([units, labels], names=["unit", "period"])
    data = pd.DataFrame({name: np.ravel(values) for name, values in columns.items()}, index=index)
    table = pd.DataFrame({"name": units, "first": ["2023", "never", "never"]}, index=pd.Index(units, name="unit"))
    return Panel(data, tuple(map(Period.parse, labels)), "municipality", table, None)


def test_from_the_number_of_respondents_and_the_design_effect():
    panel = survey(Y=SHARES, answers=ANSWERS)
    errors = survey_errors(panel, "Y", respondents="answers", design_effect=2.0)
    assert errors[0] == pytest.approx([np.sqrt(0.2 * 0.8 * 2 / 100), np.sqrt(0.25 * 2 / 50)])
    # at the ends (x + 2) / (m + 4) stands in, m = 30 / 2
    edge = np.sqrt((2 / 19) * (17 / 19) / 15)
    assert errors[1] == pytest.approx([edge, edge])
    assert np.isnan(errors[2, 1])


def test_as_given_and_as_the_panel_has_it():
    panel = survey(Y=SHARES, error=np.full((3, 2), 0.03))
    np.testing.assert_array_equal(survey_errors(panel, "Y", outcome_se="error")[:2], 0.03)
    assert survey_errors(panel, "Y") is None
    held = survey(Y=SHARES, **{"Y.se": np.full((3, 2), 0.02)})
    np.testing.assert_array_equal(survey_errors(held, "Y"), 0.02)


@pytest.mark.parametrize(
    ("panel", "options", "what"),
    [
        (survey(Y=SHARES, answers=ANSWERS), {"respondents": "answer"}, 'no measure "answer".*Did you mean "answers"'),
        (
            survey(Y=SHARES, answers=np.zeros((3, 2))),
            {"respondents": "answers"},
            "above zero wherever Y is known.*a, b",
        ),
        (survey(Y=np.array(SHARES) * 100, answers=ANSWERS), {"respondents": "answers"}, "no share between 0 and 1"),
        (survey(Y=SHARES, answers=ANSWERS), {"respondents": "answers", "outcome_se": "answers"}, "not both"),
        (survey(Y=SHARES, answers=ANSWERS), {"respondents": "answers", "design_effect": 0.5}, "effect is 1 or more"),
    ],
)
def test_what_cannot_be_is_told(panel, options, what):
    with pytest.raises(EvaltoolkitError, match=what):
        survey_errors(panel, "Y", **options)


def test_a_design_keeps_them():
    panel = survey(Y=SHARES, answers=ANSWERS)
    design = make_design(panel, "Y", treated_from="first", respondents="answers")
    expected = survey_errors(panel, "Y", respondents="answers", design_effect=1.5)
    np.testing.assert_array_equal(design.sampling_se, expected[np.isin(panel.unit_codes, design.units)])
