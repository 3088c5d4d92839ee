"""The pre-analysis plan on one page to print: what will be done, said before anything is known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from evaltoolkit.evaluations.inputs import framework_of
from evaltoolkit.framework.indicator import Framework, Indicator
from evaltoolkit.framework.scales import scale_of
from evaltoolkit.i18n import words
from evaltoolkit.plans.canonical import plan_digest
from evaltoolkit.plans.lock import Lock, lock_that_counts, read_locks
from evaltoolkit.plans.methods import dose_unit
from evaltoolkit.plans.plan import Estimation, Outcome, Plan
from evaltoolkit.plans.reading import PlanFile, read_plan
from evaltoolkit.plans.rules import feasibility_rules
from evaltoolkit.reports.pages import render_page
from evaltoolkit.reports.prose import Prose, names_of, own_names


@dataclass(frozen=True)
class OutcomeRow:
    """One outcome as the page shows it."""

    name: str
    role: str
    size: str
    detection: str


def write_plan_page(path: str | Path, out: str | Path | None = None, *, language: str = "") -> Path:
    """Write the pre-analysis plan as one self-contained HTML file, laid out to print on one A4 page.

    A plan with many outcomes or long sentences takes more pages; nothing is cut off.

    Parameters
    ----------
    path : path of the plan; whether and when it was locked is read from the lock beside it
    out : file to write; by default ``<plan>_<language>.html`` beside the plan
    language : {"nl", "fr", "de", "en"}; by default the plan's own

    Raises
    ------
    EvaltoolkitError
        The plan has faults, or the language is not offered.
    """
    file = read_plan(path)
    chosen = language or file.plan.language
    text = render_plan_page(file, framework_of(file), read_locks(file.path), chosen)
    place = Path(out) if out is not None else file.path.with_name(f"{file.path.stem}_{chosen}.html")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text, encoding="utf-8", newline="\n")
    return place


def render_plan_page(file: PlanFile, framework: Framework, locks: tuple[Lock, ...], language: str) -> str:
    """Return the page as HTML."""
    plan = file.plan
    said = plan.said_in(language)
    prose = Prose(words(language), names_of(framework.indicators, language) | own_names(plan, language))
    return render_page(
        "preanalysis.html.j2",
        prose,
        styles=("style.css", "preanalysis.css"),
        title=said.title,
        said=said,
        simulated=plan.data.simulated,
        compared=compared_sentences(plan, prose),
        source=plan.data.source,
        outcomes=[
            outcome_row(outcome, framework.by_id.get(outcome.indicator), prose, per=dose_unit(plan, outcome))
            for outcome in plan.outcomes
        ],
        estimation=estimation_sentences(plan, prose),
        stops=rule_phrases(plan, "stop", prose),
        adapts=rule_phrases(plan, "adapt", prose),
        overrides=_override_sentence(plan, prose),
        lock=lock_sentences(plan, locks, prose),
    )


def compared_sentences(plan: Plan, prose: Prose) -> tuple[str, ...]:
    """Say who is compared with whom, how it was decided and when the action counts as begun."""
    said, treatment = plan.said_in(prose.language), plan.treatment
    unit = f"preanalysis.unit.{plan.unit}"
    sentences = [
        prose.say("preanalysis.action", action=said.action),
        prose.say(f"preanalysis.compared.{plan.estimation.comparison}"),
        prose.say(unit) if prose.has(unit) else prose.say("preanalysis.unit", unit=plan.unit),
        prose.say("preanalysis.periods", periods=", ".join(plan.periods))
        if plan.periods
        else prose.say("preanalysis.periods.all"),
        prose.say(f"report.plan.assigned.{treatment.assignment}"),
        prose.say("report.plan.decided_by", who=said.decided_by),
        prose.say("report.plan.why_then", why=said.why_then),
        prose.say(f"preanalysis.spillover.{treatment.spillover}"),
    ]
    if plan.data.roster:
        sentences.append(prose.say(f"preanalysis.rule.{treatment.rule}"))
    if treatment.started_because_outcome_moved:
        sentences.append(prose.say("preanalysis.moved"))
    return tuple(sentences)


def outcome_row(outcome: Outcome, indicator: Indicator | None, prose: Prose, *, per: str = "") -> OutcomeRow:
    """Return an outcome with its role, what counts as relevant in the unit people know, and its detection range.

    ``per`` is what effects are counted per, where the plan asks about a dose.
    """
    return OutcomeRow(
        name=prose.name(outcome.indicator),
        role=prose.say(f"report.role.{outcome.role}"),
        size=_size(outcome, indicator, prose, per),
        detection=_detection(outcome, indicator, prose),
    )


def _size(outcome: Outcome, indicator: Indicator | None, prose: Prose, per: str) -> str:
    if outcome.not_measurable:
        return prose.say("preanalysis.size.not_measurable")
    name = "margin" if outcome.role == "guardrail" else "relevant"
    value = outcome.margin if name == "margin" else outcome.smallest_relevant
    scale = scale_of(indicator, outcome.unit).counted_per(per)
    number, unit = prose.number(float(f"{scale.factor * (value or 0):.10g}")), prose.text(scale.difference)
    # an indicator's own unit is a plural, whatever the number: it stands apart
    shown = f"{number} {unit}" if scale.difference.startswith(("@unit.", "@per:@unit.")) else f"{number} ({unit})"
    return prose.say(f"preanalysis.size.{name}", size=shown)


def _detection(outcome: Outcome, indicator: Indicator | None, prose: Prose) -> str:
    if outcome.detection_range is not None:
        low, high = (prose.number(ratio) for ratio in outcome.detection_range)
        interval = prose.say("preanalysis.detection.interval", low=low, high=high)
        return prose.say("preanalysis.detection", interval=interval)
    recorded = indicator is not None and indicator.reporting != "none" and not outcome.not_measurable
    return prose.say("preanalysis.detection.undeclared") if recorded else "–"


def estimation_sentences(plan: Plan, prose: Prose) -> tuple[str, ...]:
    """Say how the effect will be estimated, with which interval and which checks."""
    settings = plan.estimation
    sentences = [prose.say(f"preanalysis.method.{settings.method}"), *_adjustments(settings, prose)]
    sentences += [
        prose.say("preanalysis.method.outcome", name=prose.name(one.indicator), method=_method(one.method, prose))
        for one in plan.outcomes
        if one.method and one.method != settings.method
    ]
    # the usual formula has no interval for few; every other way has one for the main effect
    code = "preanalysis.level.usual" if settings.inference == "usual" else "preanalysis.level"
    sentences.append(prose.say(code, level=round(100 * settings.level, 1)))
    if settings.inference == "auto":
        sentences.append(prose.say("preanalysis.inference.auto"))
    else:
        sentences.append(
            prose.say("preanalysis.inference.own", name=prose.say(f"preanalysis.inference.{settings.inference}"))
        )
    if plan.checks:
        names = _list(prose.say(f"preanalysis.check.{name}") for name in plan.checks)
        sentences.append(prose.say("preanalysis.checks.some", names=names))
    else:
        sentences.append(prose.say("preanalysis.checks.all"))
    return (*sentences, prose.say("preanalysis.seed", seed=str(settings.seed)))


def _method(method: str, prose: Prose) -> str:
    text = prose.say(f"preanalysis.method.{method}")
    return text[0].lower() + text[1:]


def _adjustments(settings: Estimation, prose: Prose) -> list[str]:
    sentences = []
    if settings.covariates:
        names = _list(prose.covariate(term) for term in settings.covariates)
        sentences.append(prose.say(f"preanalysis.adjust.{settings.adjust}", names=names))
    if settings.anticipation:
        sentences.append(prose.say("preanalysis.anticipation", n=settings.anticipation))
    return sentences


def rule_phrases(plan: Plan, weight: str, prose: Prose) -> tuple[str, ...]:
    """Return the rules of feasibility that will be asked for the plan's outcomes."""
    roles = {outcome.role for outcome in plan.outcomes if not outcome.not_measurable}
    return tuple(
        prose.say(f"preanalysis.rules.{rule.id}", threshold=prose.number(rule.threshold))
        for rule in feasibility_rules()
        if rule.weight == weight and roles & set(rule.roles)
    )


def _override_sentence(plan: Plan, prose: Prose) -> str:
    names = _list(prose.name(indicator) for indicator in plan.overrides)
    return prose.say("preanalysis.feasibility.overrides", names=names) if plan.overrides else ""


def lock_sentences(plan: Plan, locks: tuple[Lock, ...], prose: Prose) -> tuple[str, ...]:
    """Say when the plan was locked, whether figures were there by then, and whether the plan changed since."""
    if not locks:
        return (prose.say("preanalysis.lock.none"),)
    lock = lock_that_counts(locks)
    sentences = [prose.say("preanalysis.lock.on", date=f"@date:{lock.locked_on[:10]}")]
    if lock.post_periods_seen:
        sentences.append(prose.say("preanalysis.lock.late"))
    if lock.plan_digest != plan_digest(plan):
        sentences.append(prose.say("preanalysis.lock.changed"))
    return (*sentences, prose.say("preanalysis.lock.digest", digest=lock.plan_digest))


def _list(names: Iterable[str]) -> str:
    return f"@list:{';'.join(names)}"
