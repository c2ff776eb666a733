"""The numbers that choose between forms of code, each with what was measured for it, where it could be.

They are those of the schedule, of the passes of Loops, of the emitters, of calls and of blocks. What an
operation costs stands with the operations, and what the optimiser takes apart with its passes.

`python -m tests.bench.tuning NAME` tries other values of a number on programs for which it decides. Figures
are microseconds on one core of a Zen 5 with AVX-512 unless a text says otherwise, sizes numbers of elements.
"""

from __future__ import annotations

# -- the schedule: which loops, and what is in memory

LITTLE_WORK = 64
"""Up to so many rounds of the loops inside, a function that is called once costs more than they do.

A logistic regression's gradient, 5,000 by 30: 230 for 0 and 16, 53 for 64 and 256."""

FULL_VECTOR = 8
"""From so many rounds on a loop fills vectors, which pay for the memory that they read from.

The same regression: 53 for 4, 8 and 16. sum(tanh(a @ b)), 2,000 by 8 by 8: 38 for 4 and 8, 26 for 16."""

SHORT_AXIS = 12
"""Up to this extent an axis is short: vectors run along another one.

2,000 by 40 times 40 by 5: 23 for 4, 19.5 for 12 and 32."""

LONG_AXIS = 64
"""From this extent on an axis is long, and where nobody knows it."""

WIDE_AXIS = 16
"""From this extent on another axis than a short one serves vectors better.

500 by 12 times 12 by 5: 4.0 for 8, 2.1 for 16 and 32. With 20 for 12: 4.7 for 8 and 16, 2.9 for 32."""

BATCH_WORTH_A_COPY = 4
"""A transposed operand that so many matrices of a batch read is copied, once."""

NARROW_FACTOR = 1 << 12
"""Up to this size the second factor of a product with few columns is copied by columns."""

INLINE_PANEL = 512
"""A product with a static factor or result of up to this size runs in our own loops, not in tiles or BLAS.

20 by 300 times 300 by 20: 6.3 for 128, 5.2 for 512 and 2,048. 200 by 30 by 30: 7.2, 7.2 and 7.7."""

INLINE_WORK = 8192
"""So does a product of up to this many multiplications, all extents static.

16, 24 and 32 cubed: 0.47, 0.83 and 1.5 in tiles, 0.46, 0.79 and 1.46 in our own loops: no difference."""

TRANSPOSED_FACTOR = 1 << 16
"""A second factor of up to this size that is read transposed is copied: tiles need it row by row."""

ROWS_WORTH_A_COPY = 16
"""From so many rows of the first factor on, that copy pays."""

HELD_COLUMN = 512
"""A column of up to this size that is added up stays in the nearest cache.

transpose(a) @ (a @ b), 4,000 by 200: 190 for 64, 135 for 512, 138 for 4,096."""

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
"""A buffer of no more elements is in the nearest cache anyway: it keeps its axes.

The gradient of sum(square(softmax(a @ b))), 300 by 30 by 16: 36 for 0, 41 for 256, 38 for 4,096; what is
kept lets rounds of mixtures be jammed (docs/decisions/0016)."""

JAM_WIDTHS = (5, 6, 4, 3, 2)
"""How many rounds may run side by side, the best first.

10 by 100 by 9: 1.46 alone, 0.89 for two and four, 0.60 for five. 12 by 40 by 16: 0.82, 0.59, 0.55 (four).
"""

JAM_REST = 4
"""How many rounds run side by side at most where some are left over."""

JAM_FREE_REGISTERS = 6
"""What the rounds share, and addresses of the code generator's own, need so many registers.

10 by 100 by 30, factors transposed: 1.65 for 2, 1.58 for 6, 1.59 for 12."""

JAM_LARGEST_BODY = 24
"""Rounds of more statements than this have work of their own to overlap.

10 by 100 by 9 below exp: 1.50 for 8, 1.48 for 24 and 96."""

WIDEN_MOST = 4
"""How many vectors of lanes run side by side at most.

30 by 6 by 80: 1.03 for one, 0.87 for two, 0.92 for four and eight."""

WIDEN_FREE_REGISTERS = 4
"""What is repeated over the lanes, and addresses of the code generator's own, need so many registers.

30 by 6 by 80: 0.91 for 0, 0.90 for 4, 0.88 for 12."""

WIDEN_LARGEST_BODY = 64
"""Rounds of more statements than this have work of their own to overlap.

tanh(a @ b)*(a @ b), 30 by 6 by 80: 3.24 for 8, 64 and 256."""

OUTLINE_MIN_CALLS = 4
"""A nest that occurs less often is emitted in place: there LLVM knows that its arrays do not overlap.

40 steps of a recursion of three: 1.87 and 185 ms to compile for 2 and 4, 1.85 and 538 ms without."""

OUTLINE_MAX_ROUNDS = 64
"""A nest of more rounds takes so long that what LLVM makes of it in place is worth its time.

The same recursion, whose nests have nine rounds: 1.87 to 1.89 for 16, 64 and 1,024."""

# -- emitting

INLINED_MATHS_CALLS = 64
"""With more calls of maths functions than this they stay functions: code size and compile time.

60 calls in a formula of scalars: 0.55 and 170 ms to compile inlined, 0.56 and 52 ms as functions."""

REDUCTION_ACCUMULATORS = 4
"""How many vectors a short reduction adds up side by side.

sum(x*x) of 2,000: 0.45 for one, 0.33 for two, 0.31 for four, 0.32 for eight."""

SHORT_BODY = 12
"""Up to this many statements, none of them a call, a reduction's body is short.

sum(x*x*(1 - x)*(2 + x*x)) of 2,000: 0.47 for 4, 0.39 for 12 and 40."""

TILE_VECTORS = 3
"""How many vectors of columns a tile of a matrix product has.

200 by 200 by 192: 267 for one to three, 296 for four."""

TILE_LONGEST = 4096
"""The panel of b that a tile passes over, this many rows of three vectors, stays in the second cache.

64 by 2,000 by 96: 435 in tiles, 547 by BLAS on one thread.
"""

TILE_MOST_WORK = 1 << 26
"""With more multiplications than this the threads and the packing of BLAS can pay.

200 cubed: 278 in tiles, 317 by BLAS on one thread, 180 on two; 500 cubed: 4,480, 4,910 and 2,460.
"""

SORT_RUN = 8
"""Elements that are sorted by insertion before runs are merged."""

TRANSPOSE_TILE = 8
"""Rows and columns of a tile that is transposed at a time: a cache line of f64."""

# -- calls, in bytes but for the first

MAX_ENTRY = 256
"""With more inputs and outputs than this the compiled way in would take LLVM longer than it ever saves."""

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

CACHE_LINE = 64
"""A line of the caches, and the widest vector: buffers and results begin with one."""

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

MAX_ENGINES = 15_000
"""So many kernels may be alive where LLVM itself loads them: each takes three of the 65,530 maps that Linux
allows a process, and beyond them LLVM ends it. On x86-64 Linux kernels share maps: there is no such limit."""

LLVM_MEMORY = 16 << 20
"""The bytes that LLVM takes to compile anything."""

LLVM_MEMORY_PER_BYTE = 60
"""The bytes that it takes besides for each byte of text: a sum of 20,000 sines, 2.7 MB, takes 134 MB."""
