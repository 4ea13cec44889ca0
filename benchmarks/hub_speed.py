"""How fast full-size hub models run on each backend, and how far their answers differ.

SigLIP ViT-B/16 and YOLOS-small with random weights: the arithmetic is that of the real ones, the
answers mean nothing. Agreement is against torch in float32 on the same photos.

    python benchmarks/hub_speed.py --photos 16 --threads 1

For SigLIP: cosine of the vectors, and ranking agreement: the share of each photo's five nearest
neighbours among the others that are the same. For YOLOS: cosine of the class logits, and the
share of the twenty best boxes that are found again (intersection over union of at least .9).
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lookweave.errors import ModelError
from lookweave.models.hub.boxes import Candidates, overlap
from lookweave.models.hub.cards import card_for_path
from lookweave.models.hub.detector import HubDetector
from lookweave.models.hub.encoder import HubEncoder
from lookweave.models.hub.labels import FASHIONPEDIA
from lookweave.models.hub.preprocess import recipe_in
from lookweave.models.protocols import Pixels

Values = NDArray[np.float32]

VARIANTS: dict[str, dict[str, Any]] = {
    "torch f32": {"backend": "torch", "precision": "float32"},
    "torch bf16": {"backend": "torch", "precision": "bfloat16"},
    "onnxruntime f32": {"backend": "onnxruntime"},
    "onnxruntime int8": {"backend": "onnxruntime", "int8": True},
    "openvino f32": {"backend": "openvino", "precision": "float32"},
    "openvino bf16": {"backend": "openvino", "precision": "bfloat16"},
}


@dataclass
class Row:
    """One line of the table."""

    model: str
    variant: str
    photos_per_second: float
    cpu_seconds: float  # of one photo: steadier than the clock where other work shares the cores
    cosine: float
    agreement: float


def photos(count: int) -> list[Pixels]:
    """Photos of 640 x 480 pixels with smooth and sharp content."""
    random = np.random.default_rng(1)
    made = []
    for _ in range(count):
        small = random.integers(0, 255, (12, 9, 3), dtype=np.uint8)
        made.append(np.asarray(Image.fromarray(small).resize((480, 640), Image.Resampling.BICUBIC)))
    return made


def siglip_folder(folder: Path) -> Path:
    """SigLIP ViT-B/16 at 224 pixels; its text tower is a stub, nothing here reads text."""
    import torch
    from transformers import SiglipConfig, SiglipModel
    from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

    torch.manual_seed(0)
    text = {"vocab_size": 100, "num_hidden_layers": 1}
    SiglipModel(SiglipConfig(text_config=text)).save_pretrained(folder)
    SiglipImageProcessorPil().save_pretrained(folder)
    return folder


def yolos_folder(folder: Path) -> Path:
    """YOLOS-small as fine-tuned on Fashionpedia: 384 wide, 12 layers, 46 classes."""
    import torch
    from transformers import YolosConfig, YolosForObjectDetection
    from transformers.models.yolos.image_processing_pil_yolos import YolosImageProcessorPil

    torch.manual_seed(0)
    names = dict(enumerate(FASHIONPEDIA))
    config = YolosConfig(
        hidden_size=384, num_attention_heads=6, intermediate_size=1536, image_size=[512, 864],
        use_mid_position_embeddings=True, id2label=names,
        label2id={name: number for number, name in names.items()},
    )  # fmt: skip
    YolosForObjectDetection(config).save_pretrained(folder)
    YolosImageProcessorPil(size={"shortest_edge": 512, "longest_edge": 864}).save_pretrained(folder)
    return folder


def load(kind: Callable[..., Any], folder: Path, models_dir: Path, **runtime: Any) -> Any:
    """The model of a folder, run in one way."""
    int8 = runtime.pop("int8", False)
    card = replace(
        card_for_path(str(folder)),
        running=MappingProxyType({"device": "cpu", **runtime}),
        settings=MappingProxyType({"int8": int8}),
    )
    return kind(card, models_dir)


def clock(
    call: Callable[[], Any], count: int, repeats: int
) -> tuple[tuple[float, float], dict[str, Values]]:
    """Photos per second and CPU seconds of one, the best of a few runs after a first one that is
    not counted; and what the last run gave."""
    given = call()
    best = busy = float("inf")
    for _ in range(repeats):
        start, start_busy = time.perf_counter(), time.process_time()
        given = call()
        best = min(best, time.perf_counter() - start)
        busy = min(busy, time.process_time() - start_busy)
    return (count / best, busy / count), given


def nearest_agreement(one: Values, other: Values, count: int = 5) -> float:
    """Mean share of each vector's nearest neighbours that both have."""
    shares = []
    for row in range(len(one)):
        sides = []
        for vectors in (one, other):
            likeness = vectors @ vectors[row]
            likeness[row] = -np.inf
            sides.append(set(np.argsort(-likeness)[:count].tolist()))
        shares.append(len(sides[0] & sides[1]) / count)
    return float(np.mean(shares))


def found_again(ours: list[Candidates], theirs: list[Candidates]) -> float:
    """Share of the twenty best boxes of `theirs` that `ours` has among its own."""
    shares = []
    for mine, reference in zip(ours, theirs, strict=True):
        boxes = mine.boxes[:20]
        hits = [overlap(box, boxes).max() >= 0.9 for box in reference.boxes[:20]]
        shares.append(np.mean(hits))
    return float(np.mean(shares))


def cosine(one: Values, other: Values) -> float:
    """The least cosine of two tables' rows."""
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return float((np.sum(one * other, axis=1) / lengths).min())


def measure(count: int, repeats: int, threads: int, batch: int, models: list[str]) -> list[Row]:
    """Every variant of every model."""
    import torch

    torch.set_num_threads(threads)
    shown, rows = photos(count), []
    with tempfile.TemporaryDirectory() as work:
        for model in models:
            folder = Path(work) / model
            (siglip_folder if model == "siglip-base" else yolos_folder)(folder)
            expected: Any = None
            for variant, runtime in VARIANTS.items():
                try:
                    loaded = load(
                        HubEncoder if model == "siglip-base" else HubDetector, folder, Path(work),
                        threads=threads, batch_size=batch, **runtime,
                    )  # fmt: skip
                    row, expected = one_row(
                        model, variant, loaded, folder, shown, repeats, expected
                    )
                except ModelError as error:
                    print(f"{model} {variant}: {error}", flush=True)
                    continue
                rows.append(row)
                print(row, flush=True)
    return rows


def one_row(
    model: str, variant: str, loaded: Any, folder: Path, shown: list[Pixels], repeats: int,
    expected: Any,
) -> tuple[Row, Any]:  # fmt: skip
    """Time the bare network; compare what it says with what the first variant said."""
    recipe = recipe_in(folder, "siglip" if model == "siglip-base" else "yolos")
    prepared = {"pixel_values": np.stack([recipe(photo) for photo in shown])}
    if model == "siglip-base":
        rate, given = clock(lambda: loaded.image_network(prepared), len(shown), repeats)
        vectors = given["vector"] / np.linalg.norm(given["vector"], axis=1, keepdims=True)
        expected = vectors if expected is None else expected
        agreement = nearest_agreement(vectors, expected)
        return Row(model, variant, *rate, cosine(vectors, expected), agreement), expected
    rate, given = clock(lambda: loaded.network(prepared), len(shown), repeats)
    logits = given["logits"].reshape(len(shown), -1)
    found = loaded.candidates(shown)
    expected = (logits, found) if expected is None else expected
    agreement = found_again(found, expected[1])
    return Row(model, variant, *rate, cosine(logits, expected[0]), agreement), expected


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--models", nargs="+", default=["siglip-base", "yolos-small"])
    parser.add_argument("--json", type=Path, help="write the rows here")
    asked = parser.parse_args()
    rows = measure(asked.photos, asked.repeats, asked.threads, asked.batch, asked.models)
    print("| model | backend | photos/s | CPU s a photo | least cosine | agreement |")
    print("|---|---|---|---|---|---|")
    for row in rows:
        print(
            f"| {row.model} | {row.variant} | {row.photos_per_second:.2f} | {row.cpu_seconds:.2f} "
            f"| {row.cosine:.5f} | {row.agreement:.3f} |"
        )
    if asked.json:
        asked.json.write_text(json.dumps([vars(row) for row in rows], indent=2) + "\n")


if __name__ == "__main__":
    main()
