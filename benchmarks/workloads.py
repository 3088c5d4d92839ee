"""What is compared: workloads, the sizes of their panels, how much faster than every peer the toolkit wants to be."""

from typing import NamedTuple

import panels

SMALL, MIDDLE, LARGE, HUGE = (300, 12), (581, 40), (10_000, 40), (100_000, 40)


class Case(NamedTuple):
    """Units and periods (and treated units, for a factor panel); goals: times as fast as any peer, megabytes."""

    size: tuple[int, ...]
    goal: float | None = None
    memory_goal: float | None = None


class Workload(NamedTuple):
    """A title that says what goes in and comes out, cases, and what a reader must know of the comparison."""

    title: str
    cases: tuple[Case, ...]
    notes: tuple[str, ...] = ()


WORKLOADS: dict[str, Workload] = {
    "group_time": Workload(
        "Group-time effects without covariates, analytic standard errors, event study",
        (Case(SMALL, 2), Case(LARGE, 10), Case(HUGE, 25)),
    ),
    "doubly_robust": Workload(
        "Group-time effects, two covariates, doubly robust, event study",
        (Case(SMALL, 4), Case(LARGE, 4), Case(HUGE, 10)),
        ("diff-diff divides by the number of treated units where the others use the sum of the odds weights.",),
    ),
    "bootstrap": Workload(
        "Group-time effects, event study with multiplier bootstrap (999) and simultaneous band",
        (Case(MIDDLE, 2.5), Case(LARGE, 2), Case(HUGE, 6)),
        ("Standard errors are drawn: they differ by the noise of 999 draws.",),
    ),
    "two_way": Workload(
        "Two-way fixed effects, one coefficient, clustered by unit, balanced panel",
        (Case(LARGE, 20),),
        ("Standard errors: ours CR0, pyfixest and linearmodels with small-sample factors of their own.",),
    ),
    "sun_abraham": Workload(
        "Interaction-weighted effects of Sun and Abraham, event study",
        (Case(LARGE, 100, 300),),
        ("Standard errors: ours CR0, the peers with small-sample factors of their own.",),
    ),
    "imputation": Workload(
        "Imputation (Borusyak, Jaravel and Spiess), event study",
        (Case(LARGE, 10),),
        ("Ours holds three leads of every cohort besides, which the peer is not asked for.",),
    ),
    "two_stage": Workload(
        "Two-stage (Gardner), event study",
        (Case(LARGE),),
        ("Ours holds three leads of every cohort besides, which the peers are not asked for.",),
    ),
    "decomposition": Workload("Goodman-Bacon decomposition, all two-by-two comparisons", (Case(LARGE, 100),)),
    "synthetic": Workload(
        "Synthetic difference-in-differences, overall effect, standard error from 50 placebos",
        (Case((39, 31, 1), 5), Case((300, 20, 30), 3)),
        (
            "Ours solves for the optimum, some 1e-4 from where the peer stops.",
            "The row (steps) is ours with the rule by which the peer stops, and held against it; it is not made fast.",
            "With one treated unit among 39 there are 38 placebos: ours takes each once, the peer draws 50.",
            "Standard errors rest on other draws of placebos.",
        ),
    ),
}


def make_panel(workload, size):
    if workload == "synthetic":
        return panels.make_factor(*size)
    return panels.make_staggered(*size)
