"""Plans: what is right is read, what is wrong is told all at once, with place and remedy."""

import pytest

from evaltoolkit.findings import EvaltoolkitError, FaultsError
from evaltoolkit.framework.load import load_framework
from evaltoolkit.plans.canonical import plan_digest
from evaltoolkit.plans.reading import check_plan, load_plan, read_plan
from evaltoolkit.plans.template import plan_template

GOOD = """
title = "Coaching of cells"
question = "Did coaching raise trust?"
periods = [2020, 2021, 2022]

[data]
panel = "own.csv"
treated_from = "first"

[treatment]
action = "coaching"
assignment = "voluntary"
decided_by = "council"
why_then = "places were free"

[[outcomes]]
indicator = "TRU-01"
role = "primary"
smallest_relevant = 0.05
wording_break = 2022

[estimation]
comparison = "not_yet_treated"
"""


def write(tmp_path, text, name="evaluation.toml"):
    (tmp_path / "own.csv").write_text("unit,period\n", encoding="utf-8")
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def faults_of(tmp_path, text):
    with pytest.raises(FaultsError) as caught:
        load_plan(write(tmp_path, text))
    return caught.value.faults


def test_good_plan_is_read_and_knows_its_folder(tmp_path):
    file = read_plan(write(tmp_path, GOOD))
    assert file.plan.periods == ("2020", "2021", "2022")
    assert file.plan.outcomes[0].wording_break == "2022"
    assert file.plan.estimation.comparison == "not_yet_treated"
    assert file.locate(file.plan.data.panel) == tmp_path.resolve() / "own.csv"
    assert load_plan(file.path) == file.plan


def test_byte_order_mark_is_no_fault(tmp_path):
    path = write(tmp_path, "")
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    assert load_plan(path).title == "Coaching of cells"


def test_every_fault_at_once_with_place_and_nearest_word(tmp_path):
    faults = faults_of(
        tmp_path,
        """
title = "x"
questio = "y"
periods = [2021, 2020, "20x1"]
[data]
panel = "owm.csv"
roster = "roster.csv"
treated_from = "first"
[treatment]
action = "coaching"
assignment = "volontary"
decided_by = "x"
[[outcomes]]
indicator = "COMP-02"
role = "primry"
smallest_relevant = -1
[[outcomes]]
indicator = "TRU-01"
role = "guardrail"
[estimation]
comparison = "never_treatd"
level = 2
seed = "a"
covariates = "x"
[overrides]
"COMP-2" = "the council asks"
"TRU-01" = " "
""",
    )
    assert set(faults) == {
        "question: this entry is missing; add it.",
        'questio: this key is not known. Did you mean "question"?',
        "periods: write them in order of time, without overlap, each once.",
        (
            'periods: Period "20x1" is not understood: write a year (2023), a quarter (2023-Q2), a month (2023-05) or '
            "two dates (2023-03-01/2023-06-30)."
        ),
        '[data] panel: "owm.csv" does not exist; paths start from the folder of the plan. Did you mean "own.csv"?',
        '[data] roster: "roster.csv" does not exist; paths start from the folder of the plan.',
        '[data]: give either "roster" (a file) or "treated_from" (a column of the own panel).',
        (
            '[treatment] assignment: "volontary" is not allowed; write one of randomised, voluntary, by_need, '
            'obligatory, other. Did you mean "voluntary"?'
        ),
        "[treatment] why_then: this entry is missing; add it.",
        (
            '[[outcomes]] 1 (COMP-02) role: "primry" is not allowed; write one of primary, secondary, guardrail. '
            'Did you mean "primary"?'
        ),
        "[[outcomes]] 1 (COMP-02) smallest_relevant: -1 is outside what is possible; give a number above 0.0.",
        '[[outcomes]] 2 (TRU-01): guardrail TRU-01: give "margin" or say "not_measurable = true".',
        (
            '[estimation] comparison: "never_treatd" is not allowed; write one of never_treated, not_yet_treated. '
            'Did you mean "never_treated"?'
        ),
        "[estimation] level: 2 is outside what is possible; give a number below 1.0.",
        "[estimation] seed: write a whole number.",
        "[estimation] covariates: write a list in square brackets.",
        '[overrides] COMP-2: no outcome of the plan has this name. Did you mean "COMP-02"?',
        "[overrides] TRU-01: write the reason for estimating all the same.",
    }
    assert len(faults) == len(set(faults))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (('treated_from = "first"', ""), 'give either "roster"'),
        (('panel = "own.csv"', 'panel = "own.csv"\nstore = "own.csv"'), 'give either "panel"'),
        (("wording_break = 2022", "wording_break = 2027"), '"2027" is not one of the periods'),
        (("smallest_relevant = 0.05", ""), 'outcome TRU-01: give "smallest_relevant"'),
        (("smallest_relevant = 0.05", "smallest_relevant = 0.05\ndetection_range = [1.2, 0.9]"), "the lower first"),
        (("smallest_relevant = 0.05", "smallest_relevant = 0.05\ndetection_range = [1.2]"), "detection_range"),
        (("[[outcomes]]", "[outcomes]"), "outcomes"),
        (('role = "primary"', "role = 3"), "primary, secondary, guardrail"),
        (("[treatment]", "[treatments]"), 'Did you mean "treatment"?'),
        (("[estimation]", '[estimation]\nmethod = "twfe"'), "group_time"),
        (('role = "primary"', 'role = "primary"\nbetter = "upp"'), 'Did you mean "up"?'),
    ],
)
def test_each_fault_is_named(tmp_path, change, sentence):
    assert any(sentence in fault for fault in faults_of(tmp_path, GOOD.replace(*change)))


def test_outcome_twice(tmp_path):
    again = '\n[[outcomes]]\nindicator = "TRU-01"\nrole = "secondary"\nsmallest_relevant = 1\n'
    assert faults_of(tmp_path, GOOD + again) == ("An outcome stands twice under [[outcomes]].",)


def test_toml_fault_names_the_line(tmp_path):
    with pytest.raises(EvaltoolkitError, match=r'"evaluation.toml" is not valid TOML: .*line 2'):
        load_plan(write(tmp_path, 'title = "x"\nquestion = y\n'))


def test_missing_file_names_the_nearest(tmp_path):
    write(tmp_path, GOOD)
    with pytest.raises(EvaltoolkitError, match=r'Did you mean "evaluation\.toml"'):
        load_plan(tmp_path / "evalution.toml")


def test_other_encoding_is_told(tmp_path):
    path = write(tmp_path, "")
    path.write_bytes("title = 'Évaluation'".encode("latin-1"))
    with pytest.raises(EvaltoolkitError, match="save it again as UTF-8"):
        load_plan(path)


def test_framework_must_know_the_outcomes_of_forms(worlds):
    framework = worlds["framework"]
    assert check_plan(worlds["plan"](), framework) == []
    faults = check_plan(worlds["plan"]({"indicator": "TRU-1"}), framework)
    assert faults == ['[[outcomes]] 1 indicator: "TRU-1" is not an indicator of livc-r. Did you mean "TRU-01"?']
    openly = worlds["plan"]({"indicator": "RGT-07", "role": "guardrail", "not_measurable": True})
    assert check_plan(openly, framework) == []
    own = worlds["plan"]({"indicator": "lemp"}, data={"panel": "own.csv", "treated_from": "first"})
    assert check_plan(own, framework) == []


def test_covariate_measure_is_no_outcome(worlds):
    framework = worlds["framework"].model_copy(update={"indicators": (worlds["indicator"](did="covariate"),)})
    assert "cannot be an outcome" in check_plan(worlds["plan"](), framework)[0]


def test_digest_is_about_content(tmp_path):
    plain = load_plan(write(tmp_path, GOOD))
    dressed = load_plan(
        write(tmp_path, "# a comment\n" + GOOD.replace("[estimation]", '[estimation]\nadjust = "dr"  # said'))
    )
    other = load_plan(write(tmp_path, GOOD.replace("0.05", "0.06")))
    assert plan_digest(plain) == plan_digest(dressed) != plan_digest(other)


def test_template_is_a_valid_plan(tmp_path):
    text = plan_template()
    (tmp_path / "store").mkdir()
    for name in ("roster.csv", "cells.csv"):
        (tmp_path / name).write_text("", encoding="utf-8")
    plan = load_plan(write(tmp_path, text))
    assert check_plan(plan, load_framework("livc-r")) == []
    assert {"primary", "guardrail"} <= {outcome.role for outcome in plan.outcomes}


def test_what_cannot_be_compared_is_no_outcome_unless_it_is_named_as_not_measurable(worlds):
    framework = worlds["framework"].model_copy(update={"indicators": (worlds["indicator"](did="no"),)})
    (fault,) = check_plan(worlds["plan"](), framework)
    assert "cannot be compared over time" in fault
    openly = worlds["plan"]({"indicator": "TRU-01", "role": "guardrail", "not_measurable": True})
    assert check_plan(openly, framework) == []
