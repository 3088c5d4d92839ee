"""Variances when neighbours share shocks: Conley's kernel over distances between units."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from evaltoolkit.designs.design import Array
from evaltoolkit.effects.effects import Effects
from evaltoolkit.findings import EvaltoolkitError, FaultsError, nearest
from evaltoolkit.inference.cluster_robust import NOT_POSITIVE, repair
from evaltoolkit.inference.effects_variance import error_reasons
from evaltoolkit.territory.municipalities import load_municipalities

Kernel = Literal["bartlett", "uniform"]
Coordinates = Mapping[str, tuple[float, float]]

EARTH_RADIUS_KM = 6371.0088
# rows of the distance matrix held at once
_CHUNK = 1024
_MOST_LISTED = 5


@dataclass(frozen=True)
class SpatialVariance:
    """A variance that lets near units be correlated.

    Attributes
    ----------
    covariance : (k, k), repaired where needed
    std_error : (k,) NaN where undefined
    kernel, cutoff_km : settings
    neighbours : mean number of other units within the cutoff
    repaired : whether negative eigenvalues were set to zero
    reasons : (k,) why there is no standard error; empty where there is one
    """

    covariance: Array
    std_error: Array
    kernel: str
    cutoff_km: float
    neighbours: float
    repaired: bool
    reasons: tuple[str, ...]


def conley_variance(
    effects: Effects, *, cutoff_km: float, coordinates: Coordinates | None = None, kernel: Kernel = "bartlett"
) -> SpatialVariance:
    """Return the variance of effects when units within a distance of each other are correlated.

    Estimand: the sampling variance of the estimates, sum_ij K(d_ij / cutoff) psi_i psi_j' / n^2 over pairs of units.
    A unit's own periods may be correlated in any way: its influence is one number.

    Assumptions: units farther apart than the cutoff are independent; many units, and many treated ones, in areas much
    wider than the cutoff. ``effects.clusters`` are not used; no small-sample factor.

    Not when: few units or areas are treated; treatment spreads to neighbours (that moves the estimate, not only its
    variance). Report several cutoffs.

    Parameters
    ----------
    effects : Effects
        Of any method and kind.
    cutoff_km : float
        Distance in kilometres from which on the kernel is zero.
    coordinates : mapping, optional
        Unit -> (longitude, latitude) in degrees. By default units are municipality codes, and the centroids of the
        register are taken.
    kernel : {"bartlett", "uniform"}
        Falling linearly with distance, or one below the cutoff.

    Returns
    -------
    SpatialVariance
        In the plane neither kernel guarantees a positive variance: negative eigenvalues of the covariance are set to
        zero (``repaired``), and a row whose own variance is not positive before that has no standard error.

    Raises
    ------
    FaultsError
        Units without coordinates, or with coordinates that are no degrees.
    EvaltoolkitError
        Unknown kernel; a cutoff that is not positive.

    References
    ----------
    Conley (1999), https://doi.org/10.1016/S0304-4076(98)00084-0
    """
    if kernel not in get_args(Kernel):
        known = get_args(Kernel)
        raise EvaltoolkitError(f'There is no kernel "{kernel}". Known: {", ".join(known)}.{nearest(kernel, known)}')
    if not (np.isfinite(cutoff_km) and cutoff_km > 0):
        raise EvaltoolkitError(f"The cutoff must be a positive number of kilometres; got {cutoff_km}.")
    places = locate_units(effects.units, coordinates)
    influence = np.asarray(effects.influence, dtype=float)
    known_rows = np.isfinite(influence).all(axis=0)
    total, near = kernel_products(influence[:, known_rows], places, cutoff_km, kernel)
    raw = np.full((len(effects.estimate),) * 2, np.nan)
    raw[np.ix_(known_rows, known_rows)] = total / len(effects.units) ** 2
    # what cancels between units leaves rounding
    positive = np.diag(raw) > 1e-12 * np.square(influence).sum(axis=0) / len(effects.units) ** 2
    reasons = tuple(
        reason or ("" if good else NOT_POSITIVE) for reason, good in zip(error_reasons(effects), positive, strict=True)
    )
    defined = np.array([reason == "" for reason in reasons], dtype=bool)
    covariance, repaired = repair(raw)
    errors = np.sqrt(np.where(defined, np.diag(covariance), np.nan))
    return SpatialVariance(covariance, errors, kernel, float(cutoff_km), near / len(places), repaired, reasons)


def locate_units(units: npt.NDArray[np.str_], coordinates: Coordinates | None = None) -> Array:
    """Return (n, 2) longitude and latitude in degrees, from the register of municipalities or the user's own.

    Raises
    ------
    FaultsError
        Units that have none, and values that are no degrees.
    """
    if coordinates is None:
        register = load_municipalities()
        known = {str(code): (lon, lat) for code, lon, lat in register[["lon", "lat"]].itertuples()}
        remedy = 'units are no municipality codes: hand in "coordinates" (unit -> longitude, latitude)'
    else:
        known, remedy = {str(unit): place for unit, place in coordinates.items()}, "have no coordinates: add them"
    faults = []
    missing = [str(unit) for unit in units if str(unit) not in known]
    if missing:
        faults.append(f"{_listed(missing)} {remedy}.{nearest(missing[0], known)}")
    places = np.array([known.get(str(unit), (0.0, 0.0)) for unit in units], dtype=float).reshape(-1, 2)
    wrong = ~((np.abs(places[:, 0]) <= 180) & (np.abs(places[:, 1]) <= 90))
    if wrong.any():
        faults.append(f"{_listed([str(unit) for unit in units[wrong]])} have coordinates that are no degrees")
    if faults:
        raise FaultsError(faults, "The coordinates of units")
    return places


def great_circle_km(first: Array, second: Array) -> Array:
    """Return the (n, m) distances in kilometres between (n, 2) and (m, 2) degrees, by the haversine formula."""
    lon, lat = np.radians(first).T
    to_lon, to_lat = np.radians(second).T
    up = np.sin((lat[:, None] - to_lat) / 2) ** 2
    across = np.cos(lat)[:, None] * np.cos(to_lat) * np.sin((lon[:, None] - to_lon) / 2) ** 2
    return np.asarray(2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(up + across, 0.0, 1.0))))


def kernel_products(values: Array, places: Array, cutoff_km: float, kernel: Kernel) -> tuple[Array, int]:
    """Return sum_ij K(d_ij / cutoff) v_i v_j' of (n, k) values, and the number of ordered pairs within the cutoff."""
    total, near = np.zeros((values.shape[1],) * 2), 0
    for rows, weights in _weights(places, cutoff_km, kernel):
        total += values[rows].T @ (weights @ values)
        near += int(np.count_nonzero(weights)) - len(weights)
    return (total + total.T) / 2, near


def _weights(places: Array, cutoff_km: float, kernel: Kernel) -> Iterator[tuple[slice, Array]]:
    for start in range(0, len(places), _CHUNK):
        rows = slice(start, start + _CHUNK)
        ratio = great_circle_km(places[rows], places) / cutoff_km
        yield rows, np.maximum(1.0 - ratio, 0.0) if kernel == "bartlett" else (ratio < 1.0).astype(float)


def _listed(units: list[str]) -> str:
    more = f" and {len(units) - _MOST_LISTED} more" if len(units) > _MOST_LISTED else ""
    return ", ".join(units[:_MOST_LISTED]) + more
