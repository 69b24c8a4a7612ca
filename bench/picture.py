"""The drawing of a run: time against size, all peers, and the limit."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from side_by_side import Run

TITLES = {"step": "a step of Adam, called from Python", "epoch": "a step of Adam, in an epoch inside the engine"}


def draw(run: Run, file: Path) -> str:
    """Write the picture and return a sentence about it."""
    if importlib.util.find_spec("matplotlib") is None:
        return "no picture: matplotlib is not installed"
    from matplotlib.figure import Figure

    shown = [r for r in run.results if not r["net"].endswith("digits")]
    panels = [(w, d) for w in TITLES for d in dict.fromkeys(r["dtype"] for r in shown if r["what"] == w)]
    if not panels:
        return "no picture: no step and no epoch was measured"
    figure = Figure(figsize=(7 * min(2, len(panels)), 5 * -(-len(panels) // 2)), layout="constrained")
    axes = figure.subplots(-(-len(panels) // 2), min(2, len(panels)), squeeze=False).flat
    for axis, (what, dtype) in zip(axes, panels):
        rows = sorted((r for r in shown if (r["what"], r["dtype"]) == (what, dtype)), key=lambda r: r["flops"])
        for i, label in enumerate(dict.fromkeys(r["peer"] for r in sorted(rows, key=lambda r: r["peer"]))):
            mine = [r for r in rows if r["peer"] == label]
            style = {"color": "black", "linewidth": 2.5, "zorder": 3} if label == "densegrad" else {"color": f"C{i}"}
            axis.plot([r["flops"] for r in mine], [r["median_us"] for r in mine], "o-", label=label, **style)
        sizes = sorted({r["flops"]: r for r in rows}.values(), key=lambda r: r["flops"])
        axis.plot([r["flops"] for r in sizes], [r["products_us"] for r in sizes], "k--", label="its products alone")
        peak = run.limits[0][dtype]
        axis.plot([r["flops"] for r in sizes], [1e6 * r["flops"] / peak for r in sizes], "k:", label="practical peak")
        for r in sizes:
            axis.annotate(r["net"], (r["flops"], r["products_us"]), (0, -14), textcoords="offset points", fontsize=7)
        axis.set(xscale="log", yscale="log", title=f"{TITLES[what]}, {dtype}")
        axis.set(xlabel="floating-point operations in the products of a step", ylabel="microseconds per step, median")
        axis.grid(alpha=0.3)
        axis.legend(fontsize=7)
    figure.savefig(file)
    return f"picture: {file}"
