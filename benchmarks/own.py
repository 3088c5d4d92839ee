"""What is timed of evaltoolkit: a long table goes in, the table that a user reads comes out."""

from collections.abc import Callable

import pandas as pd

from evaltoolkit.designs.table import design_from_table
from evaltoolkit.effects.bootstrap import multiplier_bootstrap
from evaltoolkit.estimators.registry import estimate


def _design(frame, **options):
    return design_from_table(frame, "y", unit="unit", period="year", treated_from="g", never=0, **options)


def _events(effects):
    return effects.aggregate("event").to_frame().set_index("event_time")


def run_group_time(frame):
    return _events(estimate(_design(frame), "group_time"))


def run_doubly_robust(frame):
    return _events(estimate(_design(frame, covariates=["x1", "x2"]), "group_time", adjust="dr"))


def run_bootstrap(frame):
    events = estimate(_design(frame), "group_time").aggregate("event")
    drawn = multiplier_bootstrap(events, draws=999)
    table = events.to_frame().set_index("event_time")
    width = drawn.critical * table["std_error"]
    return table.assign(
        std_error=drawn.std_error, band_low=table["estimate"] - width, band_high=table["estimate"] + width
    )


def run_two_way(frame):
    return estimate(_design(frame), "two_way").to_frame().set_index("name")


def run_sun_abraham(frame):
    return _events(estimate(_design(frame), "sun_abraham"))


def run_imputation(frame):
    return _events(estimate(_design(frame), "imputation"))


def run_two_stage(frame):
    return _events(estimate(_design(frame), "imputation", se="gardner"))


def run_decomposition(frame):
    from evaltoolkit.estimators.decomposition import decompose_two_way

    return decompose_two_way(_design(frame)).comparisons.set_index(["treated", "comparison"])


def run_synthetic(frame):
    return _placebos(frame, "exact")


def run_synthetic_steps(frame):
    return _placebos(frame, "synthdid")


def _placebos(frame, solver):
    from evaltoolkit.estimators.synthetic_inference import placebo_effects

    found = placebo_effects(_design(frame), draws=50, solver=solver)
    return pd.DataFrame({"estimate": [found.estimate], "std_error": [found.std_error]}, index=["overall"])


RUNS: dict[str, dict[str, Callable[[pd.DataFrame], pd.DataFrame]]] = {
    "group_time": {"evaltoolkit": run_group_time},
    "doubly_robust": {"evaltoolkit": run_doubly_robust},
    "bootstrap": {"evaltoolkit": run_bootstrap},
    "two_way": {"evaltoolkit": run_two_way},
    "sun_abraham": {"evaltoolkit": run_sun_abraham},
    "imputation": {"evaltoolkit": run_imputation},
    "two_stage": {"evaltoolkit": run_two_stage},
    "decomposition": {"evaltoolkit": run_decomposition},
    "synthetic": {"evaltoolkit": run_synthetic, "evaltoolkit (steps)": run_synthetic_steps},
}
