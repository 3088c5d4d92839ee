"""The golden panels under many designs, re-estimated by every independent package: what agrees, what differs and why.

``make audit`` runs it with the packages of the extra ``bench`` and stores ``audit.csv`` beside this file: for every
design, engine, method, quantity, verdict and explanation the number of figures, the largest difference relative to the
estimate or its standard error, and one figure as an example.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from evaltoolkit.audit.audit import audit_design
from evaltoolkit.designs.table import design_from_table

PANELS = Path(__file__).resolve().parents[1] / "golden" / "r"
STORED = Path(__file__).with_name("audit.csv")
KEYS = ["design", "engine", "version", "method", "quantity", "verdict", "explanation"]


def read_panel(name):
    table = pd.read_csv(PANELS / f"{name}.csv")
    if name == "A6_block":
        start = table[table["d"] == 1].groupby("unit")["year"].min()
        table["g"] = table["unit"].map(start).fillna(0)
    # nothing in these columns is about the outcome
    return table.assign(
        w=1 + table["unit"] % 3,
        z=np.sin(table["year"] * table["unit"]),
        share=1 / (1 + np.exp(-table["y"])),
        amount=1 + (table["unit"] * 37 % 11) / 3 + table["unit"] / 1000,
    )


def make(name, keep=None, outcome="y", **options):
    table = read_panel(name)
    if keep is not None:
        table = table[table["g"].isin(keep)]
    if "dose" in options:
        table["amount"] = table["amount"] * (table["g"] > 0)
    options = {"unit": "unit", "period": "year"} | options
    if "treatment" not in options:
        options |= {"treated_from": "g", "never": 0}
    return design_from_table(table, outcome, **options)


STAGGERED, GAPS, COUNTS = "A1_staggered_balanced", "A2_staggered_unbalanced", "A3_counts"
REVERSALS, FEW, BLOCK = "A4_non_absorbing", "A5_few_treated", "A6_block"
NYT = {"comparison": "not_yet_treated"}
SLOPES = {"assume": "strong_parallel_trends"}
# design -> (how it is made, methods with options; None for all that fit)
DESIGNS = {
    "staggered": (lambda: make(STAGGERED), None),
    "staggered, not yet treated": (lambda: make(STAGGERED, **NYT), None),
    "staggered, universal base": (lambda: make(STAGGERED, **NYT), {"group_time": {"base": "universal"}}),
    "staggered, event study": (lambda: make(STAGGERED), {"two_way": {"form": "event"}}),
    "staggered, Gardner": (lambda: make(STAGGERED), {"imputation": {"se": "gardner"}}),
    "covariates, doubly robust": (lambda: make(STAGGERED, covariates=["x1", "x2"]), None),
    "covariates, weighting": (lambda: make(STAGGERED, covariates=["x1", "x2"]), {"group_time": {"adjust": "ipw"}}),
    "covariates, regression": (lambda: make(STAGGERED, covariates=["x1", "x2"]), {"group_time": {"adjust": "reg"}}),
    "clusters": (lambda: make(STAGGERED, cluster="zone"), None),
    "clusters and covariate": (lambda: make(STAGGERED, cluster="zone", covariates=["x1"]), {"group_time": {}}),
    "periods by cluster": (lambda: make(STAGGERED, cluster="zone"), {"two_way": {"effects": "cluster_period"}}),
    "weights": (lambda: make(STAGGERED, weights="w"), None),
    "anticipation": (lambda: make(STAGGERED, anticipation=1), None),
    "anticipation, not yet treated": (lambda: make(STAGGERED, anticipation=1, **NYT), None),
    "nobody untreated": (lambda: make(STAGGERED, keep=[2015, 2016, 2018], **NYT), None),
    "gaps": (lambda: make(GAPS), None),
    "gaps, not yet treated": (lambda: make(GAPS, **NYT), None),
    "gaps, covariate": (lambda: make(GAPS, covariates=["x1"]), None),
    "gaps, control": (lambda: make(GAPS, controls=["z"]), None),
    "gaps, weights": (lambda: make(GAPS, weights="w"), None),
    "gaps, everything, event study": (
        lambda: make(GAPS, covariates=["x1"], controls=["z"], weights="w", cluster="zone"),
        {"two_way": {"form": "event"}, "sun_abraham": {}},
    ),
    "counts": (lambda: make(COUNTS), {"extended_two_way": {"family": "poisson"}}),
    "counts, not yet treated": (lambda: make(COUNTS, **NYT), {"extended_two_way": {"family": "poisson"}}),
    "counts per inhabitant": (lambda: make(COUNTS, exposure="pop"), {"extended_two_way": {"family": "poisson"}}),
    "shares": (lambda: make(STAGGERED, outcome="share", **NYT), {"extended_two_way": {"family": "logit"}}),
    "treatment that stops": (lambda: make(REVERSALS, treatment="d", **NYT), None),
    "few treated": (lambda: make(FEW), None),
    "one treated": (lambda: make(BLOCK), None),
    "dose, line": (lambda: make(STAGGERED, keep=[0, 2016], dose="amount"), {"dose": SLOPES}),
}


def run_design(name):
    """Audit one design with the engines that are installed; every figure is a row."""
    build, methods = DESIGNS[name]
    return audit_design(build(), methods).rows.assign(design=name)


def condense(rows):
    """Return one row for all figures with the same verdict and explanation."""
    rows = rows.fillna({"quantity": "", "explanation": ""})
    grouped = rows.assign(size=rows["relative"].abs()).groupby(KEYS, sort=False)
    out = grouped.agg(
        figures=("label", "size"), largest=("size", "max"), label=("label", "first"), ours=("ours", "first"),
        theirs=("theirs", "first"), detail=("detail", "first"),
    )  # fmt: skip
    return out.reset_index()


def run_study():
    condensed = []
    for name in DESIGNS:
        condensed.append(condense(run_design(name)))
        counts = condensed[-1].groupby("verdict")["figures"].sum()
        print(f"{name}: " + ", ".join(f"{count} {verdict}" for verdict, count in counts.items()))
    pd.concat(condensed).to_csv(STORED, index=False, float_format="%.10g", lineterminator="\n")


if __name__ == "__main__":
    run_study()
