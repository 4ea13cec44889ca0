"""The pages of text tower, describer and details in docs/models/, from their runs' records."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lookweave.train.failures import failures_lines


def _table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return [*lines, ""]


def _text_lines(quality: Mapping[str, Any]) -> list[str]:
    names, queries = quality["class_names"], quality["colour_and_kind"]
    return [
        f"clothing-small, {names['photos']} test photos cut out by the segmenter: the nearest of"
        f" the ten class names is the right one in **{names['accuracy']:.1%}**.",
        "",
        f"Clothing Co-Parsing test photos, garments by their true masks: precision at 10 of"
        f" {queries['queries']} queries of colour and kind **{queries['precision_at_10']:.3f}**;"
        f" a random order gives {queries['chance']:.3f}. A query counts when at least four garments"
        " satisfy it; where they are fewer than ten, precision is taken at as many.",
        "",
    ]


def _describer_lines(quality: Mapping[str, Any]) -> list[str]:
    products = quality["product_test"]
    lines = [
        f"clothing-small, {products['photos']} test photos cut out by the segmenter, category and"
        f" sleeve mapped to its ten classes: accuracy **{products['accuracy']:.1%}**, expected"
        f" calibration error over 15 bins **{products['calibration_error']:.3f}**.",
        "",
        *_table(("class", "accuracy"), list(products["by_class"].items())),
        "Commonest mistakes: "
        + ", ".join(f"{what} ({count})" for what, count in products["mistakes"].items())
        + ".",
        "",
    ]
    names = {
        "mask_test": "by true masks, without a segmenter's opinion",
        "found_test": "by the segmenter's regions (IoU ≥ 0.5 with a labelled garment)",
        "found_test_segmenter": "the same regions, the segmenter's opinion alone",
    }
    rows = [
        (what, quality[name]["regions"], f"{quality[name]['accuracy']:.1%}",
         f"{quality[name]['calibration_error']:.3f}")
        for name, what in names.items()
    ]  # fmt: skip
    header = ("Clothing Co-Parsing test, 19 categories", "regions", "accuracy", "calibration error")
    return [*lines, *_table(header, rows)]


def _details_lines(quality: Mapping[str, Any]) -> list[str]:
    rows = [
        (what, f"{one['R@1']:.3f} ({one['R@1_low']:.3f}–{one['R@1_high']:.3f})",
         *(f"{one[name]:.3f}" for name in ("R@5", "R@10", "MRR")))
        for what, one in quality["cut_out_to_look"].items()
    ]  # fmt: skip
    order = quality["order_as_unrounded"]
    return [
        f"Cut-outs of {quality['garments']} garments of Clothing Co-Parsing photos that taught"
        " nothing seek their looks, by the cosine of vectors, by S_detail of tokens, or by both:",
        "",
        *_table(("score", "R@1 (95% interval)", "R@5", "R@10", "MRR"), rows),
        f"A region has {quality['parts']} parts and takes {quality['bytes']:,} bytes on average,"
        " 4,096 at most. Stored tokens put two looks in the same order as unrounded tokens of every"
        f" part in **{order['vectors + 2 tokens']:.1%}** of cases (vectors + 2 tokens; tokens"
        f" alone {order['tokens']:.1%}).",
        "",
    ]


HEADS = {"text": _text_lines, "describer": _describer_lines, "details": _details_lines}
"""Records that have a page of this kind, and what writes their quality."""


def head_page(record: Mapping[str, Any], failures: Sequence[str] = ()) -> str:
    """The Markdown page of a record, with the lines on its failures; nothing on it is written by
    hand."""
    is_text = record["name"] == "text"
    quality = HEADS[record["name"]](record["quality"])
    # Heads are known by the file of the encoder below them; tokens by its card's key.
    below = record.get("encoder_sha256") or record["encoder"]
    stored = "float16" if "encoder_sha256" in record else "float32"
    lines = [
        f"# {record['name']}",
        "",
        f"Generated from `{record['name']}.json`, the record of the run; do not edit.",
        "",
        *_table(
            ("", ""),
            [
                ("Task", record["task"]),
                ("File", f"`{record['file']}`, {record['bytes'] / 1e3:.0f} kB"),
                ("sha-256", f"`{record['sha256']}`"),
                ("Licence", record["licence"]),
                ("Model", record["architecture"]),
                ("Weights", f"{record['weights']:,}, stored as {stored}, computed in float32"),
                ("Stands on the encoder", f"`{below}`, and loads with no other"),
                ("Trained", f"{record['trained_minutes']} minutes, seed {record['seed']},"
                 f" {record['made']}"),
            ],
        ),
    ]  # fmt: skip
    if is_text:
        lines += ["Reads: " + ", ".join(record["concepts"]) + ", and other words for them.", ""]
    lines += ["## Data", ""]
    lines += _table(
        ("set", "licence", "used"), [(d["name"], d["licence"], d["used"]) for d in record["data"]]
    )
    lines += ["## Quality", "", *quality]
    lines += failures
    lines += ["## Limits", "", *(f"- {limit}" for limit in record["limits"]), ""]
    lines += ["## Recipe", "", f"`{record['recipe']}` with", "", "```json"]
    lines += [json.dumps(record["config"], indent=2), "```", ""]
    return "\n".join(lines)


def write_head_page(record: Mapping[str, Any], page: Path) -> None:
    """Write the page of `record` to `page`."""
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(head_page(record, failures_lines(page)), encoding="utf-8")
