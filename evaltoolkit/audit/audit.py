"""Put a design to every engine that is installed, and judge every difference."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from evaltoolkit.audit import with_csdid, with_diff_diff, with_linearmodels, with_pyfixest
from evaltoolkit.audit.engine import Engine
from evaltoolkit.audit.explanations import explain
from evaltoolkit.audit.question import Question, ask
from evaltoolkit.audit.rows import TOLERANCE, Figure
from evaltoolkit.designs.design import Design
from evaltoolkit.estimators.cells import first_positions
from evaltoolkit.estimators.registry import fits, list_estimators
from evaltoolkit.findings import EvaltoolkitError, nearest

ENGINES = (with_linearmodels.ENGINE, with_csdid.ENGINE, with_diff_diff.ENGINE, with_pyfixest.ENGINE)
COLUMNS = (
    "engine", "version", "method", "quantity", "label", "ours", "theirs", "difference", "relative", "verdict",
    "explanation", "sentence", "detail",
)  # fmt: skip
AGREES, EXPLAINED, UNEXPLAINED = "agrees", "explained", "unexplained"
NOT_COMPARABLE, FAILED = "not comparable", "engine failed"
VERDICTS = (UNEXPLAINED, FAILED, EXPLAINED, AGREES, NOT_COMPARABLE)

Methods = Sequence[str] | Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class AuditTable:
    """What every engine said.

    Attributes
    ----------
    rows : DataFrame
        ``engine, version, method, quantity`` (estimate, std_error, weight), ``label, ours, theirs, difference``
        (theirs less ours), ``relative`` (to the larger of estimate and standard error; of a standard error: to
        itself), ``verdict``, ``explanation`` (a code), ``sentence``, ``detail``. Rows that could not be compared have
        NaN where a number is missing, and say why.
    """

    rows: pd.DataFrame

    def count(self, verdict: str) -> int:
        """Return how many rows have a verdict."""
        return int((self.rows["verdict"] == verdict).sum())

    @property
    def sound(self) -> bool:
        """Whether something was compared, and nothing is unexplained."""
        return self.count(UNEXPLAINED) == 0 and self.count(AGREES) + self.count(EXPLAINED) > 0

    def summary(self) -> pd.DataFrame:
        """Return counts of each verdict by engine and method, and the largest difference that agrees."""
        keys = ["engine", "version", "method"]
        compared = self.rows[self.rows["verdict"].isin((AGREES, EXPLAINED, UNEXPLAINED))]
        counts = compared.groupby([*keys, "verdict"], sort=False).size().unstack(fill_value=0)  # noqa: PD010
        counts = counts.reindex(columns=[AGREES, EXPLAINED, UNEXPLAINED], fill_value=0)
        agreed = compared[compared["verdict"] == AGREES]
        largest = agreed.assign(size=agreed["relative"].abs()).groupby(keys, sort=False)["size"].max()
        return counts.assign(largest=largest).reset_index().rename_axis(columns=None)

    def __str__(self) -> str:
        """Return one sentence."""
        if not self.count(AGREES) + self.count(EXPLAINED) + self.count(UNEXPLAINED):
            return "Nothing was compared: no engine that is installed can take this design."
        compared = self.rows[self.rows["verdict"].isin((AGREES, EXPLAINED, UNEXPLAINED))]
        engines = ", ".join(sorted(compared["engine"].unique()))
        parts = [
            f"{len(compared)} numbers were held against {engines}: {self.count(AGREES)} agree within {TOLERANCE:g}",
            f"{self.count(EXPLAINED)} differ by a convention that was computed and closes the gap",
            f"{self.count(UNEXPLAINED)} differ without explanation",
        ]
        failed = f" {self.count(FAILED)} times an engine failed." if self.count(FAILED) else ""
        return f"{parts[0]}, {parts[1]}, {parts[2]}.{failed}"


def audit_design(
    design: Design, methods: Methods | None = None, *, engines: Sequence[Engine] | None = None
) -> AuditTable:
    """Re-estimate a design with the independent packages that are installed, and hold every number against ours.

    A difference of at most 1e-6 (of the estimate, or of its standard error where that is larger; of a standard error,
    of itself) is agreement. A larger one is explained only where a known convention of the engine was computed on our
    side and closes the gap to 1e-6.

    Parameters
    ----------
    design : Design
        One outcome (n, T), in any unit: multiplying the outcome changes no verdict.
    methods : names, or name -> options, optional
        Default: every method that fits the design, with its default options.
    engines : sequence of Engine, optional
        Default: all that are known.

    Returns
    -------
    AuditTable
        An engine that is absent, cannot take the design or fails has a row that says so.

    Raises
    ------
    EvaltoolkitError
        A method or option is unknown, or a method is named and does not fit the design.

    Examples
    --------
    >>> from evaltoolkit.audit.audit import audit_design  # doctest: +SKIP
    >>> print(audit_design(design, {"group_time": {"adjust": "reg"}}))  # doctest: +SKIP
    """
    rows: list[dict[str, Any]] = []
    for method, options in _chosen(design, methods).items():
        try:
            question = ask(design, method, options)
        except EvaltoolkitError as refusal:
            if methods is not None and not fits(list_estimators()[method], design):
                raise
            rows.append(_row("evaltoolkit", "", method, _none("toolkit_refuses", str(refusal))))
            continue
        for engine in ENGINES if engines is None else engines:
            figures = _answer(engine, question)
            rows += [_row(engine.name, engine.version, method, figure) for figure in figures]
    return AuditTable(pd.DataFrame(rows, columns=list(COLUMNS)))


def _chosen(design: Design, methods: Methods | None) -> dict[str, Mapping[str, Any]]:
    known = list_estimators()
    if methods is None:
        return {name: {} for name, one in known.items() if fits(one, design)}
    for name in methods:
        if name not in known:
            raise EvaltoolkitError(
                f'There is no estimation method "{name}". Known: {", ".join(known)}.{nearest(name, known)}'
            )
    chosen = dict(methods) if isinstance(methods, Mapping) else {name: {} for name in methods}
    for name, options in chosen.items():
        for option in set(options) - set(known[name].options):
            raise EvaltoolkitError(
                f'Method "{name}" has no option "{option}". Known: {", ".join(known[name].options)}.'
                f"{nearest(option, known[name].options)}"
            )
    return chosen


def _answer(engine: Engine, question: Question) -> list[Figure]:
    if code := engine.why_not(question) or _unclear(question):
        return [_none(code)]
    try:
        with _quiet():
            return engine.tasks[question.method].answer(question, engine.load())
    except Exception as error:
        # whatever another package stops with is told, and costs no other engine its turn
        words = str(error).strip() or "without a message"
        return [_none("engine_failed", f"{type(error).__name__}: {words.splitlines()[0][:200]}")]


def _none(code: str, detail: str = "") -> Figure:
    return Figure("", "", np.nan, np.nan, np.nan, (), code, detail)


def _unclear(question: Question) -> str:
    """Why no engine, which counts periods, can be told who starts when."""
    design = question.design
    dates = np.unique(design.cohort[question.first > 0])
    if len(np.unique(first_positions(dates, design.times))) < len(dates):
        return "shared_period"
    late = np.isfinite(design.cohort) & (question.first == 0)
    return "late_starters" if late.any() and design.anticipation else ""


def judge(figure: Figure) -> tuple[str, str]:
    """Return verdict and explanation of one number."""
    if figure.code == "engine_failed":
        return FAILED, figure.code
    if figure.code:
        return NOT_COMPARABLE, figure.code
    if abs(figure.theirs - figure.ours) <= TOLERANCE * figure.scale:
        return AGREES, ""
    for code, value, bound in figure.ways:
        if abs(figure.theirs - value) <= bound * figure.scale:
            return EXPLAINED, code
    return UNEXPLAINED, UNEXPLAINED


def _row(engine: str, version: str, method: str, figure: Figure) -> dict[str, Any]:
    verdict, code = judge(figure)
    difference = figure.theirs - figure.ours
    return {
        "engine": engine,
        "version": version,
        "method": method,
        "quantity": figure.quantity,
        "label": figure.label,
        "ours": figure.ours,
        "theirs": figure.theirs,
        "difference": difference,
        "relative": difference / figure.scale if figure.scale > 0 else np.nan,
        "verdict": verdict,
        "explanation": code,
        "sentence": explain(code),
        "detail": figure.detail,
    }


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence warnings, prints and logs, and give back numpy's global random state."""
    state, level = np.random.get_state(), logging.root.manager.disable  # noqa: NPY002 - engines may draw from it
    logging.disable(logging.CRITICAL)
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
            np.errstate(all="ignore"),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
        np.random.set_state(state)  # noqa: NPY002
