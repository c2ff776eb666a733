"""The numbers that choose between forms of code, each with the measurement that chose it.

`python -m tests.bench.tuning NAME` tries other values of a number on programs for which it decides. Figures
are microseconds on one core of a Zen 5 with AVX-512 unless a text says otherwise, sizes numbers of elements.
"""

from __future__ import annotations

# -- the schedule: which loops, and what is in memory

LITTLE_WORK = 64
"""Up to so many rounds of the loops inside, a function that is called once costs more than they do."""

FULL_VECTOR = 8
"""From so many rounds on a loop fills vectors, which pay for the memory that they read from."""

SHORT_AXIS = 12
"""Up to this extent an axis is short: vectors run along another one."""

LONG_AXIS = 64
"""From this extent on an axis is long, and where nobody knows it."""

WIDE_AXIS = 16
"""From this extent on another axis than a short one serves vectors better."""

BATCH_WORTH_A_COPY = 4
"""A transposed operand that so many matrices of a batch read is copied, once."""

NARROW_FACTOR = 1 << 12
"""Up to this size the second factor of a product with few columns is copied by columns."""

INLINE_PANEL = 512
"""A product with a static factor or result of up to this size runs in our own loops, not in tiles or BLAS."""

INLINE_WORK = 8192
"""So does a product of up to this many multiplications, all extents static."""

TRANSPOSED_FACTOR = 1 << 16
"""A second factor of up to this size that is read transposed is copied: tiles need it row by row."""

ROWS_WORTH_A_COPY = 16
"""From so many rows of the first factor on, that copy pays."""

HELD_COLUMN = 512
"""A column of up to this size that is added up stays in the nearest cache."""

CHEAP_COST = 2
"""Up to this cost operations are no slower than a load: their readers compute them anew."""

LARGE_VALUE = 1 << 12
"""From so many elements on, and where nobody knows their number, memory counts."""

FEW_READS = 16
"""A product may compute an element anew so many times over: most of them side by side."""

SMALL_SHARE = 8
"""What is smaller than a value by this factor may be kept in memory for computing it anew."""

# -- the passes of Loops

KEPT_BUFFER = 256
"""A buffer of no more elements is in the nearest cache anyway: it keeps its axes."""

JAM_WIDTHS = (5, 6, 4, 3, 2)
"""How many rounds may run side by side, the best first."""

JAM_FREE_REGISTERS = 6
"""What the rounds share, and addresses of the code generator's own, need so many registers."""

JAM_LARGEST_BODY = 24
"""Rounds of more statements than this have work of their own to overlap."""

WIDEN_MOST = 4
"""How many vectors of lanes run side by side at most."""

WIDEN_FREE_REGISTERS = 4
"""What is repeated over the lanes, and addresses of the code generator's own, need so many registers."""

WIDEN_LARGEST_BODY = 64
"""Rounds of more statements than this have work of their own to overlap."""

OUTLINE_MIN_CALLS = 4
"""A nest that occurs less often is emitted in place: there LLVM knows that its arrays do not overlap."""

OUTLINE_MAX_ROUNDS = 64
"""A nest of more rounds takes so long that what LLVM makes of it in place is worth its time."""

# -- emitting

INLINED_MATHS_CALLS = 64
"""With more calls of maths functions than this they stay functions: code size and compile time."""

REDUCTION_ACCUMULATORS = 4
"""How many vectors a short reduction adds up side by side."""

SHORT_BODY = 12
"""Up to this many statements, none of them a call, a reduction's body is short."""

TILE_VECTORS = 3
"""How many vectors of columns a tile of a matrix product has."""

TILE_LONGEST = 4096
"""The panel of b that a tile passes over, this many rows of three vectors, stays in the second cache."""

TILE_MOST_WORK = 1 << 26
"""With more multiplications than this the threads and the packing of BLAS can pay."""

SORT_RUN = 8
"""Elements that are sorted by insertion before runs are merged."""

TRANSPOSE_TILE = 8
"""Rows and columns of a tile that is transposed at a time: a cache line of f64."""

# -- calls, in bytes

STACK_WORKSPACE = 32 << 10
"""A workspace up to this size lies on the stack, a larger one is allocated for the call."""

RELEASE_GIL = 128 << 10
"""A kernel that touches at least this much runs without the GIL; to give it up costs 50 ns, and waiting to
get it back may cost a thread switch, which a tiny kernel should not pay."""

LARGE_WORKSPACE = 8 << 20
"""Above this size blocks pay, whose part of the workspace stays in the caches. No entry serves a call whose
shapes make the workspace larger: the runtime then has time to see whether the program can be cut."""

LARGE_RESULTS = 16 << 20
"""Larger results would push everything else out of the caches, and be read into them first: where the caller
gives the memory they are written by non-temporal stores. No entry serves such a call, either. For results
that fit the last cache such stores lose: 250 us instead of 135."""

# -- blocks of a program that is cut along one axis

BLOCK_COST = 4_000_000
"""The work of a block, in multiplications: some 100 us. A thread that wakes up takes some 50 us to begin."""

MIN_BLOCKS = 8
"""A program with less work than that of so many blocks runs as it is, if blocks are for several threads."""

MIN_BLOCKS_ALONE = 2
"""The same, if blocks are to keep memory in the caches."""

MAX_BLOCKS = 64
"""More blocks than this serve no more cores."""

BLOCK_MEMORY = 768 << 10
"""The bytes of workspace that stay in a core's own cache. For their sake blocks are smaller, ..."""

BLOCK_LEAST_PART = 8
"""... but have this part of a block's work each, ..."""

PARTS_MEMORY = 16 << 20
"""... and more, unless the parts of reductions then take more bytes than this."""

BLOCK_WIDTH = 64
"""A block of an axis that is not the first of each array has so many places at least. Narrow ones are copied
in short pieces and leave vectors empty: in blocks of 3 columns, a variance took eight times as long."""

# -- how much effort LLVM may spend, in lines of a module
#
# How the cost of one straight-line block of fmul, fadd and fma grows, in seconds (Zen 5, LLVM 22):
#
#     instructions                        1,000    5,000   10,000   30,000   100,000
#     code generator at level 1            0.04     0.24      0.5      2.8        30
#     level 0, one block                   0.01     0.08     0.15      1.4
#     level 0, cut every 500               0.005    0.03     0.06      0.2       0.8
#     run time of level 0 : level 1        1.15               1.4      1.4
#
# Of level 1's 2.8 s the greedy register allocator takes 2.0 s (it is quadratic in the block's length), the
# scheduler 0.3 s, selection 0.3 s. The "basic" allocator is worse still (20 s at 30,000). Level 0 is
# quadratic only because FastISel measures the rest of the block at each instruction that it must hand over
# (fma is one): cutting blocks makes it linear. Levels 2 and 3 cost 10 to 20 % more than 1 and gain nothing
# here. Whole, measured: 0.65 s at 10,000, 0.7 s at 30,000, 3 s at 100,000.

LONG_BLOCK = 2_000
"""A longer block is cut, and optimised less: 5,000 lines with many values alive take 4 s whole, 0.2 s cut."""

HUGE_BLOCK = 12_000
"""A module with a longer block is not optimised at all."""

LONGEST_BLOCK = 30_000
"""Code for a longer block is generated at level 0."""

CUT_EVERY = 500
"""The length of the pieces of a block that is cut."""

MANY_CALLS = 200
"""With more calls that write memory O2 looks past each of them at each access; O1 takes 0.7 of its time."""

MANY_LINES = 6_000
"""In longer modules nothing is unrolled: O2 takes 5 s for 14,000 lines with 300 loops that are, and 0.3 s for
30,000 in a straight line."""
