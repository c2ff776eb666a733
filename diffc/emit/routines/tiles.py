"""Matrix products in tiles of registers: what BLAS needs a call, a copy of its factors and threads for.

A tile of the result, a few rows by a few vectors, stays in registers while the inner axis goes by; each step
loads one row of b and one element of a for every row of the tile. Goto, van de Geijn: Anatomy of
high-performance matrix multiplication, 2008, without the packing, which matrices that fit into the cache
do not repay.
"""

from __future__ import annotations

from diffc import tuning
from diffc.emit.interface import Emitter, Module, Value
from diffc.emit.routines.blas import PRODUCT, product_by_blas
from diffc.ir import Extent
from diffc.ir.dtype import ITEM_SIZE

__all__ = ["matrix_product"]


def matrix_product(module: Module, kind: str, rows: Extent) -> str:
    """Return the symbol of a function that computes c = a @ b, emitted into the module on first use.

    It is made for products of so many rows; other ones it computes as well, by BLAS if need be.
    """
    lanes, height = module.target.lanes(ITEM_SIZE[kind]), _height(module, rows)

    def body(e: Emitter) -> None:
        def by_blas() -> None:
            e.call(product_by_blas(module, kind), None, 1, *e.arguments)

        e.either(_fits(e, lanes, height), lambda: _Tiles(e, kind, lanes, height).emit(), by_blas)

    return module.internal_function(f"matrix_product_{kind}x{height}", PRODUCT, body)


def _height(module: Module, rows: Extent) -> int:
    """Return the rows of a tile: 32 registers hold 8 of them with three vectors each, 16 registers 4.

    Where there are known to be fewer rows, the tile has half or a quarter of that.
    """
    height = 8 if module.target.registers == 32 else 4
    while isinstance(rows, int) and 1 < rows < height:
        height //= 2
    return height


def _fits(e: Emitter, lanes: int, height: int) -> Value:
    """Return whether a product runs in tiles: b lies row by row, and the sizes suit."""
    _, _, _, rows, columns, inner, *_, tb = e.arguments
    work = e.imul(e.imul(rows, columns), inner)
    fits = e.bnot(tb)
    for extent, least in ((rows, height), (columns, lanes)):
        fits = e.band(fits, e.icmp("sge", extent, e.constant("i64", least)))
    for extent, most in ((inner, tuning.TILE_LONGEST), (work, tuning.TILE_MOST_WORK)):
        fits = e.band(fits, e.icmp("sle", extent, e.constant("i64", most)))
    return fits


class _Tiles:
    """Emits a product in tiles.

    The last tiles begin early enough to be whole ones; what two tiles share, both compute alike.
    """

    def __init__(self, e: Emitter, kind: str, lanes: int, height: int) -> None:
        self.e, self.kind, self.lanes = e, kind, lanes
        self.c, self.a, self.b, self.rows, self.columns, self.inner, self.ldc, lda, self.ldb, ta, _ = (
            e.arguments
        )
        one = e.constant("i64", 1)
        self.row_step, self.inner_step = e.select(ta, one, lda), e.select(ta, lda, one)
        self.steps = [e.imul(self.row_step, e.constant("i64", r)) for r in range(height)]
        self.distances = [e.imul(self.ldc, e.constant("i64", r)) for r in range(height)]

    def emit(self) -> None:
        """Emit the panels of three vectors, then those of one."""
        e, lanes = self.e, self.lanes
        width = e.constant("i64", tuning.TILE_VECTORS * lanes)

        def fits(j: Value) -> Value:
            return e.icmp("sle", e.iadd(j, width), self.columns)

        def panel(j: Value) -> list[Value]:
            self._panel(j, tuning.TILE_VECTORS)
            return [e.iadd(j, width)]

        start = e.constant("i64", 0)
        (done,) = e.loop_while([start], fits, panel)
        last = e.isub(self.columns, e.constant("i64", lanes))

        def rest(j: Value) -> None:
            self._panel(e.imin(j, last), 1)

        e.count(done, self.columns, rest, step=lanes)

    def _panel(self, j: Value, vectors: int) -> None:
        """Emit the tiles of some vectors of columns, from column j on."""
        e, height = self.e, len(self.steps)
        last = e.isub(self.rows, e.constant("i64", height))

        def tile(i: Value) -> None:
            self._tile(e.imin(i, last), j, vectors)

        e.count(e.constant("i64", 0), self.rows, tile, step=height)

    def _tile(self, i: Value, j: Value, vectors: int) -> None:
        """Emit the tile whose first element is at row i and column j."""
        e, kind, lanes = self.e, self.kind, self.lanes
        a = e.gep(self.a, kind, e.imul(i, self.row_step))
        places = [e.constant("i64", v * lanes) for v in range(vectors)]

        def add(k: Value, *sums: Value) -> list[Value]:
            column = e.gep(a, kind, e.imul(k, self.inner_step))
            row = e.gep(self.b, kind, e.iadd(e.imul(k, self.ldb), j))
            right = [e.load(e.gep(row, kind, place), kind, lanes) for place in places]
            left = [e.splat(e.load(e.gep(column, kind, step), kind), lanes) for step in self.steps]
            pairs = [(x, y) for x in left for y in right]
            return [e.fma(x, y, total) for (x, y), total in zip(pairs, sums, strict=True)]

        zeros = [e.constant(kind, 0.0, lanes)] * (len(self.steps) * vectors)
        sums = e.count(e.constant("i64", 0), self.inner, add, zeros)
        c = e.gep(self.c, kind, e.iadd(e.imul(i, self.ldc), j))
        corners = [e.iadd(distance, place) for distance in self.distances for place in places]
        for corner, total in zip(corners, sums, strict=True):
            e.store(total, e.gep(c, kind, corner))
