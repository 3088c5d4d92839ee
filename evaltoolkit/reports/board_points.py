"""Open questions and errors by kind, with the respondents they are for: never a value, never what somebody typed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from evaltoolkit.findings import Finding
from evaltoolkit.framework.indicator import Framework
from evaltoolkit.reports.grids import topic_of
from evaltoolkit.reports.prose import Prose, said_code

# stands in a sentence where a value, a name of a file or of a cell would stand
GAP = "…"
# one kind for all that would tell too much
POOLED = "board.open.sensitive"
_ORDER = {"error": 0, "question": 1}
# of these the kind alone says something about the numbers that were given
_TELLING = ("rule", "value")


@dataclass(frozen=True)
class Point:
    """One kind of finding.

    Attributes
    ----------
    severity : "error" or "question"
    code : message id
    message, remedy : the sentence and what to do, with gaps for facts
    count : number of findings
    who : respondents' names with their number of findings, by name
    withheld : findings whose respondent is not named, because a sensitive indicator is concerned
    unknown : findings of files that do not tell whose they are
    """

    severity: str
    code: str
    message: str
    remedy: str
    count: int
    who: tuple[tuple[str, int], ...]
    withheld: int
    unknown: int


def open_points(
    findings: Iterable[Finding], names: Mapping[str, str], framework: Framework, prose: Prose, *, few: bool = False
) -> list[Point]:
    """Return errors and questions by kind, errors first; notes ask nothing and are left out.

    Parameters
    ----------
    findings : of the files that count
    names : names of the known respondents by code; any other sender stays unnamed
    framework : says which indicators are sensitive
    prose : words of the page's language
    few : whether so few respondents sent a file that a kind without a name would still tell whose it is
    """
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        if finding.severity in _ORDER:
            code = POOLED if few and is_telling(finding, framework) else finding.code
            groups.setdefault((finding.severity, code), []).append(finding)
    ordered = sorted(groups.items(), key=lambda item: (_ORDER[item[0][0]], -len(item[1]), item[0][1]))
    return [_point(severity, code, group, names, framework, prose) for (severity, code), group in ordered]


def _point(
    severity: str, code: str, group: list[Finding], names: Mapping[str, str], framework: Framework, prose: Prose
) -> Point:
    facts = {name for finding in group for name in finding.facts}
    said = said_code(code, prose)
    if said != code:
        facts |= {"left", "right", "rule"}
    named = [finding for finding in group if finding.where.unit in names]
    open_ = [finding for finding in named if not is_telling(finding, framework)]
    who = Counter(names[finding.where.unit] for finding in open_)
    return Point(
        severity=severity,
        code=code,
        message=_with_gaps(said, facts, prose) or topic_of(prose, code),
        remedy=_with_gaps(f"{said}.remedy", facts, prose),
        count=len(group),
        who=tuple(sorted(who.items(), key=lambda item: item[0].casefold())),
        withheld=len(named) - len(open_),
        unknown=len(group) - len(named),
    )


def is_telling(finding: Finding, framework: Framework) -> bool:
    """Tell whether kind and respondent together say something about the number of a sensitive indicator."""
    indicator = framework.by_id.get(finding.where.indicator)
    sensitive = indicator is None or indicator.sensitivity != "none"
    return sensitive and finding.code.partition(".")[0] in _TELLING


def _with_gaps(code: str, facts: Iterable[str], prose: Prose) -> str:
    """Return the sentence with a gap for every fact: limits and names would do, but one rule is safer than two."""
    if not prose.has(code):
        return ""
    try:
        # one mark for a gap at the end of a sentence
        return prose.say(code, dict.fromkeys(facts, GAP)).replace(f"{GAP}.", GAP)
    except KeyError:
        # read by an older version, which told other facts
        return ""
