"""What is timed of the peers: the same long table goes in, their own table of the same estimates comes out.

Every function says how the peer is asked for the workload; the columns that are compared are renamed, nothing else.
"""

# Imports are inside: every tool is timed in a process of its own and must not pay for the others.
import contextlib
import io
from collections.abc import Callable

import numpy as np
import pandas as pd


def _table(labels, estimate, std_error):
    return pd.DataFrame({"estimate": np.ravel(estimate), "std_error": np.ravel(std_error)}, index=labels)


def _renamed(frame, label, estimate="att"):
    return frame.rename(columns={estimate: "estimate", "se": "std_error"}).set_index(label)


def _fit_diff_diff(frame, estimator, **options):
    import diff_diff

    return getattr(diff_diff, estimator)(**options).fit(frame, "y", "unit", "year", "g")


def _diff_diff_events(frame, estimator, **options):
    found = _fit_diff_diff(frame, estimator, **options).aggregate("event_study").to_dataframe()
    return _renamed(found[~found["is_reference"]], "event_time")


def group_time_diff_diff(frame):
    return _diff_diff_events(frame, "CallawaySantAnna")


def doubly_robust_diff_diff(frame):
    import diff_diff

    model = diff_diff.CallawaySantAnna(estimation_method="dr")
    found = model.fit(frame, "y", "unit", "year", "g", covariates=["x1", "x2"]).aggregate("event_study")
    return _renamed(found.to_dataframe(), "event_time")


def bootstrap_diff_diff(frame):
    return _diff_diff_events(frame, "CallawaySantAnna", n_bootstrap=999, bootstrap_weights="rademacher", seed=1)


def imputation_diff_diff(frame):
    return _diff_diff_events(frame, "ImputationDiD")


def two_stage_diff_diff(frame):
    return _diff_diff_events(frame, "TwoStageDiD")


def sun_abraham_diff_diff(frame):
    found = _fit_diff_diff(frame, "SunAbraham").to_dataframe("event_study")
    return _renamed(found, "relative_period", "effect")


def decomposition_diff_diff(frame):
    found = _fit_diff_diff(frame, "BaconDecomposition").to_dataframe()
    control = found["control_group"].replace("never_treated", np.inf).astype(float)
    labels = pd.MultiIndex.from_arrays([found["treated_group"].astype(float), control])
    return found.assign(std_error=np.nan).set_index(labels)


def synthetic_diff_diff(frame):
    import diff_diff

    ever = frame.assign(ever=(frame["g"] > 0).astype(int))
    after = np.unique(frame["year"][frame["treated"] > 0]).tolist()
    model = diff_diff.SyntheticDiD(variance_method="placebo", n_bootstrap=50, seed=1)
    found = model.fit(ever, "y", "ever", "unit", "year", post_periods=after)
    return _table(["overall"], found.att, found.se)


def _csdid(frame, formula, *, bootstrap):
    from csdid.att_gt import ATTgt

    # it prints its table, and has no way to be asked not to
    with contextlib.redirect_stdout(io.StringIO()):
        model = ATTgt(
            "y",
            "year",
            "unit",
            "g",
            frame,
            control_group=["nevertreated"],
            xformla=formula,
            biters=999,
            cband=bootstrap,
        )
        found = model.fit("dr", bstrap=bootstrap).aggte("dynamic", bstrap=bootstrap, cband=bootstrap).atte
    return _table(found["egt"], found["att_egt"], found["se_egt"])


def group_time_csdid(frame):
    return _csdid(frame, "y ~ 1", bootstrap=False)


def doubly_robust_csdid(frame):
    return _csdid(frame, "y ~ x1 + x2", bootstrap=False)


def bootstrap_csdid(frame):
    return _csdid(frame, "y ~ 1", bootstrap=True)


def two_way_pyfixest(frame):
    import pyfixest

    found = pyfixest.feols("y ~ treated | unit + year", frame, vcov={"CRV1": "unit"}).tidy()
    return found.rename(columns={"Estimate": "estimate", "Std. Error": "std_error"})


def two_way_linearmodels(frame):
    from linearmodels import PanelOLS

    indexed = frame.set_index(["unit", "year"])
    model = PanelOLS(indexed["y"], indexed[["treated"]], entity_effects=True, time_effects=True)
    found = model.fit(cov_type="clustered", cluster_entity=True)
    return _table(["treated"], found.params, found.std_errors)


def sun_abraham_pyfixest(frame):
    import pyfixest

    found = pyfixest.event_study(frame, "y", "unit", "year", "g", estimator="saturated").aggregate()
    return _table(found.index.astype(float), found["Estimate"].astype(float), found["Std. Error"].astype(float))


def two_stage_pyfixest(frame):
    import pyfixest

    since = frame.assign(since=np.where(frame["treated"] > 0, frame["year"] - frame["g"], -99.0))
    found = pyfixest.did2s(since, "y", "~0 | unit + year", "~i(since, ref=-99.0)", "treated", "unit").tidy()
    labels = [float(name.split("::")[1]) for name in found.index]
    return _table(labels, found["Estimate"], found["Std. Error"])


RUNS: dict[str, dict[str, Callable[[pd.DataFrame], pd.DataFrame]]] = {
    "group_time": {"diff-diff": group_time_diff_diff, "csdid": group_time_csdid},
    "doubly_robust": {"diff-diff": doubly_robust_diff_diff, "csdid": doubly_robust_csdid},
    "bootstrap": {"diff-diff": bootstrap_diff_diff, "csdid": bootstrap_csdid},
    "two_way": {"pyfixest": two_way_pyfixest, "linearmodels": two_way_linearmodels},
    "sun_abraham": {"diff-diff": sun_abraham_diff_diff, "pyfixest": sun_abraham_pyfixest},
    "imputation": {"diff-diff": imputation_diff_diff},
    "two_stage": {"diff-diff": two_stage_diff_diff, "pyfixest": two_stage_pyfixest},
    "decomposition": {"diff-diff": decomposition_diff_diff},
    "synthetic": {"diff-diff": synthetic_diff_diff},
}
MODULES = {"diff-diff": "diff_diff", "csdid": "csdid.att_gt", "pyfixest": "pyfixest", "linearmodels": "linearmodels"}
