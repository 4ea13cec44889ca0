"""The page of a model in docs/models/, written from the record of the run that made it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lookweave.train.curves import draw_curves
from lookweave.train.failures import failures_lines


def _table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return [*lines, ""]


def _parsing_lines(quality: Mapping[str, Any], regions: Mapping[str, Any] | None) -> list[str]:
    lines = [
        f"Clothing Co-Parsing, {quality['photos']} test photos (number ends in 7):"
        f" mean IoU **{quality['mean_iou']:.3f}** over the 13 merged classes;"
        f" of {quality['regions']} garments over 1.5% of their photo"
        f" **{quality['found']:.1%}** found with IoU ≥ 0.5 by some class's mask whatever its"
        f" label, **{quality['found_and_labelled']:.1%}** by the right one's."
        " A garment is all of one merged class in one photo; pixels labelled accessory, jewellery,"
        " glove, tie, underwear, swimwear or suit do not count.",
        "",
    ]
    header = ["class", "IoU", "garments", "found", "found and labelled"]
    rows = [
        [name, f"{row['iou']:.3f}", row["regions"], row["found"], row["found_and_labelled"]]
        for name, row in quality["classes"].items()
    ]
    if regions is not None:
        lines += [
            f"By the regions that the pipeline forms of the classes ({regions['regions_per_photo']}"
            f" a photo), the same garments: **{regions['found']:.1%}** found by one region,"
            f" **{regions['found_and_labelled']:.1%}** with the right label.",
            "",
        ]
        header += ["found by a region", "and labelled"]
        for row in rows:
            counts = regions["classes"][row[0]]
            row += [counts["found"], counts["found_and_labelled"]]
    return lines + _table(header, rows)


def _interval(quality: Mapping[str, Any]) -> str:
    return f"{quality['R@1']:.3f} ({quality['R@1_low']:.3f}–{quality['R@1_high']:.3f})"


def _recalls(quality: Mapping[str, Any]) -> str:
    return (
        f"R@1 **{quality['R@1']:.3f}** (95% interval {quality['R@1_low']:.3f} to"
        f" {quality['R@1_high']:.3f}), R@5 {quality['R@5']:.3f}, R@10 {quality['R@10']:.3f},"
        f" MRR {quality['MRR']:.3f}."
    )


def _retrieval_lines(quality: Mapping[str, Any]) -> list[str]:
    scores = quality["cut_out_to_scene"]
    lines = [
        f"Cut-out to scene: each of {scores['n']} garments of the Clothing Co-Parsing test photos,"
        " cut out by its true mask, turned, warped, relit, blurred, compressed and partly cropped"
        " (`TEST_STRENGTH`), seeks itself in its own photo among all of them: " + _recalls(scores),
        "",
    ]
    if "rendered_pairs" in quality:
        scores = quality["rendered_pairs"]
        lines += [
            f"Rendered pairs: the product photos of {scores['n']} garments, of families that were"
            f" not trained on, seek their garment among {scores['gallery']} worn regions: "
            + _recalls(scores),
            "",
        ]
    if "product_class_10nn" in quality:
        lines += [
            "clothing-small test, category by ten nearest neighbours among training photos:"
            f" {quality['product_class_10nn']:.3f}"
            + (
                f"; by the nearest of the ten class names in the same space:"
                f" {quality['class_names']:.3f}."
                if "class_names" in quality
                else "."
            ),
            "",
        ]
    if "ablation" in quality:
        lines += _ablation_lines(quality["ablation"])
    return lines


def _ablation_lines(table: Sequence[Mapping[str, Any]]) -> list[str]:
    """What each ingredient brings: every row is trained from the same start."""
    rows = [
        (
            row["what"],
            row["steps"],
            _interval(row["cut_out_to_scene"]),
            _interval(row["rendered_pairs"]) if "rendered_pairs" in row else "",
            f"{row['product_class_10nn']:.3f}" if "product_class_10nn" in row else "",
            f"{row['class_names']:.3f}" if "class_names" in row else "",
        )
        for row in table
    ]
    return [
        "Row by row; those with a + have the ingredients of the rows above them, too, and the same"
        " budget of steps from the same start (`lookweave train encoder-ablation`):",
        "",
        *_table(
            ("", "steps", "cut-out to scene R@1", "rendered pairs R@1", "class, 10 neighbours",
             "class names"),
            rows,
        ),
    ]  # fmt: skip


def _runs_lines(record: Mapping[str, Any]) -> list[str]:
    """The runs of an encoder, and what validation says of each and of their mean."""
    each = "; ".join(
        f"seed {run['seed']}: {run['steps']} steps, {run['minutes']} minutes, validation"
        f" {run['validation']:.3f}"
        for run in record["runs"]
    )
    return [
        f"Runs from one start, whose best weights' mean this is (not blended: {each}); what is"
        f" exported, validation {record['validation']['mean']:.3f}. The picture is of the first.",
        "",
    ]


def _precision_lines(precision: Mapping[str, Any]) -> list[str]:
    """Why the weights are stored as they are."""
    each = ", ".join(
        f"{one['precision']} {one['agreement']:.4f} ({one['bytes'] / 1e6:.1f} MB)"
        for one in precision["tried"]
    )
    return [
        f"Stored as coarsely as agrees with float32 in {precision['least']:.0%}"
        f" ({precision['measure']}): {each}."
        + (f" Measured on {precision['of']}." if "of" in precision else ""),
        "",
    ]


def _quality_lines(quality: Mapping[str, Any]) -> list[str]:
    lines: list[str] = []
    if "parsed_test" in quality:
        lines += _parsing_lines(quality["parsed_test"], quality.get("regions_test"))
    if "product_test" in quality:
        product = quality["product_test"]
        lines += [
            f"clothing-small, {product['photos']} test photos that have a GrabCut mask (itself"
            f" imperfect): mean overlap {product['mean_iou']:.3f}, {product['found']:.1%} with"
            f" IoU ≥ 0.5; most garment pixels of an admissible class in"
            f" {product['class_right']:.1%}.",
            "",
        ]
    if "cut_out_to_scene" in quality:
        lines += _retrieval_lines(quality)
    return lines


def model_page(record: Mapping[str, Any], failures: Sequence[str] = ()) -> str:
    """The Markdown page of a record, with the lines on its failures; nothing on it is written by
    hand."""
    shape = f"(batch, 3, {record['input_height']}, {record['input_width']})"
    lines = [
        f"# {record['name']}",
        "",
        f"Generated from `{record['name']}.json`, the record of the run; do not edit.",
        "",
        *_table(
            ("", ""),
            [
                ("Task", record["task"]),
                ("File", f"`{record['file']}`, {record['bytes'] / 1e6:.1f} MB"),
                ("sha-256", f"`{record['sha256']}`"),
                *([("sha-256 of the file with its further output", f"`{record['file_sha256']}`")]
                  if "file_sha256" in record else []),
                ("Licence", record["licence"]),
                ("Network", record["architecture"]),
                ("Weights", f"{record['weights']:,}, stored as"
                 f" {record['precision']['stored']}, computed in float32"),
                ("Input", f"`{record['input']}` {shape}, {record['layout']};"
                 f" mean {record['mean']}, std {record['std']}"),
                ("Preparation", record["preparation"]),
                ("Output", f"`{record['output']}`, "
                 + (f"(batch, {record['dimension']}) of unit norm" if "dimension" in record
                    else f"(batch, {len(record['classes'])}, height / {record['output_stride']},"
                         f" width / {record['output_stride']})")),
                ("Trained", (f"{record['epochs']} epochs, " if "epochs" in record else "")
                 + f"{record['trained_steps']} steps,"
                 f" {record['trained_minutes']} minutes, seed {record['seed']}, {record['made']}"),
                ("Largest difference from torch", f"{record['onnx_difference']:.1e}"),
            ],
        ),
    ]  # fmt: skip
    earlier = record.get("started_from")
    while earlier:
        lines += [
            f"Started from the weights of a run of {earlier['epochs']} epochs,"
            f" {earlier['trained_steps']} steps, {earlier['trained_minutes']} minutes"
            f" (sha-256 `{earlier['sha256']}`), whose settings are in the record.",
            "",
        ]
        earlier = earlier.get("started_from")
    lines += _precision_lines(record["precision"])
    if "runs" in record:
        lines += _runs_lines(record)
    if "canvases" in record:
        sizes = ", ".join(f"{rows} × {columns}" for rows, columns in record["canvases"])
        lines += [f"Canvases (height × width), any multiple of 32 being possible: {sizes}.", ""]
    if "classes" in record:
        lines += ["Classes, by index: " + ", ".join(record["classes"]) + ".", ""]
    lines += ["## Data", ""]
    lines += _table(
        ("set", "licence", "used"), [(d["name"], d["licence"], d["used"]) for d in record["data"]]
    )
    lines += ["## Quality", "", *_quality_lines(record["quality"])]
    if record["history"]:
        lines += [f"![losses and qualities over the epochs]({record['name']}-curves.png)", ""]
    lines += failures
    lines += ["## Limits", "", *(f"- {limit}" for limit in record["limits"]), ""]
    lines += ["## Recipe", "", f"`{record['recipe']}` with", "", "```json"]
    lines += [json.dumps(record["config"], indent=2), "```", ""]
    return "\n".join(lines)


def write_model_page(record_path: Path, page: Path) -> None:
    """Write the page of the record at `record_path`, and the picture of its run beside it."""
    record = json.loads(record_path.read_text(encoding="utf-8"))
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(model_page(record, failures_lines(page)), encoding="utf-8")
    if record["history"]:
        draw_curves(
            page.with_name(f"{record['name']}-curves.png"), record["history"], record["name"]
        )
