"""The files that surround the forms: roster, cells, portal exports with their mappings, and the plan."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaltoolkit.panels.simulate import DESIGN_EFFECT, World
from evaltoolkit.panels.world_tables import (
    POPULATION_YEARS,
    SURVEY_INDICATORS,
    population_before_mergers,
    world_roster,
)
from evaltoolkit.submissions.export import write_sheet
from evaltoolkit.territory.municipalities import load_municipalities, municipality_name

NOTE = "Gesimuleerde cijfers - simulated figures"


def respondents_of(world: World, cells: list[str], period: str, language: str = "nl") -> pd.DataFrame:
    """Return the respondents of a round: the cells with their members at that date."""
    day = f"{period}-12-31"
    members = world.membership
    in_force = members[(members["valid_from"] <= day) & ((members["valid_to"] >= day) | (members["valid_to"] == ""))]
    codes = in_force.groupby("livc_r")["municipality"].apply(lambda s: ";".join(sorted(s)))
    rows = [
        {
            "unit_kind": "livc_r",
            "unit": cell,
            "name": "LIVC-R "
            + " - ".join(municipality_name(code, "nl") for code in codes[cell].split(";"))
            + " (gesimuleerd)",
            "members": codes[cell],
            "language": language,
        }
        for cell in cells
    ]
    return pd.DataFrame(rows)


def write_roster(world: World, path: Path) -> None:
    """Write the roster, with days of decision and planned hours; a few cells are left unknown."""
    roster = world_roster(world, unknown=5)
    rng = np.random.default_rng([world.seed, 5])
    decided = roster["start"] - pd.to_timedelta(rng.integers(250, 500, len(roster)), unit="D")
    planned = np.ceil(roster["hours"] / rng.uniform(0.6, 1.0, len(roster)))
    roster.assign(decided_on=decided, planned_hours=planned).to_csv(
        path, index=False, lineterminator="\n", date_format="%Y-%m-%d"
    )


def write_cells(world: World, path: Path) -> None:
    """Write the cells with their municipalities, and a made-up zone of up to three cells of one arrondissement."""
    home = load_municipalities()["arrondissement_code"].astype("str")
    first = world.municipalities.groupby("livc_r").apply(lambda rows: home[rows.index[0]])
    place = first.groupby(first).cumcount() // 3 + 1
    zone = first + "-" + place.astype("str")
    table = world.membership.assign(zone=zone.reindex(world.membership["livc_r"]).to_numpy())
    table.to_csv(path, index=False, lineterminator="\n")


def write_portal(world: World, folder: Path, *, waves: tuple[str, ...]) -> None:
    """Write the exports of a statistical portal: wide, by name, decimal comma; each with its mapping.

    ``waves`` are the survey waves published so far.
    """
    published = len(waves)
    folder.mkdir(parents=True, exist_ok=True)
    names = [municipality_name(code, "nl") for code in world.municipalities.index]
    titles = {"trust": "Vertrouwen in het gemeentebestuur", "discrimination": "Ervaren discriminatie"}
    for key, indicator in SURVEY_INDICATORS.items():
        shares = np.char.replace(np.char.mod("%.1f", 100 * world.survey[key][:, :published]), ".", ",")
        _write_wide(folder / f"{key}.xlsx", f"{titles[key]} (%)", names, waves, shares)
        answers = world.survey["n"][:, :published].astype(int)
        _write_wide(folder / f"{key}_n.xlsx", f"{titles[key]}: antwoorden", names, waves, answers)
        tables: list[tuple[str, str, float]] = [(f"{key}.xlsx", "value", 0.01), (f"{key}_n.xlsx", "n", 1)]
        _write_mapping(folder / f"{key}.toml", indicator, tables, waves, design_effect=DESIGN_EFFECT)
    population = population_before_mergers(world)
    old_names = [municipality_name(str(code), "nl") for code in population.index]
    figures = np.repeat(population.to_numpy()[:, None], len(POPULATION_YEARS), axis=1)
    _write_wide(folder / "population.xlsx", "Bevolking op 1 januari", old_names, POPULATION_YEARS, figures)
    _write_mapping(
        folder / "population.toml", "CTX-01", [("population.xlsx", "value", 1)], POPULATION_YEARS, vintage=2019
    )


def _year(period: str) -> str:
    return period[:4]


def _write_wide(path: Path, title: str, names: list[str], periods: tuple[str, ...], figures: npt.NDArray[Any]) -> None:
    rows: list[list[object]] = [[title], [NOTE], [], ["Gemeente", *map(_year, periods)]]
    rows += [[name, *row] for name, row in zip(names, figures.tolist(), strict=True)]
    rows += [[], ["Bron: gesimuleerd"]]
    write_sheet(path, "Data", rows)


def _write_mapping(
    path: Path,
    indicator: str,
    tables: list[tuple[str, str, float]],
    periods: tuple[str, ...],
    *,
    vintage: int = 2025,
    design_effect: float | None = None,
) -> None:
    """Write how to read the exports; a wave has dates of fieldwork, so each year column names its period."""
    lines = [
        'source = "portal export (simulated)"',
        'unit = "name"',
        f"vintage = {vintage}",
        'decimal = ","',
    ]
    for file, part, scale in tables:
        lines += ["", "[[tables]]", f'file = "{file}"', 'unit_column = "Gemeente"']
        for period in periods:
            lines += [
                "",
                "[[tables.columns]]",
                f'header = "{_year(period)}"',
                f'period = "{period}"',
                f'indicator = "{indicator}"',
                f'part = "{part}"',
                f"scale = {scale}",
            ]
    if design_effect is not None:
        lines += [
            "",
            "[[constants]]",
            f'indicator = "{indicator}"',
            'part = "design_effect"',
            f"value = {design_effect}",
        ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


PLAN = """# The evaluation plan of the demonstration. All data are simulated.
title = "Coaching of LIVC-R cells in a simulated Flanders"
question = "Does coaching bring social-prevention partners to the table, and does residents' trust grow?"
language = "en"
framework = "livc-r"
unit = "livc_r"
vintage = 2025
theory_of_change = [
  "coaching makes the coordinator invite social-prevention partners",
  "partners who meet share concerns earlier",
  "earlier and broader help lets residents trust the municipality more",
]
assumptions = ["partners have time to come", "what partners tell each other leads to help"]
rival_explanations = [
  "larger municipalities ask for coaching and develop differently anyway",
  "coached LIVC-Rs write down more",
]
decision_rule = [
  "trust rises, with at least moderate certainty: offer coaching to every LIVC-R",
  "only the meetings change: keep coaching where it is and measure trust again",
  "unclear, or possible harm: change nothing until the next survey",
]

[data]
store = "store"
wide = ["portal/trust.toml", "portal/discrimination.toml", "portal/population.toml"]
roster = "roster.csv"
membership = "cells.csv"
simulated = true
source = "evaltoolkit demo, seed {seed}"

[treatment]
action = "coaching"
assignment = "voluntary"
decided_by = "the mayor of the first municipality of each LIVC-R"
why_then = "places were given in order of request"
rule = "containing"
spillover = "unlikely"

[estimation]
method = "group_time"
adjust = "dr"
comparison = "never_treated"
covariates = ["log(CTX-01)"]
seed = {seed}

[translations.nl]
title = "Coaching van LIVC-R’s in een gesimuleerd Vlaanderen"
question = "Brengt coaching sociaal-preventieve partners aan tafel, en groeit het vertrouwen van inwoners?"
action = "coaching"
decided_by = "de burgemeester van de eerste gemeente van elke LIVC-R"
why_then = "plaatsen werden toegekend in volgorde van aanvraag"
theory_of_change = [
  "coaching brengt de coördinator ertoe sociaal-preventieve partners uit te nodigen",
  "partners die elkaar ontmoeten, delen hun zorgen vroeger",
  "vroegere en bredere hulp doet inwoners de gemeente meer vertrouwen",
]
assumptions = ["partners hebben tijd om te komen", "wat partners elkaar vertellen, leidt tot hulp"]
rival_explanations = [
  "grotere gemeenten vragen coaching en evolueren sowieso anders",
  "LIVC-R’s met coaching noteren meer",
]
decision_rule = [
  "het vertrouwen stijgt, met minstens matige zekerheid: coaching aan elke LIVC-R aanbieden",
  "alleen de vergaderingen veranderen: coaching houden waar ze is en het vertrouwen opnieuw meten",
  "onduidelijk, of mogelijk schade: niets veranderen tot de volgende bevraging",
]

[translations.fr]
title = "L’accompagnement des CSIL-R dans une Flandre simulée"
question = "L’accompagnement amène-t-il des partenaires socio-préventifs, et la confiance des habitants croît-elle ?"
action = "accompagnement"
decided_by = "le bourgmestre de la première commune de chaque CSIL-R"
why_then = "les places ont été attribuées dans l’ordre des demandes"
theory_of_change = [
  "l’accompagnement amène le coordinateur à inviter des partenaires socio-préventifs",
  "des partenaires qui se rencontrent partagent plus tôt leurs inquiétudes",
  "une aide plus précoce et plus large renforce la confiance des habitants dans la commune",
]
assumptions = [
  "les partenaires ont le temps de venir",
  "ce que les partenaires se disent mène à de l’aide",
]
rival_explanations = [
  "les grandes communes demandent un accompagnement et évoluent de toute façon autrement",
  "les CSIL-R accompagnées notent davantage",
]
decision_rule = [
  "la confiance augmente, avec une certitude au moins modérée : proposer l’accompagnement à chaque CSIL-R",
  "seules les réunions changent : garder l’accompagnement où il est et mesurer de nouveau la confiance",
  "réponse incertaine, ou préjudice possible : ne rien changer jusqu’à la prochaine enquête",
]

[translations.de]
title = "Begleitung von LIVC-R in einem simulierten Flandern"
question = "Bringt die Begleitung sozialpräventive Partner an den Tisch, und wächst das Vertrauen der Einwohner?"
action = "Begleitung"
decided_by = "der Bürgermeister der ersten Gemeinde jeder LIVC-R"
why_then = "Plätze wurden in der Reihenfolge der Anfragen vergeben"
theory_of_change = [
  "die Begleitung führt dazu, dass die Koordination sozialpräventive Partner einlädt",
  "Partner, die sich treffen, teilen Sorgen früher",
  "frühere und breitere Hilfe stärkt das Vertrauen der Einwohner in die Gemeinde",
]
assumptions = ["die Partner haben Zeit zu kommen", "was die Partner einander sagen, führt zu Hilfe"]
rival_explanations = [
  "größere Gemeinden bitten um Begleitung und entwickeln sich ohnehin anders",
  "begleitete LIVC-R schreiben mehr auf",
]
decision_rule = [
  "das Vertrauen wächst, mit mindestens mittlerer Sicherheit: die Begleitung jeder LIVC-R anbieten",
  "nur die Sitzungen ändern sich: die Begleitung lassen, wo sie ist, und das Vertrauen erneut messen",
  "unklar, oder möglicher Schaden: bis zur nächsten Befragung nichts ändern",
]

[[outcomes]]
indicator = "TRU-01"
role = "primary"
smallest_relevant = 0.02

[[outcomes]]
indicator = "COMP-09"
role = "primary"
smallest_relevant = 0.75

[[outcomes]]
indicator = "DET-02"
role = "secondary"
smallest_relevant = 1

[[outcomes]]
indicator = "HAR-08"
role = "secondary"
smallest_relevant = 0.05

[[outcomes]]
indicator = "RGT-07"
role = "guardrail"
margin = 0.03
"""
