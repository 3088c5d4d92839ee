"""Features of a GeoJSON or TopoJSON document as pairs of properties and geometry; arcs are joined to rings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from evaltoolkit.findings import FaultsError, nearest

Feature = tuple[Mapping[str, Any], object]
Point = list[float]


Wanted = Callable[[Sequence[Mapping[str, Any]]], bool]


def geometries_of(document: Mapping[str, Any], is_wanted: Wanted, layer: str = "") -> list[Feature]:
    """Return properties and GeoJSON geometry of every feature.

    Parameters
    ----------
    document : parsed FeatureCollection or Topology
    is_wanted : tells from the properties of a topology's object whether it is the one looked for; asked only where
        there are several and none is named
    layer : name of the topology's object

    Raises
    ------
    FaultsError
        The document is not built as its format says, or it is not clear which object is meant.
    """
    try:
        return _features(document) if document["type"] == "FeatureCollection" else _joined(document, is_wanted, layer)
    except (KeyError, TypeError, IndexError, AttributeError, ValueError, OverflowError) as error:
        told = (
            str(error)[:300]
            if isinstance(error, ValueError)
            else "it is not built as its format says: a part is missing or of the wrong kind."
        )
        raise FaultsError([told], "The file of areas") from None


def _features(document: Mapping[str, Any]) -> list[Feature]:
    return [(_properties(feature), feature["geometry"]) for feature in _list(document["features"])]


def _properties(holder: Mapping[str, Any]) -> Mapping[str, Any]:
    properties = holder.get("properties") or {}
    return {**properties, "id": holder["id"]} if "id" in holder and "id" not in properties else dict(properties)


def _joined(document: Mapping[str, Any], is_wanted: Wanted, layer: str) -> list[Feature]:
    arcs = list(_arcs(document))
    objects = {str(name): _list(one["geometries"]) for name, one in document["objects"].items()}
    shapes = objects[_layer(objects, is_wanted, layer)]
    return [(_properties(shape), _geometry(shape, arcs)) for shape in shapes]


def _layer(objects: Mapping[str, list[Any]], is_wanted: Wanted, layer: str) -> str:
    names = [name[:40] for name in objects]
    if layer:
        if layer not in objects:
            raise ValueError(f'it has no layer "{layer}"; it has {", ".join(names)}.{nearest(layer, names)}')
        return layer
    if len(objects) == 1:
        return next(iter(objects))
    wanted = [name for name, shapes in objects.items() if is_wanted([_properties(one) for one in shapes])]
    if len(wanted) != 1:
        raise ValueError(f"name the layer to use, one of {', '.join(wanted or names)}.")
    return wanted[0]


def _arcs(document: Mapping[str, Any]) -> Iterator[list[Point]]:
    """Return the arcs in coordinates: with a transform each point is a step from the one before."""
    transform = document.get("transform")
    for arc in _list(document["arcs"]):
        if transform is None:
            yield [[float(point[0]), float(point[1])] for point in _list(arc)]
            continue
        (sx, sy), (tx, ty) = transform["scale"], transform["translate"]
        x = y = 0.0
        points = []
        for step in _list(arc):
            x, y = x + step[0], y + step[1]
            points.append([x * sx + tx, y * sy + ty])
        yield points


def _geometry(shape: Mapping[str, Any], arcs: Sequence[list[Point]]) -> object:
    kind = shape["type"]
    if kind == "Polygon":
        return {"type": kind, "coordinates": [_ring(ring, arcs) for ring in _list(shape["arcs"])]}
    if kind == "MultiPolygon":
        polygons = [[_ring(ring, arcs) for ring in _list(polygon)] for polygon in _list(shape["arcs"])]
        return {"type": kind, "coordinates": polygons}
    return {"type": kind}


def _ring(numbers: object, arcs: Sequence[list[Point]]) -> list[Point]:
    """Join arcs end to end; a negative number is an arc taken backwards, and the joint is written once."""
    ring: list[Point] = []
    for number in _list(numbers):
        # Python would take -1 for the last arc: TopoJSON means the first, backwards
        arc = arcs[number] if number >= 0 else arcs[~number][::-1]
        ring += arc[1:] if ring else arc
    return ring


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("no list")
    return value
