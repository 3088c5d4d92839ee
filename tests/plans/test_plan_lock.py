"""Locks: same content, same digests, anywhere; every change named; stamps that cannot be talked up."""

import datetime as dt
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.plans.lock import compare_lock, lock_path, lock_plan, read_locks

PLAN = """
title = "Coaching"
question = "Did coaching raise trust?"
[data]
store = "store"
roster = "roster.csv"
[treatment]
action = "coaching"
assignment = "voluntary"
decided_by = "council"
why_then = "places were free"
[[outcomes]]
indicator = "TRU-01"
role = "primary"
smallest_relevant = 0.05
[[outcomes]]
indicator = "TRU-02"
role = "guardrail"
margin = 0.03
[estimation]
adjust = "dr"
"""
DAY = dt.date(2026, 1, 15)


class Study:
    """A plan on disk, with its panel and treatment."""

    def __init__(self, folder, worlds):
        self.path, self.framework = folder / "evaluation.toml", worlds["framework"]
        (folder / "store").mkdir(parents=True)
        (folder / "roster.csv").write_text("", encoding="utf-8")
        self.path.write_text(PLAN, encoding="utf-8")
        self.panel, design = worlds["world"](n_never=12, cohorts=(2022,), size=12)
        self.panel.data["TRU-02"] = self.panel.data["TRU-01"] / 3
        self.cohorts = worlds["cohorts_of"](design)

    @property
    def what(self):
        return {"framework": self.framework, "panel": self.panel, "cohorts": self.cohorts}

    def lock(self, today=DAY):
        return lock_plan(self.path, today=today, **self.what)

    def compare(self):
        return compare_lock(self.path, **self.what)

    def edit(self, old, new):
        text = self.path.read_text(encoding="utf-8")
        assert old in text
        self.path.write_text(text.replace(old, new, 1), encoding="utf-8")

    def hide_from(self, year):
        later = self.panel.data.index.get_level_values(1).astype(int) >= year
        self.panel.data.loc[later] = np.nan


@pytest.fixture
def study(tmp_path, worlds):
    return Study(tmp_path / "study", worlds)


@pytest.fixture
def early(study):
    """Locked before anything after the start was collected."""
    study.hide_from(2022)
    study.lock()
    return study


def codes(comparison):
    return [code for code, _ in comparison.deviations]


def test_unlocked_is_exploratory(study):
    seen = study.compare()
    assert seen.locked_on == ""
    assert codes(seen) == ["deviation.not_locked"]
    assert seen.stamp("TRU-01") == "exploratory"


def test_unchanged_is_confirmatory(early):
    seen = early.compare()
    assert seen.locked_on == "2026-01-15"
    assert seen.deviations == ()
    assert seen.stamp("TRU-01") == seen.stamp("TRU-02") == "confirmatory"
    assert seen.stamp("TRU-99") == "exploratory"


def test_later_values_change_nothing(early, worlds):
    full, _ = worlds["world"](n_never=12, cohorts=(2022,), size=12)
    early.panel.data["TRU-01"] = full.data["TRU-01"]
    assert early.compare().deviations == ()


def test_units_treated_all_along_do_not_hide_the_years_before(study):
    first = study.panel.times[0]
    always, other = list(study.cohorts)[:2]
    study.cohorts[always] = first
    study.hide_from(2022)
    lock = study.lock()
    assert lock.post_periods_seen == 0
    study.panel.data.loc[(other, "2020"), "TRU-01"] += 0.01
    assert codes(study.compare()) == ["deviation.data_changed"]


def test_other_words_for_the_same_promise_leave_the_stamps(study):
    extra = '[overrides]\nTRU-02 = "asked"\n[translations.fr]\ntitle = "A"\nquestion = "B"\n[estimation]'
    study.edit("[estimation]", extra)
    study.hide_from(2022)
    study.lock()
    study.edit('"asked"', '"asked by the council"')
    study.edit('"B"', '"C"')
    seen = study.compare()
    assert codes(seen) == ["deviation.text_changed"] * 2
    assert {facts["field"] for _, facts in seen.deviations} == {"overrides.TRU-02", "translations.fr.question"}
    assert seen.stamp("TRU-01") == seen.stamp("TRU-02") == "confirmatory"


@pytest.mark.parametrize(
    ("old", "new", "expected", "stamps"),
    [
        ('adjust = "dr"', 'adjust = "reg"', ("field_changed", "estimation.adjust", "dr", "reg"), "dd"),
        ("0.05", "0.02", ("field_changed", "TRU-01 smallest_relevant", "0.05", "0.02"), "dc"),
        ('"voluntary"', '"randomised"', ("field_changed", "treatment.assignment", "voluntary", "randomised"), "dd"),
        ('store = "store"', 'csv = ["roster.csv"]', ("field_changed", "data.csv", "–", "roster.csv"), "cc"),
        ("raise trust", "raise hopes", ("text_changed", "question"), "cc"),
        ('title = "Coaching"', 'title = "Other"', None, "cc"),
        ("[estimation]", '[overrides]\nTRU-02 = "council asks"\n[estimation]', ("override_changed", "TRU-02"), "cd"),
    ],
)
def test_each_changed_field_is_named_and_touches_its_outcomes(early, old, new, expected, stamps):
    early.edit(old, new)
    seen = early.compare()
    named = [
        (code.removeprefix("deviation."), *[v for k, v in f.items() if k != "locked_on"]) for code, f in seen.deviations
    ]
    assert expected in named if expected else not named
    assert all(facts["locked_on"] == "2026-01-15" for _, facts in seen.deviations)
    assert "".join(seen.stamp(name)[0] for name in ("TRU-01", "TRU-02")) == stamps


def test_order_of_outcomes_is_no_change(early):
    head, first, second = PLAN.split("[[outcomes]]")
    second, tail = second.split("[estimation]")
    early.path.write_text(f"{head}[[outcomes]]{second}[[outcomes]]{first}[estimation]{tail}", encoding="utf-8")
    assert early.compare().deviations == ()


def test_outcome_added_later_is_exploratory_and_dropped_is_told(early):
    early.edit('indicator = "TRU-02"', 'indicator = "HAR-01"')
    seen = early.compare()
    assert set(codes(seen)) >= {"deviation.outcome_added", "deviation.outcome_removed"}
    assert seen.stamp("HAR-01") == "exploratory"
    assert seen.stamp("TRU-01") == "confirmatory"


def test_changed_definition_touches_its_outcome(early, worlds):
    first, *others = early.framework.indicators
    reworded = first.model_copy(update={"wording": 2})
    early.framework = early.framework.model_copy(update={"indicators": (reworded, *others)})
    seen = early.compare()
    assert seen.deviations == (("deviation.framework_changed", {"locked_on": "2026-01-15", "indicator": "TRU-01"}),)
    assert [seen.stamp(name) for name in ("TRU-01", "TRU-02")] == ["deviation", "confirmatory"]


def test_definition_that_is_not_used_does_not_count(early):
    *others, last = early.framework.indicators
    other = last.model_copy(update={"wording": 9})
    early.framework = early.framework.model_copy(update={"indicators": (*others, other)})
    assert early.compare().deviations == ()


def test_changed_past_touches_its_outcome(early):
    early.panel.data.loc[("11000", "2020"), "TRU-02"] += 1e-6
    seen = early.compare()
    assert codes(seen) == ["deviation.data_changed"]
    assert [seen.stamp(name) for name in ("TRU-01", "TRU-02")] == ["confirmatory", "deviation"]


def test_noise_below_ten_digits_is_no_change(early):
    early.panel.data["TRU-01"] *= 1 + 1e-15
    early.panel.data["TRU-02"] *= 1 - 1e-15
    assert early.compare().deviations == ()


def test_a_period_before_the_start_that_is_collected_later_breaks_no_promise(study, worlds):
    study.hide_from(2021)
    study.lock()
    full, _ = worlds["world"](n_never=12, cohorts=(2022,), size=12)
    study.panel.data["TRU-01"] = full.data["TRU-01"]
    assert study.compare().deviations == ()
    assert study.compare().stamp("TRU-01") == "confirmatory"


def test_an_older_lock_knows_the_periods_only_together(study, worlds):
    study.hide_from(2021)
    study.lock()
    place = lock_path(study.path)
    content = json.loads(place.read_text(encoding="utf-8"))
    del content["locks"][0]["by_period"]
    place.write_text(json.dumps(content), encoding="utf-8")
    assert study.compare().deviations == ()
    study.panel.data.loc[("11000", "2021"), "TRU-01"] = 0.4
    assert codes(study.compare()) == ["deviation.data_changed"]


def test_values_that_vanished(early):
    del early.panel.data["TRU-02"]
    seen = early.compare()
    assert codes(seen) == ["deviation.data_gone"]
    assert seen.stamp("TRU-02") == "deviation"


def test_changed_covariate_touches_everything(study):
    study.edit('adjust = "dr"', 'covariates = ["log(TRU-02)"]')
    study.edit('indicator = "TRU-02"', 'indicator = "HAR-01"')
    study.hide_from(2022)
    study.lock()
    study.panel.data.loc[("11000", "2020"), "TRU-02"] += 1
    seen = study.compare()
    assert codes(seen) == ["deviation.data_changed"]
    assert seen.stamp("TRU-01") == seen.stamp("HAR-01") == "deviation"


def test_changed_roster_touches_everything(early):
    early.cohorts["11000"] = 2024.0
    seen = early.compare()
    assert codes(seen) == ["deviation.roster_changed"]
    assert seen.stamp("TRU-01") == seen.stamp("TRU-02") == "deviation"


def test_lock_edited_by_hand(early):
    place = lock_path(early.path)
    content = json.loads(place.read_text(encoding="utf-8"))
    content["locks"][0]["plan"]["outcomes"]["TRU-01"]["smallest_relevant"] = 0.01
    place.write_text(json.dumps(content), encoding="utf-8")
    seen = early.compare()
    assert "deviation.lock_edited" in codes(seen)
    assert seen.stamp("TRU-01") == "deviation"


def test_broken_lock_is_told(early):
    lock_path(early.path).write_text("{", encoding="utf-8")
    with pytest.raises(EvaltoolkitError, match="is not a lock file"):
        early.compare()


def test_locking_again_before_the_results_counts(early):
    early.edit("0.05", "0.04")
    early.lock(dt.date(2026, 3, 1))
    assert [lock.locked_on for lock in read_locks(early.path)] == ["2026-01-15", "2026-03-01"]
    seen = early.compare()
    assert seen.locked_on == "2026-03-01"
    assert seen.stamp("TRU-01") == "confirmatory"
    assert codes(seen) == ["deviation.relocked"]


def test_locking_again_after_the_results_does_not_count(early, worlds):
    full, _ = worlds["world"](n_never=12, cohorts=(2022,), size=12)
    early.panel.data["TRU-01"] = full.data["TRU-01"]
    early.edit("0.05", "0.01")
    early.lock(dt.date(2026, 9, 1))
    seen = early.compare()
    assert seen.locked_on == "2026-01-15"
    assert seen.stamp("TRU-01") == "deviation"
    assert dict(seen.deviations)["deviation.relocked"] == {"locked_on": "2026-01-15", "n": 1, "last": "2026-09-01"}


def test_a_late_lock_says_so(study):
    lock = study.lock()
    assert lock.post_periods_seen == 3
    seen = study.compare()
    assert seen.deviations == (("deviation.locked_after_data", {"locked_on": "2026-01-15", "n": 3}),)
    # whoever could look first has confirmed nothing
    assert seen.stamp("TRU-01") == "exploratory"


def test_a_lock_is_late_for_the_outcomes_that_were_there(study):
    measures = study.panel.data.columns
    after = study.panel.data.index.get_level_values(1) >= "2022"
    object.__setattr__(
        study.panel, "data", study.panel.data.assign(**{"TRU-01": study.panel.data["TRU-01"].mask(after)})
    )
    assert study.lock().outcomes_seen == ("TRU-02",)
    assert study.compare().stamp("TRU-01") == "confirmatory"
    assert study.compare().stamp("TRU-02") == "exploratory"
    assert list(study.panel.data.columns) == list(measures)


def test_an_older_lock_that_was_late_is_late_for_every_outcome(study):
    study.lock()
    place = lock_path(study.path)
    content = json.loads(place.read_text(encoding="utf-8"))
    del content["locks"][0]["outcomes_seen"]
    place.write_text(json.dumps(content), encoding="utf-8")
    assert {study.compare().stamp(name) for name in ("TRU-01", "TRU-02")} == {"exploratory"}


SCRIPT = """
import sys, datetime as dt
from pathlib import Path
import numpy as np
sys.path.insert(0, {room!r})
import conftest, test_plan_lock as t
worlds = {{"world": conftest.make_world, "cohorts_of": conftest.cohorts_of, "framework": {framework}}}
study = t.Study(Path("elsewhere").resolve(), worlds)
order = np.random.default_rng(5).permutation(len(study.panel.data))
object.__setattr__(study.panel, "data", study.panel.data.iloc[order][["TRU-02", "TRU-01"]])
study.cohorts = dict(reversed(study.cohorts.items()))
study.path.write_text("# a remark\\r\\n" + t.PLAN.replace("\\n", "\\r\\n"), encoding="utf-8", newline="")
lock = study.lock()
print(lock.plan_digest, lock.framework_digest, lock.data_digest, lock.treatment_digest)
"""


def test_digests_are_equal_on_another_machine(study, tmp_path):
    framework = (
        "conftest.Framework(name='livc-r', version='1', indicators=(conftest.recorded_indicator(), "
        "conftest.make_indicator(id='TRU-02'), conftest.make_indicator()))"
    )
    away = tmp_path / "a far place"
    away.mkdir()
    root = Path(__file__).resolve().parents[2]
    environment = os.environ | {"LC_ALL": "C", "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "PYTHONPATH": str(root)}
    script = SCRIPT.format(room=str(Path(__file__).parent), framework=framework)
    told = subprocess.run(
        [sys.executable, "-c", script], cwd=away, env=environment, capture_output=True, text=True, check=True
    )
    lock = study.lock()
    here = [lock.plan_digest, lock.framework_digest, lock.data_digest, lock.treatment_digest]
    assert told.stdout.split() == here
    assert len(set(here)) == 4
