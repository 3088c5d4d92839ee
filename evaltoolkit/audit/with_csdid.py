"""csdid: group-time effects of Callaway and Sant'Anna in Python, after R's did."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np

from evaltoolkit.audit.engine import Engine, Task
from evaltoolkit.audit.question import Question
from evaltoolkit.audit.rows import OVERALL, Figure, Pair, Way, aggregates, cell_rows, compare

_COMPARISON = {"never_treated": "nevertreated", "not_yet_treated": "notyettreated"}


def _group_time(question: Question, package: Any) -> list[Figure]:
    gaps = "gaps" in question.features
    model = package.ATTgt(
        yname="y",
        tname="period",
        idname="unit",
        gname="first",
        data=question.table.copy(),
        control_group=[_COMPARISON[question.design.comparison]],
        xformla="y ~ " + (" + ".join(question.covariates) or "1"),
        panel=True,
        allow_unbalanced_panel=gaps,
        weights_name="weight" if "weights" in question.features else None,
        anticipation=question.design.anticipation,
    ).fit(est_method=question.option("adjust"), base_period=question.option("base"), bstrap=False)
    found = model.results
    keys = zip(found["group"], found["year"], strict=True)
    cells: dict[Hashable, Pair] = {
        (int(g), int(t)): (float(att), float(se))
        for (g, t), att, se in zip(keys, found["att"], found["se"], strict=True)
    }
    event = model.aggte("dynamic", bstrap=False, cband=False, na_rm=True).atte
    simple = model.aggte("simple", bstrap=False, cband=False, na_rm=True).atte
    events: dict[Hashable, Pair] = {
        float(e): (float(att), float(se))
        for e, att, se in zip(event["egt"], np.ravel(event["att_egt"]), np.ravel(event["se_egt"]), strict=True)
    }
    overall: dict[Hashable, Pair] = {
        OVERALL[0]: (float(np.ravel(simple["overall_att"])[0]), float(np.ravel(simple["overall_se"])[0]))
    }
    effects = question.effects
    other = question.again(missing="repeated_cross_sections") if gaps else None
    no_error = "no_clusters" if question.clustered else ""
    figures = []
    for ours, theirs, under in (
        (cell_rows(question), cells, cell_rows(question, other)),
        *zip(aggregates(effects), (events, overall), aggregates(other or effects), strict=True),
    ):
        ways = (Way("gaps_as_cross_sections", under),) if gaps else ()
        figures += compare(question, ours, theirs, ways, no_error=no_error)
    return figures


ENGINE = Engine(
    name="csdid",
    module="csdid",
    loads="csdid.att_gt",
    tasks={
        "group_time": Task(
            _group_time, frozenset({"covariates", "weights", "gaps", "no_never_treated", "anticipation"})
        ),
    },
)
