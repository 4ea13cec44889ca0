"""Tiny models with random weights, built from the reference libraries' own classes.

Each builder writes a folder that looks like a download from the hub: ``config.json``,
``model.safetensors``, ``preprocessor_config.json`` and, where there is text, a tokenizer.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

WORDS = (
    "a", "photo", "of", "the", "red", "blue", "green", "black", "white", "striped", "floral",
    "dress", "shirt", "top", "trousers", "jeans", "skirt", "jacket", "coat", "shoes", "bag", "hat",
    "scarf", "belt", "shorts", "knitwear", "vest", "jumpsuit", "hosiery", "eyewear", "handbag",
    "sunglasses", "boots", "sweater",
)  # fmt: skip


def seed() -> None:
    torch.manual_seed(7)


def spread(model: torch.nn.Module, by: float = 0.08) -> torch.nn.Module:
    """Larger weights than the usual initial ones, so that outputs differ between inputs."""
    seed()
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if weights.dim() > 1 and "norm" not in name.lower():
                weights.add_(torch.randn_like(weights) * by)
            elif name.endswith("bias"):
                weights.add_(torch.randn_like(weights) * 0.05)
    return model.eval()


def _save(model: Any, folder: Path, by: float = 0.08) -> Any:
    spread(model, by).save_pretrained(folder)
    return model


# --- tokenizers -------------------------------------------------------------------------------


def word_tokenizer(folder: Path, length: int) -> Any:
    """A word-level tokenizer in the form of SigLIP 2's: one tokenizer.json, padded to `length`."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    vocabulary = {word: i for i, word in enumerate(["<pad>", "<eos>", "<unk>", *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing("$A <eos>", None, [("<eos>", 1)])
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>",
        model_max_length=length, padding_side="right",
    )  # fmt: skip
    fast.save_pretrained(folder)
    return fast


def sentencepiece_tokenizer(folder: Path, length: int) -> Any:
    """SigLIP's own tokenizer class over a SentencePiece model trained on a few words."""
    import sentencepiece
    from transformers import SiglipTokenizer

    corpus = folder / "corpus.txt"
    corpus.write_text("\n".join(" ".join(WORDS[i:] + WORDS[:i]) for i in range(len(WORDS))))
    sentencepiece.SentencePieceTrainer.train(
        input=str(corpus), model_prefix=str(folder / "spiece"), vocab_size=60, pad_id=0, eos_id=1,
        unk_id=2, bos_id=-1, model_type="unigram", minloglevel=2,
    )  # fmt: skip
    corpus.unlink()
    tokenizer = SiglipTokenizer(str(folder / "spiece.model"), model_max_length=length)
    tokenizer.save_pretrained(folder)
    return tokenizer


def clip_tokenizer(folder: Path, length: int = 77) -> Any:
    """CLIP's byte-pair tokenizer with single letters only."""
    from transformers import CLIPTokenizer

    letters = "abcdefghijklmnopqrstuvwxyz.,!?' 0123456789"
    tokens = [*letters, *(letter + "</w>" for letter in letters)]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    vocabulary = {token: i for i, token in enumerate(tokens)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    tokenizer = CLIPTokenizer(
        vocab=vocabulary, merges=[], model_max_length=length, pad_token="<|endoftext|>"
    )
    tokenizer.save_pretrained(folder)
    return tokenizer


def bert_tokenizer(folder: Path) -> Any:
    from transformers import BertTokenizer

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", "?", "-", *WORDS]
    vocabulary = {word: i for i, word in enumerate(words)}
    tokenizer = BertTokenizer(vocab=vocabulary, model_max_length=256)
    tokenizer.save_pretrained(folder)
    return tokenizer


# --- encoders ---------------------------------------------------------------------------------


def siglip(
    folder: Path, *, version: int = 1, image: int = 32, length: int = 16, width: int = 32
) -> Any:
    from transformers import SiglipConfig, SiglipModel
    from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

    folder.mkdir(parents=True, exist_ok=True)
    seed()
    tower = {
        "hidden_size": width, "intermediate_size": 64, "num_hidden_layers": 1,
        "num_attention_heads": 4,
    }  # fmt: skip
    tokenizer = (sentencepiece_tokenizer if version == 1 else word_tokenizer)(folder, length)
    config = SiglipConfig(
        text_config={
            **tower, "vocab_size": len(tokenizer), "max_position_embeddings": length,
            "bos_token_id": 1, "eos_token_id": 1, "pad_token_id": 0, "projection_size": width,
        },
        vision_config={**tower, "image_size": image, "patch_size": 8},
    )  # fmt: skip
    SiglipImageProcessorPil(size={"height": image, "width": image}).save_pretrained(folder)
    return _save(SiglipModel(config), folder)


def siglip2(folder: Path) -> Any:
    """SigLIP 2 at a fixed size: SigLIP's classes with another tokenizer, as on the hub."""
    return siglip(folder, version=2)


def clip(folder: Path, *, dimension: int = 24) -> Any:
    from transformers import CLIPConfig, CLIPModel
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    folder.mkdir(parents=True, exist_ok=True)
    seed()
    tower = {
        "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1,
        "num_attention_heads": 4,
    }  # fmt: skip
    tokenizer = clip_tokenizer(folder)
    ids = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    config = CLIPConfig(
        text_config={**tower, "vocab_size": len(tokenizer), "pad_token_id": 1, **ids},
        vision_config={**tower, "image_size": 32, "patch_size": 8},
        projection_dim=dimension,
    )
    CLIPImageProcessorPil(
        size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}
    ).save_pretrained(folder)
    return _save(CLIPModel(config), folder)


def _dino(folder: Path, name: str, **more: Any) -> Any:
    import transformers
    from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil

    seed()
    config = getattr(transformers, f"{name}Config")(
        hidden_size=32, intermediate_size=48, num_hidden_layers=4, num_attention_heads=4,
        image_size=40, patch_size=8, **more,
    )  # fmt: skip
    BitImageProcessorPil(
        size={"shortest_edge": 48}, crop_size={"height": 40, "width": 40}
    ).save_pretrained(folder)
    return _save(getattr(transformers, f"{name}Model")(config), folder)


def dinov2(folder: Path) -> Any:
    """DINOv2: a token of the whole photo before the patches, the photo's middle alone."""
    return _dino(folder, "Dinov2")


def dinov2_with_registers(folder: Path) -> Any:
    """With four tokens more that stand for nothing in the photo."""
    return _dino(folder, "Dinov2WithRegisters", num_register_tokens=4)


def dinov3(folder: Path) -> Any:
    """DINOv3: rotary positions, registers; 18 patches a side, more than are kept."""
    return _dino(folder, "DINOv3ViT", num_register_tokens=4)


def open_clip_siglip(folder: Path, open_clip: Any, *, dimension: int = 64) -> Any:
    """In the form of Marqo/marqo-fashionSigLIP: a timm tower, a tokenizer of the hub."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = word_tokenizer(folder, 16)
    config = {
        "model_cfg": {
            "embed_dim": dimension, "init_logit_bias": -10, "custom_text": True,
            "vision_cfg": {
                "image_size": 160, "timm_model_name": "test_vit",
                "timm_model_pretrained": False,
                "timm_pool": "map" if dimension == 64 else "avg",
                "timm_proj": "none" if dimension == 64 else "linear",
            },
            "text_cfg": {
                "context_length": 16, "vocab_size": len(tokenizer),
                "hf_tokenizer_name": "somewhere/else", "width": 32, "heads": 4, "layers": 1,
                "no_causal_mask": True, "proj_bias": True, "pool_type": "last",
                "norm_kwargs": {"eps": 1e-6},
                "tokenizer_kwargs": {"clean": "canonicalize"},
            },
        },
        "preprocess_cfg": {
            "size": 160, "mode": "RGB", "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5],
            "interpolation": "bicubic", "resize_mode": "squash",
        },
    }  # fmt: skip
    return _save_open_clip(folder, config, open_clip, save_file)


def open_clip_vit(folder: Path, open_clip: Any) -> Any:
    """In the form of laion's CLIP models: open_clip's own ViT and byte-pair tokenizer."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "model_cfg": {
            "embed_dim": 24,
            "vision_cfg": {"image_size": 32, "layers": 1, "width": 64, "patch_size": 8},
            "text_cfg": {
                "context_length": 77, "vocab_size": 49408, "width": 32, "heads": 4, "layers": 1,
            },
        },
        "preprocess_cfg": {
            "size": 32, "mode": "RGB", "mean": [0.48145466, 0.4578275, 0.40821073],
            "std": [0.26862954, 0.26130258, 0.27577711], "interpolation": "bicubic",
            "resize_mode": "shortest",
        },
    }  # fmt: skip
    return _save_open_clip(folder, config, open_clip, save_file)


def _save_open_clip(folder: Path, config: dict[str, Any], open_clip: Any, save_file: Any) -> Any:
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    seed()
    model = open_clip.create_model(f"local-dir:{folder}", load_weights=False)
    spread(model)
    save_file(
        {k: v.contiguous() for k, v in model.state_dict().items()},
        folder / "open_clip_model.safetensors",
    )
    return model


# --- detectors --------------------------------------------------------------------------------

FASHION_NAMES = {0: "shirt, blouse", 1: "pants", 2: "shoe", 3: "sleeve", 4: "bag, wallet"}
COCO_NAMES = {0: "hat", 1: "person", 2: "handbag", 3: "shoe", 4: "dog"}


def _names(names: dict[int, str]) -> dict[str, Any]:
    return {"id2label": names, "label2id": {name: i for i, name in names.items()}}


def yolos(folder: Path, *, sees: str | None = None) -> Any:
    """`sees`: a class that every query is sure of."""
    from transformers import YolosConfig, YolosForObjectDetection
    from transformers.models.yolos.image_processing_pil_yolos import YolosImageProcessorPil

    seed()
    config = YolosConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=32,
        image_size=[64, 96], patch_size=16, num_detection_tokens=12,
        use_mid_position_embeddings=True, **_names(FASHION_NAMES),
    )  # fmt: skip
    YolosImageProcessorPil(size={"shortest_edge": 64, "longest_edge": 112}).save_pretrained(folder)
    model = YolosForObjectDetection(config)
    _save(model, folder)
    if sees is not None:
        with torch.no_grad():
            model.class_labels_classifier.layers[-1].bias[config.label2id[sees]] += 50.0
        model.save_pretrained(folder)
    return model


def _resnet(**more: Any) -> Any:
    from transformers import ResNetConfig

    return ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], out_features=["stage2"],
        layer_type="basic", **more,
    )  # fmt: skip


def detr(folder: Path) -> Any:
    from transformers import DetrConfig, DetrForObjectDetection
    from transformers.models.detr.image_processing_pil_detr import DetrImageProcessorPil

    seed()
    config = DetrConfig(
        use_timm_backbone=False, use_pretrained_backbone=False, backbone=None,
        backbone_config=_resnet(), d_model=32, encoder_layers=1, decoder_layers=1,
        encoder_attention_heads=4, decoder_attention_heads=4, encoder_ffn_dim=32,
        decoder_ffn_dim=32, num_queries=10, **_names(COCO_NAMES),
    )  # fmt: skip
    DetrImageProcessorPil(size={"shortest_edge": 64, "longest_edge": 112}).save_pretrained(folder)
    return _save(DetrForObjectDetection(config), folder, 0.4)


def rt_detr(folder: Path) -> Any:
    from transformers import RTDetrConfig, RTDetrForObjectDetection, RTDetrResNetConfig
    from transformers.models.rt_detr.image_processing_pil_rt_detr import RTDetrImageProcessorPil

    seed()
    config = RTDetrConfig(
        backbone_config=RTDetrResNetConfig(
            embedding_size=8, hidden_sizes=[8, 16, 24, 32], depths=[1, 1, 1, 1],
            layer_type="basic", out_features=["stage3", "stage4"],
        ),
        encoder_hidden_dim=32, encoder_in_channels=[24, 32], feat_strides=[16, 32],
        encode_proj_layers=[1], encoder_layers=1, encoder_ffn_dim=32, encoder_attention_heads=2,
        num_queries=10,
        d_model=32, decoder_in_channels=[32, 32], decoder_ffn_dim=32, decoder_layers=1,
        decoder_attention_heads=2, num_feature_levels=2, decoder_n_points=2, anchor_image_size=None,
        **_names(COCO_NAMES),
    )  # fmt: skip
    RTDetrImageProcessorPil(size={"height": 64, "width": 64}).save_pretrained(folder)
    return _save(RTDetrForObjectDetection(config), folder, 0.3)


def grounding_dino(folder: Path) -> Any:
    from transformers import GroundingDinoConfig, GroundingDinoForObjectDetection, SwinConfig
    from transformers.models.grounding_dino.image_processing_pil_grounding_dino import (
        GroundingDinoImageProcessorPil,
    )

    folder.mkdir(parents=True, exist_ok=True)
    seed()
    tokenizer = bert_tokenizer(folder)
    config = GroundingDinoConfig(
        backbone_config=SwinConfig(
            image_size=64, window_size=4, embed_dim=8, depths=[1, 1, 1, 1], num_heads=[1, 1, 2, 2],
            out_features=["stage2", "stage3", "stage4"],
        ),
        text_config={
            "model_type": "bert", "vocab_size": len(tokenizer), "hidden_size": 32,
            "num_hidden_layers": 1, "num_attention_heads": 4, "intermediate_size": 32,
            "max_position_embeddings": 256,
        },
        d_model=32, encoder_layers=1, decoder_layers=2, encoder_ffn_dim=32, decoder_ffn_dim=32,
        encoder_attention_heads=4, decoder_attention_heads=4, num_queries=12,
        num_feature_levels=4, encoder_n_points=2, decoder_n_points=2, max_text_len=256,
    )  # fmt: skip
    GroundingDinoImageProcessorPil(
        size={"shortest_edge": 128, "longest_edge": 200}
    ).save_pretrained(folder)
    return _save(GroundingDinoForObjectDetection(config), folder)


def owlv2(folder: Path) -> Any:
    from transformers import Owlv2Config, Owlv2ForObjectDetection
    from transformers.models.owlv2.image_processing_pil_owlv2 import Owlv2ImageProcessorPil

    folder.mkdir(parents=True, exist_ok=True)
    seed()
    tower = {
        "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1,
        "num_attention_heads": 4,
    }  # fmt: skip
    tokenizer = clip_tokenizer(folder, 16)
    config = Owlv2Config(
        text_config={
            **tower, "vocab_size": len(tokenizer), "max_position_embeddings": 16,
            "eos_token_id": tokenizer.eos_token_id, "bos_token_id": tokenizer.bos_token_id,
        },
        vision_config={**tower, "image_size": 64, "patch_size": 16},
        projection_dim=32,
    )  # fmt: skip
    Owlv2ImageProcessorPil(size={"height": 64, "width": 64}).save_pretrained(folder)
    return _save(Owlv2ForObjectDetection(config), folder, 0.02)


CLOTHES_NAMES = dict(
    enumerate((
        "Background", "Hat", "Hair", "Sunglasses", "Upper-clothes", "Skirt", "Pants", "Dress",
        "Belt", "Left-shoe", "Right-shoe", "Face", "Left-leg", "Right-leg", "Left-arm",
        "Right-arm", "Bag", "Scarf",
    ))
)  # fmt: skip


def segformer(folder: Path) -> Any:
    from transformers import SegformerConfig, SegformerForSemanticSegmentation
    from transformers.models.segformer.image_processing_pil_segformer import (
        SegformerImageProcessorPil,
    )

    seed()
    config = SegformerConfig(
        depths=[1, 1, 1, 1], hidden_sizes=[8, 16, 16, 32], num_attention_heads=[1, 1, 2, 2],
        decoder_hidden_size=32, **_names(CLOTHES_NAMES),
    )  # fmt: skip
    SegformerImageProcessorPil(size={"height": 64, "width": 64}).save_pretrained(folder)
    return _save(SegformerForSemanticSegmentation(config), folder)
