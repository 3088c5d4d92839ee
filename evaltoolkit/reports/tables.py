"""Results as tidy tables for other programs: ten significant digits, no clocks."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from evaltoolkit.disclosure.text import neutralise
from evaltoolkit.effects.effects import Effects
from evaltoolkit.evaluations.evaluation import Evaluation, OutcomeResult
from evaltoolkit.findings import EvaltoolkitError, nearest
from evaltoolkit.reports.gate import open_to_public, write_panel
from evaltoolkit.reports.margins import headline_row

__all__ = ["describe_results", "result_rows", "write_panel", "write_results"]

FORMATS = ("csv", "json", "parquet", "xlsx", "tex", "html")
SCHEMA = "evaltoolkit/results/1"
COLUMNS = (
    "outcome",
    "role",
    "stamp",
    "estimator",
    "kind",
    "labels",
    "estimate",
    "std_error",
    "conf_low",
    "conf_high",
    "band_low",
    "band_high",
    "p_value",
    "reason",
    "n_treated",
    "n_comparison",
)
_NUMBERS = ("estimate", "std_error", "conf_low", "conf_high", "band_low", "band_high", "p_value")
_COUNTS = ("n_treated", "n_comparison")


def write_results(
    evaluation: Evaluation,
    out_dir: str | Path,
    *,
    formats: Sequence[str] = ("csv", "json"),
    language: str = "",
) -> tuple[Path, ...]:
    """Write every estimate of an evaluation, as tables for other programs and for publications.

    Estimates are in units of the measure (0.04 = 4 percentage points for a share). What is undefined is empty in the
    CSV and null in the JSON, with its reason. Estimates that rest on one or two units of a sensitive indicator are
    left out.

    Parameters
    ----------
    evaluation : Evaluation
    out_dir : folder; made where it does not exist
    formats : of ``csv``, ``json`` and ``parquet`` (one row per estimate), ``xlsx`` (estimates, checks, certainty,
        response and what the columns hold), ``tex`` and ``html`` (a table for a publication: outcomes in columns;
        nothing is written where nothing was estimated)
    language : {"nl", "fr", "de", "en"}
        Of the last three; that of the plan where it is not given.

    Returns
    -------
    tuple of Path
        In the order of ``formats``: ``results.csv``, ``results.json``, ``results.parquet``,
        ``results_<language>.xlsx``, ``table_<language>.tex``, ``table_<language>.html``.

    Raises
    ------
    EvaltoolkitError
        A format or language that is not offered.
    """
    check_formats(formats)
    folder, language = Path(out_dir), language or evaluation.plan.language
    folder.mkdir(parents=True, exist_ok=True)
    rows = [{**row, "simulated": str(evaluation.plan.data.simulated).lower()} for row in result_rows(evaluation)]
    paths = (_write(name, evaluation, folder, language, rows) for name in formats)
    return tuple(path for path in paths if path is not None)


def check_formats(formats: Sequence[str]) -> None:
    """Refuse a format in which results are not written."""
    if unknown := [name for name in formats if name not in FORMATS]:
        raise EvaltoolkitError(
            f'Results are not written as "{unknown[0]}": write {", ".join(FORMATS[:-1])} or {FORMATS[-1]}.'
            f"{nearest(unknown[0], FORMATS)}"
        )


def _write(name: str, evaluation: Evaluation, folder: Path, language: str, rows: list[dict[str, Any]]) -> Path | None:
    if name in ("tex", "html"):
        from evaltoolkit.reports.publication_text import write_table

        return write_table(evaluation, folder / f"table_{language}.{name}", language)
    path = folder / (f"results_{language}.xlsx" if name == "xlsx" else f"results.{name}")
    path.write_bytes(_content(name, evaluation, language, rows))
    return path


def _content(name: str, evaluation: Evaluation, language: str, rows: list[dict[str, Any]]) -> bytes:
    if name == "csv":
        return _as_csv(rows).encode()
    if name == "json":
        described = json.dumps(describe_results(evaluation), ensure_ascii=False, indent=1, allow_nan=False)
        return f"{described}\n".encode()
    if name == "xlsx":
        from evaltoolkit.reports.result_book import results_book

        return results_book(evaluation, language, rows)
    return _as_parquet(rows)


def result_rows(evaluation: Evaluation) -> Iterator[dict[str, Any]]:
    """Yield every estimate as one row with the columns of :data:`COLUMNS`; undefined numbers are None."""
    for result in evaluation.outcomes:
        for effects in (result.overall, result.event, result.effects, result.two_way):
            if effects is not None:
                yield from _rows_of(effects, result, evaluation.plan.estimation.level)
        if (row := headline_row(result)) is not None:
            yield _headline(row, result)


def _rows_of(effects: Effects, result: OutcomeResult, level: float) -> Iterator[dict[str, Any]]:
    frame = open_to_public(effects.to_frame(level=level), result.indicator)
    band = effects.to_frame(level=level, band="simultaneous") if effects.kind == "event" else None
    labels = [name for name in effects.labels.columns if name not in _COUNTS]
    for place, row in enumerate(frame.to_dict("records")):
        numbers = {name: row[name] for name in _NUMBERS if name in row}
        if band is not None and math.isfinite(row["estimate"]):
            numbers |= {f"band_{side}": band[f"conf_{side}"].iloc[place] for side in ("low", "high")}
        yield {
            "outcome": result.outcome.indicator,
            "role": result.outcome.role,
            "stamp": result.stamp,
            "estimator": str(effects.info.get("method", effects.kind)),
            "kind": effects.kind,
            "labels": ";".join(f"{name}={_plain(row[name])}" for name in labels),
            **{name: ten_digits(numbers.get(name, math.nan)) for name in _NUMBERS},
            "reason": str(row["reason"]),
            **{name: int(row[name]) for name in _COUNTS},
        }


def _headline(row: pd.Series, result: OutcomeResult) -> dict[str, Any]:
    """What the verdict rests on; an end that is infinite is empty, and the labels say so."""
    assert result.headline is not None
    open_ends = [side for side in ("low", "high") if math.isinf(row[f"conf_{side}"])]
    return {
        "outcome": result.outcome.indicator,
        "role": result.outcome.role,
        "stamp": result.stamp,
        "estimator": result.headline.method or "none",
        "kind": "headline",
        "labels": ";".join([f"chosen={result.headline.chosen}", *(f"{side}=unbounded" for side in open_ends)]),
        **{name: ten_digits(row.get(name, math.nan)) for name in _NUMBERS},
        "std_error": None,
        "reason": str(row["reason"]),
        **{name: int(row[name]) for name in _COUNTS},
    }


def ten_digits(value: float) -> float | None:
    """Return a number with ten significant digits; None where it is not finite."""
    return float(f"{value:.10g}") if math.isfinite(value) else None


def _plain(label: object) -> str:
    return f"{label:.10g}" if isinstance(label, float) else str(label)


def _as_csv(rows: list[dict[str, Any]]) -> str:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, (*COLUMNS, "simulated"), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return buffer.getvalue()


def _as_parquet(rows: list[dict[str, Any]]) -> bytes:
    frame = pd.DataFrame(rows, columns=[*COLUMNS, "simulated"])
    texts = [name for name in frame.columns if name not in (*_NUMBERS, *_COUNTS)]
    types = dict.fromkeys(_NUMBERS, "float64") | dict.fromkeys(_COUNTS, "int64") | dict.fromkeys(texts, "str")
    buffer = io.BytesIO()
    frame.astype(types).to_parquet(buffer, index=False)
    return buffer.getvalue()


def _cell(value: object) -> object:
    return f"{value:.10g}" if isinstance(value, float) else neutralise(value) if isinstance(value, str) else value


def describe_results(evaluation: Evaluation) -> dict[str, Any]:
    """Return the results as plain data; ``data/pages/results.schema.json`` describes its form."""
    rows = list(result_rows(evaluation))
    return {
        "schema": SCHEMA,
        "simulated": evaluation.plan.data.simulated,
        "title": evaluation.plan.title,
        "question": evaluation.plan.question,
        "locked_on": evaluation.locked_on or None,
        "harm_examined": evaluation.harm_examined,
        "seed": evaluation.plan.estimation.seed,
        "level": evaluation.plan.estimation.level,
        "info": _plain_info(evaluation.info),
        "deviations": [{"code": code, "facts": dict(facts)} for code, facts in evaluation.deviations],
        "outcomes": [_outcome(result, rows) for result in evaluation.outcomes],
    }


def _outcome(result: OutcomeResult, rows: list[dict[str, Any]]) -> dict[str, Any]:
    name = result.outcome.indicator
    grade = result.grade
    return {
        "outcome": name,
        "role": result.outcome.role,
        "stamp": result.stamp,
        "verdict": result.verdict.kind,
        "certainty": grade.certainty if grade else None,
        "maryland": grade.maryland if grade else None,
        "grade_reasons": [reason.rule for reason in grade.reasons] if grade else [],
        "feasibility": {
            "decision": result.feasibility.decision,
            "rules": [trigger.rule for trigger in result.feasibility.triggers],
            "mde": ten_digits(result.feasibility.mde),
            "mde_reason": result.feasibility.mde_reason,
            "smallest_relevant": result.feasibility.smallest_relevant,
        },
        "inference": _inference(result),
        "checks": [{"name": check.name, "verdict": check.verdict, "code": check.code} for check in result.checks],
        "estimates": [
            {key: value for key, value in row.items() if key not in ("outcome", "role", "stamp")}
            for row in rows
            if row["outcome"] == name
        ],
    }


def _inference(result: OutcomeResult) -> dict[str, Any] | None:
    """How the margin of error was found; None where nothing was estimated."""
    if result.headline is None:
        return None
    found = result.headline.inference
    return {
        "method": result.headline.method,
        "chosen": result.headline.chosen,
        "same_estimate": result.headline.same_estimate,
        "effective_treated": ten_digits(result.headline.effective),
        "attainable": None if found is None else ten_digits(found.attainable),
        "why": "" if found is None else found.why,
        "reason": result.headline.interval.reason,
        "smallest_p": None if found is None else ten_digits(found.smallest_p),
        "rank": None if found is None else ten_digits(found.rank),
        "draws": None if found is None else found.draws,
        "seed": None if found is None else found.seed,
    }


def _plain_info(info: Mapping[str, Any]) -> dict[str, Any]:
    return {
        str(name): _plain_info(value) if isinstance(value, Mapping) else _number_or_text(value)
        for name, value in sorted(info.items())
    }


def _number_or_text(value: object) -> object:
    if isinstance(value, float):
        return ten_digits(value)
    return value if value is None or isinstance(value, bool | int | str) else str(value)
