"""The cards of models from the hub, and cards made for a folder or an ONNX file.

To add a model of a known architecture, add one card here: its loader is found by the
``model_type`` in its configuration. Sizes are those of the float32 files. A licence without a
remark was read on a stored copy of the model's own page; "(check)" follows one that was read
elsewhere or nowhere (docs/models/hub.md says where): read the page before you trade on its results.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from lookweave.errors import ModelError
from lookweave.models.card import Card
from lookweave.models.hub.files import content_fingerprint
from lookweave.models.hub.graphs import DETECTOR, ENCODER, PROMPTED, SEGMENTER

_YOLO = "lookweave.models.hub.yolo:YoloDetector"
_HUB = ("torch", "transformers")
_OPEN_CLIP = ("torch", "transformers", "open_clip")
_CHECK = " (check)"


def _encoder(
    name: str, repository: str, licence: str, size_mb: float, side: int, dimension: int,
    memory_mb: float, good_for: str, *, open_clip: bool = False, text: bool = True,
) -> Card:  # fmt: skip
    return Card(
        name=name, task="encoder", factory=ENCODER, **_licence(licence), source=f"hub:{repository}",
        good_for=good_for, size_mb=size_mb, memory_mb=memory_mb, input_size=(side, side),
        dimension=dimension, text=text, needs=_OPEN_CLIP if open_clip else _HUB,
        settings={"format": "open_clip"} if open_clip else {},
    )  # fmt: skip


def _detector(
    name: str, repository: str, licence: str, size_mb: float, memory_mb: float, good_for: str, *,
    factory: str = DETECTOR, commercial: bool = True, side: int | None = None, **settings: Any,
) -> Card:  # fmt: skip
    return Card(
        name=name, task="detector", factory=factory, source=f"hub:{repository}",
        **_licence(licence), good_for=good_for, commercial=commercial, size_mb=size_mb,
        memory_mb=memory_mb,
        input_size=(side, side) if side else None, needs=_HUB, settings=settings,
    )  # fmt: skip


def _licence(words: str) -> dict[str, Any]:
    return {"licence": words.removesuffix(_CHECK), "licence_read": not words.endswith(_CHECK)}


CARDS: tuple[Card, ...] = (
    _encoder(
        "fashion-siglip", "Marqo/marqo-fashionSigLIP", "Apache-2.0", 813, 224, 768, 1000,
        "garment search: SigLIP ViT-B/16 tuned on a million fashion products", open_clip=True,
    ),
    _encoder(
        "marqo-fashion-clip", "Marqo/marqo-fashionCLIP", "Apache-2.0 (check)", 599, 224, 512, 800,
        "garment search: CLIP ViT-B/16 tuned on a million fashion products", open_clip=True,
    ),
    _encoder(
        "fashion-clip", "patrickjohncyh/fashion-clip", "MIT", 605, 224, 512, 750,
        "garment search: CLIP ViT-B/32 tuned on Farfetch products; quickest of its kind",
    ),
    _encoder(
        "siglip-base", "google/siglip-base-patch16-224", "Apache-2.0", 813, 224, 768, 1000,
        "the paper's family of encoders at its smallest",
    ),
    _encoder(
        "siglip-large", "google/siglip-large-patch16-384", "Apache-2.0 (check)",
        2610, 384, 1024, 3000,
        "finer detail than base; wants a GPU",
    ),
    _encoder(
        "siglip-so400m", "google/siglip-so400m-patch14-384", "Apache-2.0", 3510, 384, 1152, 4100,
        "the strongest SigLIP; wants a GPU",
    ),
    _encoder(
        "siglip2-base", "google/siglip2-base-patch16-224", "Apache-2.0 (check)",
        1500, 224, 768, 1700,
        "texts in many languages; a good start on a CPU",
    ),
    _encoder(
        "siglip2-large", "google/siglip2-large-patch16-384", "Apache-2.0 (check)",
        3530, 384, 1024, 3900,
        "texts in many languages, finer detail; wants a GPU",
    ),
    _encoder(
        "siglip2-so400m", "google/siglip2-so400m-patch14-384", "Apache-2.0", 4540, 384, 1152, 5100,
        "the strongest here without fashion tuning; wants a GPU",
    ),
    _encoder(
        "dinov2-base", "facebook/dinov2-base", "Apache-2.0 (check)", 346, 224, 768, 500,
        "looks alone, no words: a second opinion on parts and patterns", text=False,
    ),
    _encoder(
        "clip-base", "openai/clip-vit-base-patch32", "MIT (check)", 605, 224, 512, 750,
        "a baseline that the literature knows",
    ),
    _encoder(
        "clip-large", "openai/clip-vit-large-patch14", "MIT (check)", 1710, 224, 768, 2000,
        "a larger baseline that the literature knows",
    ),
    _encoder(
        "open-clip-base", "laion/CLIP-ViT-B-16-laion2B-s34B-b88K", "MIT (check)", 599, 224, 512,
        800, "CLIP ViT-B/16 trained on open data", open_clip=True,
    ),
    _encoder(
        "open-clip-large", "laion/CLIP-ViT-L-14-laion2B-s32B-b82K", "MIT (check)", 1710, 224, 768,
        2000, "CLIP ViT-L/14 trained on open data", open_clip=True,
    ),
    _detector(
        "yolos-fashionpedia", "valentinafeve/yolos-fashionpedia", "unknown (check)", 123, 700,
        "garments and their parts in editorial photos, 46 classes of Fashionpedia",
        threshold=0.5,
    ),
    _detector(
        "segformer-clothes", "mattmdjaga/segformer_b2_clothes", "NVIDIA SegFormer (check)", 110,
        600, "garments with masks, 18 classes", factory=SEGMENTER, commercial=False, side=512,
    ),
    _detector(
        "detr-coco", "facebook/detr-resnet-50@no_timm", "Apache-2.0", 167, 900,
        "persons and bags; garments by shares of the person",
    ),
    _detector(
        "rt-detr-coco", "PekingU/rtdetr_r50vd", "Apache-2.0", 172, 700,
        "persons and bags, quicker than DETR; garments by shares of the person", side=640,
    ),
    _detector(
        "grounding-dino", "IDEA-Research/grounding-dino-tiny", "Apache-2.0", 690, 3000,
        "garments by their names, no fixed classes; torch only, wants a GPU", factory=PROMPTED,
    ),
    _detector(
        "grounding-dino-base", "IDEA-Research/grounding-dino-base", "Apache-2.0 (check)", 933, 4000,
        "as grounding-dino, larger", factory=PROMPTED,
    ),
    _detector(
        "owlv2", "google/owlv2-base-patch16-ensemble", "Apache-2.0", 620, 1500,
        "garments by their names, no fixed classes", factory=PROMPTED, side=960,
    ),
    _detector(
        "owlv2-large", "google/owlv2-large-patch14-ensemble", "Apache-2.0 (check)", 1750, 4000,
        "as owlv2, larger; wants a GPU", factory=PROMPTED, side=1008,
    ),
)  # fmt: skip


def is_path(name: str) -> bool:
    """Whether a model is named by where it lies: an ONNX file, or a path to a folder."""
    return name.endswith(".onnx") or "/" in name or "\\" in name or name.startswith((".", "~"))


def card_for_path(name: str) -> Card:
    """A card for a local model folder or ONNX file. Its name is the folder's or file's, its key
    what the files hold, so the model can move without its rows being made anew.

    Raises:
        ModelError: there is nothing there, or no model that can be loaded.
    """
    path = Path(name).expanduser()
    if not path.exists():
        raise ModelError(f"There is no model folder or file at {path}.")
    label = re.sub(r"[^A-Za-z0-9_.-]+", "-", path.stem if path.suffix == ".onnx" else path.name)
    about: dict[str, Any] = {
        "name": label or "model", "licence": "unknown (local file)", "source": "path",
        "weights": path, "weights_sha256": content_fingerprint(path),
        "good_for": f"what lies at {path.name}",
    }  # fmt: skip
    if path.suffix == ".onnx":
        return Card(task="detector", factory=_YOLO, **about)
    from lookweave.models.hub.graphs import architecture, configuration

    config = configuration(path)
    kind = architecture(config, path)
    return Card(
        task="encoder" if kind.task == "encoder" else "detector", factory=kind.loader,
        dimension=kind.dimension(config) if kind.dimension else None,
        text=kind.text_length is not None and kind.task == "encoder", needs=kind.needs, **about,
    )  # fmt: skip
