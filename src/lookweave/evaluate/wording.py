"""Evaluation in words, for a terminal."""

from __future__ import annotations

from typing import Any

_DIRECTIONS = {"garment_to_look": "garment -> look", "look_to_garment": "look -> garment"}
_COLUMNS = ("R@1", "R@5", "R@10", "MRR")


def as_text(result: dict[str, Any]) -> str:
    """A few lines: each measure with its 95 % interval, what the filter lost, what is missing."""
    lines = []
    variants = {**(result.get("models") or {"": result}), **result.get("ablations", {})}
    for name, variant in variants.items():
        if name:
            lines.append(f"{name}:")
        for key, direction in _DIRECTIONS.items():
            found = variant[key]
            values = "  ".join(
                f"{column} {found[column]:.2f} [{found['ci95'][column][0]:.2f}, "
                f"{found['ci95'][column][1]:.2f}]"
                for column in _COLUMNS
            )
            lines.append(f"{direction}  {values}  (n {found['n']}, gallery {found['gallery']})")
            if change := variant.get("change", {}).get(key):
                differs = ", ".join(f"{name} {_signed(one)}" for name, one in change.items())
                lines.append(f"    against all together: {differs}")
        if mutual := variant.get("mutual"):
            lines.append(
                f"first looks right: {mutual['right']:.2f} of {mutual['garments']} garments, "
                f"{mutual['mutual_right']:.2f} of the {mutual['mutual']} that are mutual "
                f"({_signed(mutual['change'])})"
            )
    lost = result["filter_recall"]
    if lost["pairs"]:
        lines.append(
            f"The category filter lets {lost['recall']:.1%} of {lost['pairs']} pairs through."
        )
    if parts := result.get("parts"):
        lines.append(f"S_VLM is made of {', '.join(parts)}.")
    if missing := result.get("missing"):
        lines.append(f"Turned away, so counted as misses: {', '.join(missing)}.")
    return "\n".join(lines)


def _signed(change: dict[str, Any]) -> str:
    """A difference with its interval, where there is one."""
    bounds = change["ci95"]
    interval = f" [{bounds[0]:+.2f}, {bounds[1]:+.2f}]" if bounds else ""
    return f"{change['value']:+.2f}{interval}"
