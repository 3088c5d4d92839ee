"""The theory of change as a chain of steps, for a page."""

from __future__ import annotations

from evaltoolkit.plans.plan import Plan
from evaltoolkit.reports.figures_shapes import draw_chain
from evaltoolkit.reports.grids import Grid
from evaltoolkit.reports.pictures import Picture, picture_of
from evaltoolkit.reports.prose import Prose


def theory_picture(plan: Plan, prose: Prose, *, name: str = "theory") -> Picture | None:
    """Return the steps from the action to the main outcomes as boxes; None where the plan has no steps.

    The boxes need no Graphviz. A causal graph is another figure (:mod:`evaltoolkit.reports.graph_figure`).
    """
    steps = plan.said_in(prose.language).theory_of_change
    if not steps:
        return None
    primary = [outcome.indicator for outcome in plan.outcomes if outcome.role == "primary"]
    # a name may hold a semicolon, which the list would take for a comma
    names = ";".join(prose.name(one).replace(";", ",") for one in primary or [plan.outcomes[0].indicator])
    boxes = (*steps, prose.say("report.theory.end", names=f"@list:{names}"))
    return picture_of(
        draw_chain(boxes),
        name=name,
        title=prose.say("report.theory.alt"),
        description=" → ".join(box.rstrip(".") for box in boxes),
        caption=prose.say("report.theory.caption"),
        grid=Grid(
            prose.say("report.plan.theory"),
            (prose.say("report.theory.number"), prose.say("report.theory.step")),
            tuple((prose.number(place), box) for place, box in enumerate(boxes, 1)),
            texts=2,
        ),
    )
