"""Below the threshold there is no normal p-value and no normal interval: in no object, no table and no page."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "evaluations"))
from headline_worlds import evaluate, own_table, starts_of

from evaltoolkit.designs.design import Design
from evaltoolkit.effects.inference import (
    FEW_EFFECTIVE,
    FEW_TREATED,
    SMALL_COHORTS,
    std_errors,
)
from evaltoolkit.estimators.registry import estimate, list_estimators
from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.i18n import LANGUAGES
from evaltoolkit.reports.pages import write_report
from evaltoolkit.reports.tables import write_results

TIMES = np.arange(2015.0, 2024.0)
NUMBERS = ["conf_low", "conf_high", "p_value"]


def make_design(treated, starts, *, never=40, weight=1.0, name=""):
    cohort = np.concatenate([np.full(never, np.inf), *[np.full(k, s) for k, s in zip(treated, starts, strict=True)]])
    n = len(cohort)
    weights = np.where(np.arange(n) == n - 1, weight, 1.0)
    units = np.array([f"{i:03d}" for i in range(n)])
    needs = list_estimators()[name].needs if name else frozenset()
    outcome = np.random.default_rng(3).uniform(0.2, 0.8, (n, len(TIMES)))
    return Design(
        units=units, times=TIMES, outcome=outcome, cohort=cohort, covariates=np.empty((n, 0)), covariate_names=(),
        weights=weights / weights.mean(), clusters=units,
        dose=np.where(np.isfinite(cohort), 1 + np.arange(n) % 5, 0.0) if "dose" in needs else None,
    )  # fmt: skip


def every_table(effects):
    """An estimate, everything that is aggregated from it, and their summaries."""
    found = [effects]
    if effects.kind == "group_time":
        found += [effects.aggregate(to) for to in ("overall", "event", "cohort", "calendar")]
    return found + [one.overall for one in found if one.overall is not None]


WORLDS = {
    "nine": (((9,), (2019.0,)), FEW_TREATED),
    "one": (((1,), (2019.0,)), ""),
    "six cohorts of two": (((2,) * 6, tuple(np.arange(2017.0, 2023.0))), SMALL_COHORTS),
}


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("name", list_estimators())
def test_no_estimate_below_the_threshold_has_a_normal_p_value(name, world):
    (treated, starts), reason = WORLDS[world]
    try:
        effects = estimate(make_design(treated, starts, name=name), name)
    except EvaltoolkitError:
        # one treated unit has one dose: what is refused has no p-value either
        assert (name, world) == ("dose", "one")
        return
    for one in every_table(effects):
        table = one.to_frame()
        assert table[NUMBERS].isna().to_numpy().all()
        assert (table["reason"] != "").all()
        assert one.to_frame(band="simultaneous")[NUMBERS].isna().to_numpy().all()
    whole = every_table(effects)[-1].to_frame()
    if reason and np.isfinite(whole["std_error"]).all():
        assert reason in set(whole["reason"]) | {FEW_TREATED}


@pytest.mark.parametrize("name", [name for name, one in list_estimators().items() if "weights" in one.accepts])
def test_one_that_weighs_as_much_as_all_others_does_not_make_ten(name):
    design = make_design((14,), (2019.0,), weight=30.0, name=name)
    effects = estimate(design, name)
    whole = effects if effects.kind == "coefficient" else effects.aggregate("overall")
    row = whole.to_frame().iloc[0]
    assert row["reason"] == FEW_EFFECTIVE
    assert row[NUMBERS].isna().all()
    assert std_errors(whole)[0] > 0
    alike = estimate(make_design((14,), (2019.0,), name=name), name)
    alike = alike if alike.kind == "coefficient" else alike.aggregate("overall")
    assert alike.to_frame()["reason"].iloc[0] == ""


def normal_interval(result, digits):
    """The interval that a normal test would have, as a report would write it: two ends close together."""
    overall, width = result.overall, 1.96 * std_errors(result.overall)[0]
    low, high = (f"{abs(overall.estimate[0] + side * width):.{digits}f}" for side in (-1, 1))
    return rf"(?<![\d.]){re.escape(low)}\D{{1,12}}{re.escape(high)}(?!\d)"


@pytest.mark.parametrize("world", ["five", "six cohorts of two"])
def test_no_page_and_no_file_of_a_small_study_has_one(world, tmp_path):
    starts = starts_of(5, 60)
    if world != "five":
        starts = starts_of(12, 60) | {f"u{place:03d}": 2019 + place // 2 for place in range(12)}
    evaluation = evaluate(tmp_path, own_table(starts))
    result = evaluation.outcomes[0]
    written = write_results(evaluation, tmp_path / "out", formats=("json", "xlsx"))
    rows = json.loads(written[0].read_text(encoding="utf-8"))["outcomes"][0]["estimates"]
    assert {row["kind"] for row in rows} >= {"overall", "event", "headline"}
    for row in rows:
        held = [row[name] for name in ("conf_low", "conf_high", "band_low", "band_high", "p_value")]
        assert any(one is not None for one in held) == (row["kind"] == "headline")
    assert [row["kind"] for row in read_book(written[1]) if row["p_value"]] == ["headline"]
    for language in LANGUAGES:
        page = write_report(evaluation, tmp_path / language, language=language)
        text = re.sub(r"<[^>]+>", " ", Path(page).read_text(encoding="utf-8")).replace(",", ".").replace("−", "-")
        assert not any(re.search(normal_interval(result, digits), text) for digits in (2, 3))


def read_book(path):
    from python_calamine import CalamineWorkbook

    rows = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    head = next(place for place, row in enumerate(rows) if "p_value" in row)
    return [dict(zip(rows[head], row, strict=True)) for row in rows[head + 1 :]]
