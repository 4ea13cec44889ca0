"""A run of a benchmark as Markdown and as a picture."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np

from lookweave.text import visible

_INTERVALS = (
    "Intervals: 95 %, 2,000 resamples of whole clusters of queries, or exact where all or none is "
    "found."
)


def markdown(found: dict[str, Any]) -> str:
    """A page with a table for each task, by category and difficulty, and all comparisons."""
    lines = [f"# {_cell(found['title'])}"]
    if found["notes"] or found["rejects"]["count"]:
        lines.append("")
    lines += [f"- {_cell(note)}" for note in found["notes"]]
    if found["rejects"]["count"]:
        first = "; ".join(
            f"{_cell(name)}: {_cell(why)}" for name, why in found["rejects"]["first"].items()
        )
        lines.append(f"- {found['rejects']['count']} photos could not be used: {first}")
    for task in found["tasks"]:
        own = "" if task["by_its_own_rule"] else " (not the benchmark's own rule)"
        lines += [
            "", f"## {_cell(task['task'])}", "",
            f"{task['queries']} queries, {task['gallery']} in the gallery; regions: "
            f"{task['regions']}{own}. {task['rule']}",
        ]  # fmt: skip
        lines += _task_tables(task)
    lines += _comparisons(found["comparisons"])
    lines += ["", _INTERVALS, ""]
    return "\n".join(lines)


def picture(found: dict[str, Any]) -> bytes:
    """R@k over the size of the gallery, a panel for each task, as PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    tasks = found["tasks"]
    across = min(3, len(tasks))
    down = -(-len(tasks) // across)
    figure = Figure(figsize=(4.2 * across, 3.4 * down), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(down, across, squeeze=False).ravel()
    for panel in panels[len(tasks) :]:
        panel.set_axis_off()
    for panel, task in zip(panels, tasks, strict=False):
        name = f"R@{task['cutoffs'][0]}"
        for models, table in task["systems"].items():
            for meaning, tables in table["right"].items():
                rows = tables["gallery_sizes"]
                x = [row["gallery"] for row in rows]
                y = np.array([row[name]["value"] for row in rows])
                ends = np.array([row[name]["ci95"] or [row[name]["value"]] * 2 for row in rows])
                away = np.clip([y - ends[:, 0], ends[:, 1] - y], 0.0, None)
                panel.errorbar(x, y, yerr=away, marker="o", capsize=3, label=f"{models}, {meaning}")
        panel.set(title=task["task"], xlabel="gallery", ylabel=name, xscale="log", ylim=(0, 1.02))
        panel.legend(fontsize="x-small")
    held = BytesIO()
    figure.savefig(held, format="png", dpi=120, metadata={"Software": None})
    return held.getvalue()


def _task_tables(task: dict[str, Any]) -> list[str]:
    lines = []
    rows = [(models, meaning, tables) for models, table in task["systems"].items()
            for meaning, tables in table["right"].items()]  # fmt: skip
    names = [name for name in rows[0][2]["measures"] if name != "queries"]
    lines += _head(["models", "right", *names])
    lines += [_row([models, meaning, *_values(tables["measures"], names)])
              for models, meaning, tables in rows]  # fmt: skip
    for models, table in task["systems"].items():
        if table["queries_without_region"]:
            lines += ["", f"{_cell(models)}: in {table['queries_without_region']} queries no "
                      "region was found, so they are misses."]  # fmt: skip
    for key, title in (("by_category", "category"), ("by_difficulty", "difficulty")):
        if any(len(tables[key]) > 1 for *_, tables in rows):
            lines += _head(["models", "right", title, "queries", *names])
            lines += [
                _row([models, meaning, group, str(own["queries"]), *_values(own, names)])
                for models, meaning, tables in rows
                for group, own in tables[key].items()
            ]
    first = f"R@{task['cutoffs'][0]}"
    lines += _head(["models", "right", "gallery", first])
    lines += [
        _row([models, meaning, f"{size['gallery']:,}", *_values(size, [first])])
        for models, meaning, tables in rows
        for size in tables["gallery_sizes"]
    ]
    return lines


def _comparisons(rows: list[dict[str, Any]]) -> list[str]:
    if not rows:
        return []
    lines = ["", "## Compared", "", "Hits at the first cutoff, query by query: exact McNemar "
             "tests, adjusted for their number by Holm's method."]  # fmt: skip
    lines += _head(["task", "right", "models", "against", "gained", "lost", "p", "p (Holm)"])
    return lines + [
        _row([row["task"], row["right"], row["models"], row["baseline"], str(row["gained"]),
              str(row["lost"]), f"{row['p']:.2g}", f"{row['p_holm']:.2g}"])
        for row in rows
    ]  # fmt: skip


def _head(names: list[str]) -> list[str]:
    return ["", _row(names), "|" + " --- |" * len(names)]


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _values(measures: dict[str, Any], names: list[str]) -> list[str]:
    told = []
    for name in names:
        value, ends = measures[name]["value"], measures[name]["ci95"]
        told.append(f"{value:.3f}" + (f" [{ends[0]:.3f}, {ends[1]:.3f}]" if ends else ""))
    return told


def _cell(text: str) -> str:
    return visible(text, one_line=True).replace("|", "\\|").replace("<", "&lt;")
