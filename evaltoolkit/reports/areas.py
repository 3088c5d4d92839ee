"""A user's file of areas, GeoJSON or TopoJSON, read strictly: polygons of municipalities in degrees, nothing else.

Format of the first: RFC 7946; of the second: the TopoJSON specification, version 1.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaltoolkit.findings import EvaltoolkitError, FaultsError, nearest
from evaltoolkit.reports.topology import geometries_of
from evaltoolkit.territory.municipalities import load_municipalities

Ring = tuple[tuple[float, float], ...]

MAX_BYTES = 32 * 2**20
MAX_POINTS = 1_000_000
# names of the property with the NIS code, as public files write it
CODE_NAMES = (
    "nis",
    "niscode",
    "nis_code",
    "nis5",
    "refnis",
    "cd_munty_refnis",
    "ins",
    "ins_code",
    "code_ins",
    "mun_code",
    "id",
)
# a frame around Belgium, in degrees
_WEST, _EAST, _SOUTH, _NORTH = 2.2, 6.7, 49.2, 51.8
_WGS84 = ("crs84", "epsg::4326", "epsg:4326", "wgs84")
_MOST_FAULTS = 10


@dataclass(frozen=True)
class Areas:
    """The rings of each municipality's polygons, in degrees; holes are told by the even-odd rule."""

    rings: Mapping[str, tuple[Ring, ...]]


def read_areas(path: str | Path, *, code: str = "", layer: str = "") -> Areas:
    """Read the areas of municipalities.

    Parameters
    ----------
    path : path
        GeoJSON (a FeatureCollection) or TopoJSON (a Topology), at most 32 MiB, polygons in degrees (WGS84).
    code : str
        Property that holds the NIS code; without it, one of the usual names (:data:`CODE_NAMES`).
    layer : str
        Object of a TopoJSON file, where several hold municipalities.

    Raises
    ------
    EvaltoolkitError
        The file cannot be opened, is too large, or is neither format.
    FaultsError
        Geometries that are no polygons, codes that are no municipality's, coordinates that are no degrees in Belgium.
    """
    path = Path(path)
    document = _load(path)
    what = f'The file of areas "{path.name}"'
    if elsewhere := _crs_faults(document):
        raise FaultsError(elsewhere, what)
    features = geometries_of(document, lambda found: _all_known(found, code), layer)
    faults: list[str] = []
    rings: dict[str, tuple[Ring, ...]] = {}
    points = 0
    for number, (properties, geometry) in enumerate(features, 1):
        try:
            unit = _code_of(properties, code)
            found = tuple(_ring(ring) for ring in _rings_of(geometry))
        except ValueError as problem:
            faults.append(f"area {number}: {problem}")
        else:
            rings[unit] = rings.get(unit, ()) + found
            points += sum(len(ring) for ring in found)
        if len(faults) >= _MOST_FAULTS or points > MAX_POINTS:
            break
    if points > MAX_POINTS:
        raise EvaltoolkitError(f"{what} has more than {MAX_POINTS} points: simplify the borders first.")
    if faults or not rings:
        raise FaultsError(faults or ["It holds no area."], what)
    return Areas(rings)


def _load(path: Path) -> Mapping[str, Any]:
    try:
        with path.open("rb") as handle:
            content = handle.read(MAX_BYTES + 1)
    except OSError as error:
        raise EvaltoolkitError(f'The file "{path.name}" cannot be opened: {error.strerror}.') from error
    if len(content) > MAX_BYTES:
        raise EvaltoolkitError(f'"{path.name}" is larger than {MAX_BYTES // 2**20} MiB: simplify the borders first.')
    try:
        document = json.loads(content.decode("utf-8-sig"), parse_constant=_no_constant, object_pairs_hook=_object)
    # deep nesting ends in a RecursionError, a number of thousands of digits in a ValueError
    except (ValueError, RecursionError) as error:
        raise EvaltoolkitError(
            f'"{path.name}" is no GeoJSON or TopoJSON: {str(error)[:100]}. Export the file again from the map program.'
        ) from None
    if not isinstance(document, dict) or document.get("type") not in ("FeatureCollection", "Topology"):
        raise EvaltoolkitError(
            f'"{path.name}" is no collection of areas: its type must be FeatureCollection (GeoJSON) or Topology '
            "(TopoJSON)."
        )
    return document


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


def _crs_faults(document: Mapping[str, Any]) -> list[str]:
    """Refuse a coordinate system that is named and not WGS84, or kept at another address."""
    crs = document.get("crs")
    if crs is None:
        return []
    properties = crs.get("properties") if isinstance(crs, dict) else None
    name = properties.get("name") if isinstance(properties, dict) else None
    if not isinstance(crs, dict) or crs.get("type") != "name" or not isinstance(name, str):
        return ['its "crs" points to something outside the file. Export it anew in WGS84 (EPSG:4326).']
    known = name.lower().endswith(_WGS84)
    return [] if known else [f'its coordinate system is "{name[:60]}". Convert it to WGS84 (EPSG:4326).']


def _all_known(properties: Sequence[Mapping[str, Any]], code: str) -> bool:
    try:
        return bool([_code_of(one, code) for one in properties])
    except ValueError:
        return False


def _code_of(properties: Mapping[str, Any], code: str) -> str:
    lower = {name.casefold(): name for name in properties}
    names = [code] if code in properties else [lower[name] for name in CODE_NAMES if name in lower and not code]
    if not names:
        hint = nearest(code, properties) if code else ""
        raise ValueError(
            f'it has no property "{code}".{hint}'
            if code
            else f"no property holds the NIS code: name it, or call it one of {', '.join(CODE_NAMES)}."
        )
    value = properties[names[0]]
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if text not in load_municipalities().index:
        raise ValueError(f'property "{names[0]}" is "{text[:20]}", which is no municipality code.')
    return text


def _rings_of(geometry: object) -> Iterator[Sequence[Any]]:
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if not isinstance(geometry, dict) or kind not in ("Polygon", "MultiPolygon"):
        told = str(kind)[:20] if kind else "empty"
        raise ValueError(f"its geometry is {told}; only Polygon and MultiPolygon are areas.")
    polygons = geometry.get("coordinates")
    polygons = [polygons] if kind == "Polygon" else polygons
    if not isinstance(polygons, list) or not all(isinstance(one, list) and one for one in polygons) or not polygons:
        raise ValueError("its coordinates are empty or no lists.")
    for polygon in polygons:
        yield from polygon


def _ring(ring: object) -> Ring:
    if not isinstance(ring, list) or len(ring) < 4 or ring[0] != ring[-1]:
        raise ValueError("a ring of its border is not closed or has fewer than four points.")
    return tuple(_point(point) for point in ring)


def _point(point: object) -> tuple[float, float]:
    if not isinstance(point, list) or len(point) < 2 or not all(_is_number(one) for one in point[:2]):
        raise ValueError("a point of its border is no pair of numbers.")
    lon, lat = float(point[0]), float(point[1])
    if abs(lon) > 180 or abs(lat) > 90:
        raise ValueError(
            f"its coordinates ({lon:.0f}, {lat:.0f}) are no degrees but metres, as in Lambert 72 or Lambert 2008. "
            "Convert the file to WGS84 (EPSG:4326)."
        )
    if not (_WEST <= lon <= _EAST and _SOUTH <= lat <= _NORTH):
        raise ValueError(
            f"({lon:.2f}, {lat:.2f}) lies outside Belgium. A point is longitude, latitude in WGS84 (EPSG:4326)."
        )
    return lon, lat


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
