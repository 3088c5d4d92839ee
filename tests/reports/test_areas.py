import json

import numpy as np
import pytest

from evaltoolkit.findings import EvaltoolkitError, FaultsError
from evaltoolkit.reports import areas as areas_module
from evaltoolkit.reports.areas import read_areas

RING = [[4.3, 51.1], [4.5, 51.1], [4.5, 51.2], [4.3, 51.1]]
HOLE = [[4.40, 51.11], [4.45, 51.11], [4.45, 51.12], [4.40, 51.11]]


def feature(code="11002", coordinates=None, kind="Polygon", **properties):
    geometry = {"type": kind, "coordinates": [RING] if coordinates is None else coordinates}
    return {"type": "Feature", "properties": {"nis": code, **properties}, "geometry": geometry}


def collection(*features, **more):
    return {"type": "FeatureCollection", "features": list(features), **more}


def topology(**objects):
    """Two triangles that share an arc, steps of a hundredth of a degree from 4 East, 51 North."""
    return {
        "type": "Topology",
        "transform": {"scale": [0.01, 0.01], "translate": [4, 51]},
        "arcs": [[[0, 0], [10, 0]], [[10, 0], [-5, 10], [-5, -10]], [[0, 0], [5, -10], [5, 10]]],
        "objects": objects,
    }


def written(folder, document):
    path = folder / "areas.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return path


def test_polygons_and_multipolygons_of_a_code_are_joined(tmp_path):
    multi = feature(11001, [[RING, HOLE], [RING]], "MultiPolygon")
    found = read_areas(written(tmp_path, collection(feature(), multi, feature(["11001"]))))
    assert {code: len(rings) for code, rings in found.rings.items()} == {"11002": 1, "11001": 4}
    assert found.rings["11002"][0] == tuple(map(tuple, RING))


def test_arcs_of_a_topology_are_joined_forwards_and_backwards(tmp_path):
    shapes = [
        {"type": "Polygon", "arcs": [[0, 1]], "properties": {"code_ins": 11001}},
        {"type": "MultiPolygon", "arcs": [[[2, -1]]], "id": "11002"},
    ]
    found = read_areas(written(tmp_path, topology(towns={"type": "GeometryCollection", "geometries": shapes})))
    north, south = (np.array(found.rings[code]) for code in ("11001", "11002"))
    assert north == pytest.approx(np.array([[(4.0, 51.0), (4.1, 51.0), (4.05, 51.1), (4.0, 51.0)]]))
    assert south == pytest.approx(np.array([[(4.0, 51.0), (4.05, 50.9), (4.1, 51.0), (4.0, 51.0)]]))


def test_a_layer_is_found_by_its_codes_or_must_be_named(tmp_path):
    def layer(code, arcs):
        return {"type": "GeometryCollection", "geometries": [{"type": "Polygon", "arcs": [arcs], "id": code}]}

    path = written(tmp_path, topology(towns=layer("11001", [0, 1]), provinces=layer("10000", [2, -1])))
    assert list(read_areas(path).rings) == ["11001"]
    path = written(tmp_path, topology(old=layer("11001", [0, 1]), new=layer("11002", [2, -1])))
    with pytest.raises(FaultsError, match="name the layer to use, one of old, new"):
        read_areas(path)
    assert list(read_areas(path, layer="new").rings) == ["11002"]
    with pytest.raises(FaultsError, match='Did you mean "new"'):
        read_areas(path, layer="newer")


def test_the_property_can_be_named(tmp_path):
    path = written(tmp_path, collection(feature("no code", gemeente="11002")))
    with pytest.raises(FaultsError, match='area 1: property "nis" is "no code"'):
        read_areas(path)
    assert list(read_areas(path, code="gemeente").rings) == ["11002"]
    with pytest.raises(FaultsError, match='Did you mean "gemeente"'):
        read_areas(path, code="gemeent")


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ("no json", "no GeoJSON"),
        ("[" * 100_000, "no GeoJSON"),
        ('{"type": "FeatureCollection", "type": "Topology"}', "stands twice"),
        ('{"type": "FeatureCollection", "features": [NaN]}', "NaN is no number"),
        ("9" * 5000, "no GeoJSON"),
        ({"type": "Feature"}, "FeatureCollection"),
        ({"type": "FeatureCollection"}, "a part is missing"),
        ({"type": "Topology", "arcs": [], "objects": []}, "a part is missing"),
        (collection(), "holds no area"),
        (collection({"type": "Feature", "properties": None, "geometry": None}), "no property holds the NIS code"),
        (collection({"type": "Feature", "properties": {"nis": 11002}, "geometry": None}), "geometry is empty"),
        (collection(feature(kind="Point", coordinates=[4, 51])), "geometry is Point"),
        (collection(feature(kind="GeometryCollection")), "geometry is GeometryCollection"),
        (collection(feature(True)), "no municipality code"),
        (collection(feature("99999")), "no municipality code"),
        (collection(feature(coordinates=[])), "coordinates are empty"),
        (collection(feature(coordinates=[RING[:-1]])), "not closed"),
        (collection(feature(coordinates=[[["4", 51]] * 4])), "no pair of numbers"),
        (collection(feature(coordinates=[[[True, 51]] * 4])), "no pair of numbers"),
        (collection(feature(coordinates=[[[152000, 212000]] * 4])), "Lambert 72"),
        (collection(feature(coordinates=[[[51.1, 4.3]] * 4])), "outside Belgium"),
        (
            collection(feature(), crs={"type": "link", "properties": {"href": "https://example.org"}}),
            "outside the file",
        ),
        (collection(feature(), crs={"type": "name", "properties": {"name": "EPSG:31370"}}), "Convert it to WGS84"),
        (topology(towns={"geometries": [{"type": "Polygon", "arcs": [[7]], "id": "11001"}]}), "a part is missing"),
        (topology(towns={"geometries": [{"type": "Polygon", "arcs": [["0"]], "id": "11001"}]}), "a part is missing"),
        (
            topology(towns={"geometries": [{"type": "Point", "coordinates": [0, 0], "id": "11001"}]}),
            "geometry is Point",
        ),
    ],
)
def test_anything_else_is_refused_with_a_reason(tmp_path, document, told):
    with pytest.raises(EvaltoolkitError, match=told):
        read_areas(written(tmp_path, document))


def test_wgs84_by_name_is_accepted(tmp_path):
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}
    assert read_areas(written(tmp_path, collection(feature(), crs=crs))).rings


def test_size_is_limited(tmp_path, monkeypatch):
    path = written(tmp_path, collection(feature(), feature("11001")))
    monkeypatch.setattr(areas_module, "MAX_POINTS", 6)
    with pytest.raises(EvaltoolkitError, match="more than 6 points"):
        read_areas(path)
    monkeypatch.setattr(areas_module, "MAX_BYTES", 100)
    with pytest.raises(EvaltoolkitError, match="is larger than"):
        read_areas(path)
    with pytest.raises(EvaltoolkitError, match="cannot be opened"):
        read_areas(tmp_path / "nowhere.json")
