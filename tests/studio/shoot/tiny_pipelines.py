"""Diffusers pipelines of a few thousand weights, made of the real classes and saved as folders.

Their transformers know nothing. The autoencoder of `write_klein` is set by hand to pass a picture
through, so that what its inpainting pipeline keeps can be seen in the picture.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    AutoencoderKLFlux2,
    AutoencoderKLQwenImage,
    FlowMatchEulerDiscreteScheduler,
    Flux2KleinPipeline,
    Flux2Transformer2DModel,
    QwenImageEditPlusPipeline,
    QwenImageTransformer2DModel,
    ZImageControlNetModel,
    ZImageControlNetPipeline,
    ZImageTransformer2DModel,
)
from tokenizers import pre_tokenizers
from transformers import (
    BatchFeature,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2Tokenizer,
    Qwen2VLImageProcessorPil,
    Qwen3Config,
    Qwen3ForCausalLM,
    Qwen3Model,
)

_SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>",
            "<|image_pad|>", "<|video_pad|>")  # fmt: skip
_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def write_klein(folder: Path) -> Path:
    """A `Flux2KleinPipeline` whose transformer predicts nothing and whose autoencoder keeps what
    it is given."""
    torch.manual_seed(0)
    transformer = Flux2Transformer2DModel(
        patch_size=1, in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=16,
        num_attention_heads=2, joint_attention_dim=24, timestep_guidance_channels=32,
        axes_dims_rope=(4, 4, 4, 4), guidance_embeds=False,
    )  # fmt: skip
    with torch.no_grad():
        transformer.proj_out.weight.zero_()
    vae = AutoencoderKLFlux2(
        sample_size=32, down_block_types=("DownEncoderBlock2D",),
        up_block_types=("UpDecoderBlock2D",), block_out_channels=(4,), layers_per_block=1,
        latent_channels=4, norm_num_groups=1, use_quant_conv=False, use_post_quant_conv=False,
        mid_block_add_attention=False,
    )  # fmt: skip
    _pass_through(vae)
    Flux2KleinPipeline(
        FlowMatchEulerDiscreteScheduler(), vae, Qwen3ForCausalLM(_words(28, 8)), _tokenizer(),
        transformer, is_distilled=True,
    ).save_pretrained(folder)  # fmt: skip
    return folder


class Pictures:
    """In place of Qwen2VLProcessor, which cannot be made without torchvision: the same tokenizer
    and picture processor, called in the same way."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer, self.pictures = tokenizer, Qwen2VLImageProcessorPil()

    def __call__(self, text: list[str], images: Any, padding: bool, return_tensors: str) -> Any:
        seen = self.pictures(images=images, return_tensors=return_tensors)
        pads = iter(int(grid.prod()) // 4 for grid in seen["image_grid_thw"])
        filled = []
        for one in text:
            first, *rest = one.split("<|image_pad|>")
            filled.append(first + "".join("<|image_pad|>" * next(pads) + part for part in rest))
        return BatchFeature(
            {**self.tokenizer(filled, padding=padding, return_tensors=return_tensors), **seen}
        )


def qwen() -> QwenImageEditPlusPipeline:
    """A `QwenImageEditPlusPipeline` with random weights; not for saving."""
    torch.manual_seed(0)
    transformer = QwenImageTransformer2DModel(
        patch_size=2, in_channels=16, out_channels=4, num_layers=1, attention_head_dim=16,
        num_attention_heads=2, joint_attention_dim=16, guidance_embeds=False,
        axes_dims_rope=(8, 4, 4),
    )  # fmt: skip
    vae = AutoencoderKLQwenImage(
        base_dim=8, z_dim=4, dim_mult=[1, 2, 2, 2], num_res_blocks=1,
        temperal_downsample=[False, True, True], latents_mean=[0.0] * 4, latents_std=[1.0] * 4,
    )  # fmt: skip
    tokenizer = _tokenizer()
    of = tokenizer.convert_tokens_to_ids
    config = Qwen2_5_VLConfig(
        text_config={
            "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2,
            "num_attention_heads": 2, "num_key_value_heads": 2, "vocab_size": len(tokenizer),
            "rope_scaling": {"mrope_section": [1, 1, 2], "rope_type": "default", "type": "default"},
            "rope_theta": 1e6,
        },
        vision_config={
            "depth": 1, "hidden_size": 16, "intermediate_size": 16, "num_heads": 2,
            "out_hidden_size": 16, "fullatt_block_indexes": [0],
        },
        image_token_id=of("<|image_pad|>"), video_token_id=of("<|video_pad|>"),
        vision_start_token_id=of("<|vision_start|>"), vision_end_token_id=of("<|vision_end|>"),
    )  # fmt: skip
    return QwenImageEditPlusPipeline(
        FlowMatchEulerDiscreteScheduler(), vae, Qwen2_5_VLForConditionalGeneration(config),
        tokenizer, Pictures(tokenizer), transformer,
    )  # fmt: skip


def write_z_image(folder: Path, *, inpaints: bool) -> Path:
    """A `ZImageControlNetPipeline` with random weights; its ControlNet takes 16 channels, or the
    33 (control, mask, masked picture) of those that inpaint."""
    torch.manual_seed(0)
    shape = {"all_patch_size": (2,), "all_f_patch_size": (1,), "dim": 32, "n_refiner_layers": 1,
             "n_heads": 2, "n_kv_heads": 2, "norm_eps": 1e-5, "qk_norm": True}  # fmt: skip
    transformer = ZImageTransformer2DModel(
        **shape, in_channels=16, n_layers=2, cap_feat_dim=16, rope_theta=256.0, t_scale=1000.0,
        axes_dims=[8, 4, 4], axes_lens=[512, 64, 64],
    )  # fmt: skip
    controlnet = ZImageControlNetModel(
        **shape, control_layers_places=[0, 1], control_refiner_layers_places=[0],
        control_in_dim=33 if inpaints else 16,
        add_control_noise_refiner="control_noise_refiner" if inpaints else None,
    )  # fmt: skip
    with torch.no_grad():  # they are born as whatever was in memory
        for token in (transformer.x_pad_token, transformer.cap_pad_token):
            token.fill_(1.0)
    vae = AutoencoderKL(
        down_block_types=["DownEncoderBlock2D"] * 2, up_block_types=["UpDecoderBlock2D"] * 2,
        block_out_channels=[8, 8], layers_per_block=1, latent_channels=16, norm_num_groups=4,
        sample_size=32, scaling_factor=0.3611, shift_factor=0.1159,
        mid_block_add_attention=False,
    )  # fmt: skip
    ZImageControlNetPipeline(
        FlowMatchEulerDiscreteScheduler(), vae, Qwen3Model(_words(2, 16)), _tokenizer(),
        transformer, controlnet,
    ).save_pretrained(folder)  # fmt: skip
    return folder


def _words(layers: int, width: int) -> Qwen3Config:
    return Qwen3Config(
        vocab_size=len(_tokenizer()), hidden_size=width, intermediate_size=width, head_dim=width,
        num_hidden_layers=layers, num_attention_heads=1, num_key_value_heads=1,
        max_position_embeddings=2048,
    )  # fmt: skip


def _tokenizer() -> Qwen2Tokenizer:
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Qwen2Tokenizer(vocab={c: n for n, c in enumerate(letters)}, merges=[])
    tokenizer.add_special_tokens({"additional_special_tokens": list(_SPECIAL)})
    tokenizer.chat_template = _TEMPLATE
    return tokenizer


def _pass_through(vae: AutoencoderKLFlux2) -> None:
    """Encoder and decoder as the identity, but for the brightness that the norms take out: SiLU is
    nearly linear far from zero, so features ride on a bias that the last layer takes off."""
    far, gain = 12.0, 1.0
    with torch.no_grad():
        for part in (vae.encoder, vae.decoder):
            for block in part.modules():
                if hasattr(block, "conv2"):
                    block.conv2.weight.zero_()
                    block.conv2.bias.zero_()
            _identity(part.conv_in, 1.0)
            part.conv_norm_out.weight.fill_(gain)
            part.conv_norm_out.bias.fill_(far)
            _identity(part.conv_out, 1.0)
            part.conv_out.bias.fill_(-far)
        vae.encoder.conv_out.bias[4:] = -20.0  # of the latents' log variance: none
        vae.encoder.conv_out.weight[4:] = 0.0
        vae.decoder.conv_out.weight.mul_(0.5)
        vae.decoder.conv_out.bias.fill_(-0.5 * far)


def _identity(conv: Any, gain: float) -> None:
    conv.weight.zero_()
    conv.bias.zero_()
    for channel in range(min(conv.in_channels, conv.out_channels)):
        conv.weight[channel, channel, 1, 1] = gain
