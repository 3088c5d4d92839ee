"""What the simulated officers fill in: a table of values for both rounds of forms."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaltoolkit.framework.indicator import Framework, Part
from evaltoolkit.framework.values import value_table
from evaltoolkit.panels.simulate import YEARS, World

# Two rounds: the form of 2024 asks for the years before it too, the form of 2025 for 2025 only.
ROUNDS: dict[str, tuple[str, ...]] = {"2024": ("2023", "2022", "2021", "2020"), "2025": ()}
VINTAGES = {"2024": 2019, "2025": 2025}
RESPONSE = {"treated": 0.93, "comparison": 0.90}
# other programmes, which change nothing here: a few cells have one all along, a minority gets one during the panel
PROGRAMMES = {"always": 0.1, "later": 0.2}

Answer = tuple[float, str]


def draw_respondents(world: World) -> dict[str, list[str]]:
    """Draw which cells return the form of each round; comparison cells have less reason to."""
    rng = np.random.default_rng([world.seed, 1])
    share = np.where(np.isfinite(world.cells["cohort"]), RESPONSE["treated"], RESPONSE["comparison"])
    return {period: [str(cell) for cell in world.cells.index[rng.random(len(share)) < share]] for period in ROUNDS}


def draw_programmes(world: World) -> tuple[npt.NDArray[np.int_], npt.NDArray[np.str_]]:
    """Draw from which year on (9999 = never) a cell has another programme, and which; it changes no measure."""
    rng = np.random.default_rng([world.seed, 4])
    n = len(world.cells)
    kind = rng.choice(["security_plan", "regional_subsidy", "eu_project", "integration_plan"], n)
    later, chance = rng.choice(YEARS[1:], n), rng.random(n)
    always = PROGRAMMES["always"]
    begun = np.select([chance < always, chance < always + PROGRAMMES["later"]], [YEARS[0] - 2, later], 9999)
    return begun.astype(np.int_), kind


def draw_answers(world: World, framework: Framework, round_: str) -> pd.DataFrame:
    """Return the answers of every cell to the form of a round.

    The measures that the demonstration evaluates come from the world; every other question gets a plausible answer
    that keeps the cross-field rules.
    """
    rng = np.random.default_rng([world.seed, int(round_)])
    begun, kind = draw_programmes(world)
    rows: list[dict[str, object]] = []
    for number, cell in enumerate(world.cells.index):
        for period in (round_, *ROUNDS[round_]):
            given = _given(world, number, YEARS.index(int(period)), rng)
            given |= _programme(int(begun[number]), str(kind[number]), int(period))
            for indicator_id, part, answer in _answers(framework, given, rng, earlier=period != round_):
                rows.append(
                    {
                        "unit_kind": "livc_r",
                        "unit": str(cell),
                        "period": period,
                        "indicator": indicator_id,
                        "part": part,
                        "value": answer[0],
                        "text": answer[1],
                        "status": "registered" if period == round_ else "reconstructed",
                        "source": "simulated",
                        "wording": 1,
                    }
                )
    return value_table(rows)


def _answers(
    framework: Framework, given: dict[str, Answer], rng: np.random.Generator, *, earlier: bool
) -> Iterator[tuple[str, str, Answer]]:
    for indicator in framework.form("evaluation"):
        for part in indicator.parts:
            if earlier and not part.earlier_years:
                continue
            yield indicator.id, part.id, given.get(f"{indicator.id}.{part.id}") or _plausible(part, rng)


def _given(world: World, cell: int, year: int, rng: np.random.Generator) -> dict[str, Answer]:
    """Answers that follow from the world, consistent with each other."""
    meetings = world.counts["meetings"][cell, year]
    total = meetings + world.counts["other_meetings"][cell, year]
    case_meetings = float(rng.binomial(int(total), 0.6))
    # somebody came to each of the meetings with a social partner, so at least as many were invited
    invited = meetings + rng.binomial(int(5 * total), 0.8)
    attended = meetings + rng.binomial(int(invited - meetings), 0.45) if meetings else 0.0
    members = float(rng.integers(5, 12))
    shared = (world.municipalities["livc_r"] == world.cells.index[cell]).sum() > 1
    signals = world.counts["signals"][cell, year]
    persons = float(rng.poisson(0.25 * signals))
    return {
        "COMP-09.value": (meetings, ""),
        "GOV-08.case": (case_meetings, ""),
        "GOV-08.strategic": (total - case_meetings, ""),
        "GOV-02.value": (np.nan, "shared" if shared else "own"),
        "GOV-03.value": (np.nan, "active" if total > 0 else "dormant"),
        "COMP-02.denominator": (float(invited), ""),
        "COMP-02.numerator": (float(attended), ""),
        "CAP-01.denominator": (members, ""),
        "CAP-01.numerator": (float(rng.binomial(int(members), 0.5)), ""),
        "DET-02.value": (signals, ""),
        "DET-01.value": (float(signals > 0), ""),
        "CASE-01.value": (np.nan, _band(persons)),
        "HAR-08.value": (world.counts["incidents"][cell, year], ""),
    }


def _programme(begun: int, kind: str, year: int) -> dict[str, Answer]:
    runs = year >= begun
    return {
        "CTX-08.kinds": (np.nan, kind if runs else "none"),
        "CTX-08.start_month": (np.nan, f"{begun}-03" if runs else ""),
    }


def _band(count: float) -> str:
    return "0" if count == 0 else "1_4" if count < 5 else "5_9" if count < 10 else "10_plus"


def _plausible(part: Part, rng: np.random.Generator) -> Answer:
    if part.type == "yes_no":
        return float(rng.random() < 0.6), ""
    if part.type == "choice":
        return np.nan, part.options[int(rng.integers(len(part.options)))].code
    if part.type == "multi":
        codes = [option.code for option in part.options if option.code != "none"]
        return np.nan, ";".join(code for code in codes if rng.random() < 0.4) or codes[0]
    if part.type == "month":
        return np.nan, f"{rng.integers(2019, 2024)}-{rng.integers(1, 13):02d}"
    low = part.minimum or 0.0
    high = part.maximum if part.maximum is not None else low + 10
    return float(rng.integers(int(low), int(min(high, low + 10)) + 1)), ""
