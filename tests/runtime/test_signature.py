"""Signatures: their JSON form, and that hostile JSON is refused with one clear error."""

from __future__ import annotations

import json

import pytest

from diffc.errors import ArtefactError, DiffcError
from diffc.ir import parse_extent, parse_type
from diffc.runtime import NamedType, Signature

SIGNATURE = Signature(
    "f; import os",
    (NamedType("x", parse_type("f64[N, 2*N-1]")), NamedType("a b", parse_type("bool"))),
    (NamedType("y", parse_type("f32[N]")), NamedType("z", parse_type("i64"))),
    (1, (0,)),
    ("N",),
    parse_extent("8*N**2+64"),
    ("index out of range",),
    ("dgemm_",),
    "fast",
)


def test_json_round_trip():
    data = json.loads(json.dumps(SIGNATURE.to_json()))
    assert Signature.from_json(data) == SIGNATURE


HOSTILE = [
    {"name": 3},
    {"name": ""},
    {"name": "x" * 10_000},
    {"name": "a\0b"},
    {"name": "\ud800"},
    {"inputs": {}},
    {"inputs": [["x"]]},
    {"inputs": [["x", "f64[N, 2*N-1]", 1]]},
    {"inputs": [["x", "c128"]]},
    {"inputs": [["x", "f64[__import__('os')]"]]},
    {"inputs": [["x", "f64[N,N]"]]},
    {"inputs": [["x", "f64[-1]"]]},
    {"inputs": [["x", 5]]},
    {"inputs": [["x", "f64[N]"], ["x", "f64[N]"]]},
    {"inputs": [["x", "f64[N]"]] * 100_000},
    {"outputs": None},
    {"outputs": [["y", "f64[M]"], ["z", "f64"]]},
    {"tree": 2},
    {"tree": True},
    {"tree": [0, 0]},
    {"tree": [0]},
    {"tree": [-1, 0]},
    {"tree": "0"},
    {"symbols": ["N", "N"]},
    {"symbols": []},
    {"symbols": ["N; ret"]},
    {"symbols": "N"},
    {"workspace": 64},
    {"workspace": "-64"},
    {"workspace": "8 * N"},
    {"workspace": "M"},
    {"workspace": "9" * 4000},
    {"checks": [None]},
    {"externals": ["../../x"]},
    {"math": "exact"},
    {"math": ["fast"]},
    {"lowering": None},
    {"extra": 1},
]


@pytest.mark.parametrize("change", HOSTILE, ids=[str(change)[:40] for change in HOSTILE])
def test_hostile_values_are_refused(change):
    with pytest.raises(ArtefactError):
        Signature.from_json({**SIGNATURE.to_json(), **change})


def test_hostile_structures_are_refused():
    nested: list = []
    for _ in range(10_000):
        nested = [nested]
    for data in (None, [], "x", 1, {}, {**SIGNATURE.to_json(), "tree": nested}):
        with pytest.raises(ArtefactError):
            Signature.from_json(data)
    missing = SIGNATURE.to_json()
    del missing["tree"]
    with pytest.raises(ArtefactError, match="exactly the fields"):
        Signature.from_json(missing)


def test_contradictions_are_refused():
    x = NamedType("x", parse_type("f64[N]"))
    with pytest.raises(DiffcError, match="not listed"):
        Signature("f", (x,), (), ())
    with pytest.raises(DiffcError, match="each output once"):
        Signature("f", (x,), (x,), (), ("N",))
