"""The pages of text tower, describer, details and fusion in docs/models/, from their runs'
records."""

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


def _fusion_lines(quality: Mapping[str, Any]) -> list[str]:
    firsts = quality["R@1_of_the_pool"]
    kinds = list(firsts)
    alone = quality["descriptions_alone"]
    lines = [
        "How often the right region scores above all other candidates, which are those that lie"
        " next by the vectors, in the data that taught it:",
        "",
        *_table(
            ("score", *kinds),
            [(what, *(f"{firsts[kind][what]:.3f}" for kind in kinds)) for what in firsts[kinds[0]]],
        ),
        "What a choice gains in log likelihood, in nats, with its standard error. The step that"
        " gains most is taken among those by which no kind loses more than that; where there is"
        " none, the least evidence and the weights as they were. Evidence is judged on the kind"
        " that it was not learned from:",
        "",
        *_table(
            ("descriptions count by", *kinds),
            [(f"{shrink} of what was learned", *(_nats(gain[kind]) for kind in kinds))
             for shrink, gain in quality["gain_of_evidence"].items()],
        ),
        "The weights of S_visual and S_detail are judged on families that were left out:",
        "",
        *_table(
            ("weights of S_visual and S_detail", *kinds),
            [(f"{step} of the way to the likeliest", *(_nats(gain[kind]) for kind in kinds))
             for step, gain in quality["gain_of_steps"].items()],
        ),
        f"Taken: {quality['shrink']} of the evidence, {quality['step']} of the way. Likeliest were"
        f" {quality['learned_ratio'][0]:.2f} and {quality['learned_ratio'][1]:.2f} of the two."
        " Descriptions alone, among one region of every look: "
        + ", ".join(f"{alone[kind]['mean']:.2f} nats a choice ({kind})".replace(
            "-", "\N{MINUS SIGN}", 1) for kind in kinds)
        + ".",
        "",
    ]  # fmt: skip
    return lines


def _nats(gain: Mapping[str, float]) -> str:
    return f"{gain['mean']:+.4f} ± {gain['standard_error']:.4f}".replace("-", "−")


def _fusion_facts(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    described, visual, detail = record["weights"]
    return [
        ("Task", record["task"]),
        ("File", "`fusion.json`, which is the record too"),
        ("Licence", record["licence"]),
        ("What it holds", "evidence of " + ", ".join(record["evidence"]) + "; three weights"),
        ("Weights", f"S_VLM {described}, S_visual {visual}, S_detail {detail}"),
        ("Holds for", f"the encoder `{record['encoder']}` with the describer"
         f" `{record['describer']}`"),
        ("Learned", f"{record['trained_minutes']} minutes, seed {record['seed']},"
         f" {record['made']}"),
    ]  # fmt: skip


_FUSION_IS = (
    "Builds with these models read it: the score is S = λ1·S_VLM + λ2·S_visual + λ3·S_detail with"
    " its three weights, and S_VLM of the nearest candidates is the evidence of their descriptions."
    " `match.evidence = false` keeps the descriptions' inner product, `match.lambda_…` sets other"
    " weights. `lookweave train fusion` writes such a file for other models.",
)


def _fusion_use(one: Mapping[str, Any]) -> str:
    return (
        f"{one['used']}: {one['products']} products, {one['looks']} looks with {one['regions']}"
        f" regions, {one['pairs']} pairs whose garment was found"
    )


HEADS = {
    "text": _text_lines,
    "describer": _describer_lines,
    "details": _details_lines,
    "fusion": _fusion_lines,
}
"""Records that have a page of this kind, and what writes their quality."""


def _network_facts(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    # Heads are known by the file of the encoder below them; tokens by its card's key.
    below = record.get("encoder_sha256") or record["encoder"]
    stored = "float16" if "encoder_sha256" in record else "float32"
    return [
        ("Task", record["task"]),
        ("File", f"`{record['file']}`, {record['bytes'] / 1e3:.0f} kB"),
        ("sha-256", f"`{record['sha256']}`"),
        ("Licence", record["licence"]),
        ("Model", record["architecture"]),
        ("Weights", f"{record['weights']:,}, stored as {stored}, computed in float32"),
        ("Stands on the encoder", f"`{below}`, and loads with no other"),
        ("Trained", f"{record['trained_minutes']} minutes, seed {record['seed']},"
         f" {record['made']}"),
    ]  # fmt: skip


def head_page(record: Mapping[str, Any], failures: Sequence[str] = ()) -> str:
    """The Markdown page of a record, with the lines on its failures; nothing on it is written by
    hand."""
    quality = HEADS[record["name"]](record["quality"])
    is_fusion = record["name"] == "fusion"
    lines = [
        f"# {record['name']}",
        "",
        f"Generated from `{record['name']}.json`, the record of the run; do not edit.",
        "",
        *_table(("", ""), _fusion_facts(record) if is_fusion else _network_facts(record)),
    ]
    if is_fusion:
        lines += [*_FUSION_IS, ""]
    if record["name"] == "text":
        lines += ["Reads: " + ", ".join(record["concepts"]) + ", and other words for them.", ""]
    lines += ["## Data", ""]
    lines += _table(
        ("set", "licence", "used"),
        [(d["name"], d["licence"], _fusion_use(d) if is_fusion else d["used"])
         for d in record["data"]],
    )  # fmt: skip
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
