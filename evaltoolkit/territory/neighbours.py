"""Which municipalities share a border: for spillover."""

from __future__ import annotations

import pandas as pd

from evaltoolkit.territory.register import check_vintage, load_borders, municipality_codes


def neighbours(vintage: int, minimum_border_m: int = 100) -> pd.DataFrame:
    """Return the pairs of municipalities that share a border.

    Parameters
    ----------
    vintage : {2018, 2019, 2025}
    minimum_border_m : int
        Shared border in metres below which a contact does not count. Borders come from generalised boundaries:
        contacts under 100 m are near-corners and uncertain.

    Returns
    -------
    DataFrame
        Columns ``code_a, code_b, shared_border_m``; every pair once, ``code_a < code_b``.
    """
    check_vintage(vintage)
    borders = load_borders()
    kept = (borders["vintage"] == vintage) & (borders["shared_border_m"] >= minimum_border_m)
    return borders.loc[kept, ["code_a", "code_b", "shared_border_m"]].reset_index(drop=True)


def neighbour_lists(vintage: int, minimum_border_m: int = 100) -> dict[str, tuple[str, ...]]:
    """Return for every municipality of a vintage its neighbours, sorted; symmetric."""
    pairs = neighbours(vintage, minimum_border_m)
    lists: dict[str, list[str]] = {code: [] for code in municipality_codes(vintage)}
    for a, b in zip(pairs["code_a"], pairs["code_b"], strict=True):
        lists[a].append(b)
        lists[b].append(a)
    return {code: tuple(sorted(others)) for code, others in lists.items()}
