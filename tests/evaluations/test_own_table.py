"""What a plan says of an own table is looked for in the table, all of it, before anything is estimated."""

import pandas as pd
import pytest

from evaltoolkit.evaluations.inputs import load_inputs
from evaltoolkit.evaluations.run import lock
from evaltoolkit.findings import EvaltoolkitError, FaultsError

PLAN = """title = "t"
question = "q"
unit = "town"
{top}
[data]
panel = "own.csv"
treated_from = "first"
{data}
[treatment]
action = "a"
assignment = "voluntary"
decided_by = "council"
why_then = "w"
{treatment}
[[outcomes]]
indicator = "y"
role = "primary"
smallest_relevant = 1
{outcome}
[estimation]
{estimation}
"""


def write(folder, *, never="never", **parts):
    rows = [
        (f"u{place:02d}", year, "2021" if place < 12 else never, 10.0 * place, place % 3, float(place + year % 7))
        for place in range(30)
        for year in range(2017, 2024)
    ]
    table = pd.DataFrame(rows, columns=["unit", "period", "first", "people", "zone", "y"])
    table.to_csv(folder / "own.csv", index=False)
    filled = {"top": "", "data": "", "treatment": "", "outcome": "", "estimation": ""} | parts
    path = folder / "evaluation.toml"
    path.write_text(PLAN.format(**filled), encoding="utf-8")
    return path


def test_every_column_that_is_not_there_is_told_at_once(tmp_path):
    path = write(
        tmp_path,
        treatment='concurrent = ["other"]',
        outcome='respondents = "asked"\ncomposition = ["age"]\ndetection = "peple"',
        estimation='covariates = ["log(poeple)"]\nsizes = "people"\nweights = "w"\ncluster = "zonen"',
    )
    with pytest.raises(FaultsError) as told:
        load_inputs(path)
    assert [fault.partition(":")[0] for fault in told.value.faults] == [
        "[treatment] concurrent",
        "[estimation] covariates",
        "[estimation] weights",
        "[[outcomes]] 1 detection",
        "[[outcomes]] 1 respondents",
        "[[outcomes]] 1 composition",
        "[estimation] cluster",
    ]
    said = str(told.value)
    assert 'no column "poeple". Did you mean "people"?' in said
    assert 'no column "zonen" that stays the same for a unit. Did you mean "zone"?' in said
    assert 'no column "w". Columns there: ' in said


def test_what_is_there_is_no_fault(tmp_path):
    path = write(tmp_path, estimation='covariates = ["log(people)"]\nsizes = "people"\ncluster = "zone"')
    assert load_inputs(path).panel.measures == ["people", "zone", "y"]


def test_another_word_for_never_is_told_in_words_of_the_plan(tmp_path):
    with pytest.raises(FaultsError, match='\\[data\\] never: column "first" holds "nooit"') as told:
        lock(write(tmp_path, never="nooit"), today=pd.Timestamp("2024-01-01").date())
    assert 'write never = "nooit"' in str(told.value)
    assert load_inputs(write(tmp_path, never="nooit", data='never = "nooit"')).cohorts()["u29"] == float("inf")


def test_percentages_are_no_shares(tmp_path):
    with pytest.raises(FaultsError, match='say unit = "%"'):
        load_inputs(write(tmp_path, outcome='unit = "share"'))


def test_the_periods_of_the_plan_are_those_that_count(tmp_path):
    labels = ["2018", "2019", "2020", "2021", "2022"]
    path = write(tmp_path, top=f"periods = {labels}")
    inputs = load_inputs(path)
    assert [period.label for period in inputs.panel.periods] == labels
    assert inputs.design(inputs.plan.outcomes[0]).times.tolist() == [2018, 2019, 2020, 2021, 2022]
    with pytest.raises(FaultsError, match='periods: the table holds nothing for "2025"'):
        load_inputs(write(tmp_path, top='periods = ["2022", "2025"]'))


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("seed = 0,5", "Decimals have a point"),
        ("method = group_time", "Texts stand between quotation marks"),
        ("seed = 1\nseed = 2", "stands twice"),
    ],
)
def test_a_line_that_is_no_toml_comes_with_a_remedy(tmp_path, line, hint):
    with pytest.raises(EvaltoolkitError, match=hint):
        load_inputs(write(tmp_path, estimation=line))
