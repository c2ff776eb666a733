"""diffc beside other tools on whole workloads: warm calls, first results, floors, agreement."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from time import time
from typing import Any

import numpy as np

from tests.bench.workloads import EXTRA, PACKAGES, TOOLS, WORKLOADS

AGREE = {"mlp32": 1e-4}
"""How far results may lie apart, relative to the largest element; 1e-10 elsewhere."""

Figures = dict[str, Any]


def run(
    names: Sequence[str] = WORKLOADS,
    scales: Sequence[float] = (1.0,),
    tools: Sequence[str] = (*TOOLS, *EXTRA),
) -> dict[str, Figures]:
    """Print and return the figures of workloads: one block each."""
    found: dict[str, Figures] = {}
    for name in names:
        for scale in scales:
            label = name if scale == 1 else f"{name} x {scale:g}"
            found[label] = _workload(name, scale, tools)
            _print(label, found[label])
    return found


def _workload(name: str, scale: float, tools: Sequence[str]) -> Figures:
    workload = import_module(f"tests.bench.workloads.{name}")
    figures: Figures = {}
    with tempfile.TemporaryDirectory() as cache:
        for tool in tools:
            package = PACKAGES.get(tool, tool)
            if not hasattr(workload, tool) or (
                tool not in EXTRA and importlib.util.find_spec(package) is None
            ):
                continue
            figures[tool] = _measure(name, tool, scale, cache)
            if tool == "diffc" and "error" not in figures[tool]:
                again = _measure(name, tool, scale, cache)
                figures[tool]["process_cached"] = again["process_to_first_result"]
                figures[tool]["cached"] = again["build_and_first_call"]
    _compare(name, figures)
    return figures


def _measure(name: str, tool: str, scale: float, cache: str) -> Figures:
    threads = "" if tool.startswith("parallel") else "1"
    environment = dict(os.environ, DIFFC_CACHE_DIR=cache, JAX_PLATFORMS="cpu")
    for each in ("OMP", "OPENBLAS", "MKL", "NUMEXPR"):
        environment[f"{each}_NUM_THREADS"] = "1"
    if threads:
        environment["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    command = [sys.executable, "-W", "ignore", "-m", "tests.bench.one", name, tool, str(scale), str(time())]
    if threads and hasattr(os, "sched_setaffinity"):
        command = ["taskset", "-c", str(min(os.sched_getaffinity(0))), *command]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"error": (done.stderr.strip().splitlines() or ["it failed"])[-1][:200]}
    return json.loads(done.stdout.strip().splitlines()[-1])


def _compare(name: str, figures: Figures) -> None:
    """Note, for each tool, how far its results lie from diffc's."""
    reference = figures.get("diffc", {}).get("results")
    for each in figures.values():
        if reference and each.get("results"):
            apart = 0.0
            for ours, theirs in zip(reference, each["results"], strict=True):
                size = max(abs(ours[0]), 1e-300)
                apart = max(apart, *(abs(a - b) / size for a, b in zip(ours, theirs, strict=True)))
            each["apart"] = apart
            each["agrees"] = apart <= AGREE.get(name, 1e-10) * 10
        each.pop("results", None)


def _print(label: str, figures: Figures) -> None:
    print(f"{label:17s}{'us':>12s}{'x diffc':>9s}{'first s':>9s}{'process s':>10s}  results")
    ours = figures.get("diffc", {}).get("microseconds")
    for tool, each in figures.items():
        if "error" in each:
            print(f"  {tool:15s}  {each['error']}")
            continue
        ratio = f"{each['microseconds'] / ours:8.2f}" if ours else ""
        agrees = "" if "apart" not in each or tool == "diffc" else f"{each['apart']:.0e} apart"
        agrees += "" if each.get("agrees", True) else "  DIFFERENT"
        first = f"{each['build_and_first_call']:9.3f}{each['process_to_first_result']:10.3f}"
        print(f"  {tool:15s}{each['microseconds']:12.2f}{ratio:>9s}{first}  {agrees}")
    summary = summarise(figures)
    print("  " + "; ".join(f"{key} {value:.2f}" for key, value in summary.items()), flush=True)


def summarise(figures: Figures) -> dict[str, float]:
    """Return the ratios of one workload: to the best other tool, the floor and the primal; seconds cached."""
    ours = figures.get("diffc", {})
    if "microseconds" not in ours:
        return {}
    others = [v["microseconds"] for k, v in figures.items() if k in TOOLS[1:] and "microseconds" in v]
    found: dict[str, float] = {}
    if others:
        found["best other / diffc"] = min(others) / ours["microseconds"]
    for key, name in (("floor", "diffc / floor"), ("primal", "gradient / primal")):
        if "microseconds" in figures.get(key, {}):
            found[name] = ours["microseconds"] / figures[key]["microseconds"]
    pairs = {"one thread / all": ("diffc", "parallel"), "in given memory": ("reused", "parallel_reused")}
    for name, (one, all_) in pairs.items():
        if "microseconds" in figures.get(one, {}) and "microseconds" in figures.get(all_, {}):
            found[name] = figures[one]["microseconds"] / figures[all_]["microseconds"]
    found["process to first result, cached"] = ours["process_cached"]
    found["build, cached"] = ours["cached"]
    return found


def draw(figures: dict[str, Figures], path: Path) -> None:
    """Draw the microseconds of every tool on every workload, on a logarithmic axis."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    tools = [tool for tool in (*TOOLS, "floor") if any(tool in each for each in figures.values())]
    fig, axes = plt.subplots(figsize=(2 + 1.4 * len(figures), 4.5), layout="constrained")
    width = 0.8 / len(tools)
    for k, tool in enumerate(tools):
        values = [each.get(tool, {}).get("microseconds", np.nan) for each in figures.values()]
        at = np.arange(len(figures)) + (k - (len(tools) - 1) / 2) * width
        axes.bar(at, values, width, label=tool, color="0.75" if tool == "floor" else f"C{k}")
    axes.set_yscale("log")
    axes.set_xticks(np.arange(len(figures)), list(figures))
    axes.set_ylabel("microseconds a call")
    axes.legend(ncols=4, loc="upper left", fontsize="small")
    fig.savefig(path, dpi=150)
    plt.close(fig)
