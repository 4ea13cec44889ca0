"""A vision-language model of a few thousand weights, made of transformers' own classes.

With random weights it babbles. With an `answer` its language model is set by hand to say just
that: the answer is cut into pieces that are one token each, and every layer but the first and the
last is silent, so what follows a token depends on that token alone.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    BartConfig,
    CLIPImageProcessor,
    CLIPVisionConfig,
    Florence2Config,
    Florence2ForConditionalGeneration,
    Florence2Processor,
    Florence2VisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)

SPECIAL = ("<pad>", "<eos>", "<image>", "<answer>")
TEMPLATE = (
    "{% for m in messages %}[{{ m['role'] }}] {% if m['content'] is string %}{{ m['content'] }}"
    "{% else %}{% for part in m['content'] %}{% if part['type'] == 'text' %}{{ part['text'] }}"
    "{% else %}<image>{% endif %}{% endfor %}{% endif %}\n{% endfor %}"
    "{% if add_generation_prompt %}<answer>{% endif %}"
)


def write_tiny_vlm(folder: Path, answer: str | None = None) -> None:
    """Save model, processor and tokenizer to `folder`, to be loaded by any Auto class."""
    pieces: list[str] = []
    if answer is not None:
        pieces = [answer[start : start + 7] for start in range(0, len(answer), 7)]
        assert len(set(pieces)) == len(pieces), "a piece that comes twice has two successors"
    tokenizer = _tokenizer(pieces)
    size = len(tokenizer)
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(
            hidden_size=32, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
            image_size=28, patch_size=14,
        ),
        text_config=LlamaConfig(
            vocab_size=size, hidden_size=-(-size // 8) * 8, intermediate_size=32,
            num_hidden_layers=1, num_attention_heads=4, num_key_value_heads=4,
            max_position_embeddings=8192, pad_token_id=0, eos_token_id=1, bos_token_id=None,
        ),
        image_token_id=2, vision_feature_layer=-1, vision_feature_select_strategy="default",
    )  # fmt: skip
    torch.manual_seed(0)
    model = LlavaForConditionalGeneration(config)
    if answer is not None:
        _recite(model, tokenizer.convert_tokens_to_ids(["<answer>", *pieces, "<eos>"]))
    model.generation_config.update(pad_token_id=0, eos_token_id=1, do_sample=False)
    model.save_pretrained(folder)
    LlavaProcessor(
        image_processor=CLIPImageProcessor(
            size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28}
        ),
        tokenizer=tokenizer,
        patch_size=14,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=TEMPLATE,
    ).save_pretrained(folder)


def _tokenizer(pieces: list[str], **more: object) -> PreTrainedTokenizerFast:
    letters = [*SPECIAL, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    tokenizer = Tokenizer(models.BPE({token: n for n, token in enumerate(letters)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = {"extra_special_tokens": ["<image>", "<answer>"], **more}
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<eos>", padding_side="left",
        **special,
    )  # fmt: skip
    fast.add_tokens(pieces)
    return fast


def _recite(model: LlavaForConditionalGeneration, tokens: list[int]) -> None:
    """Make each token be followed by the next, whatever else the model has seen."""
    with torch.no_grad():
        for layer in model.model.language_model.layers:
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.down_proj.weight.zero_()
        inner = model.model.language_model.embed_tokens.weight
        inner.copy_(torch.eye(*inner.shape))
        model.lm_head.weight.zero_()
        for token, following in pairwise(tokens):
            model.lm_head.weight[following, token] = 10.0


def write_tiny_florence(folder: Path) -> None:
    """A Florence-2 with random weights: it captions, and has no chat template."""
    tokenizer = _tokenizer([], bos_token="<bos>", extra_special_tokens={"image_token": "<image>"})
    config = Florence2Config(
        vision_config=Florence2VisionConfig(
            depths=(1, 1, 1, 1), embed_dim=(8, 8, 16, 16), num_heads=(1, 1, 2, 2),
            num_groups=(1, 1, 2, 2), window_size=4, projection_dim=16,
        ),
        text_config=BartConfig(
            vocab_size=len(tokenizer), d_model=16, encoder_layers=1, decoder_layers=1,
            encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=16,
            decoder_ffn_dim=16, max_position_embeddings=512, pad_token_id=0, eos_token_id=1,
            bos_token_id=tokenizer.bos_token_id, decoder_start_token_id=1, forced_eos_token_id=None,
        ),
        image_token_id=2, pad_token_id=0, eos_token_id=1, bos_token_id=tokenizer.bos_token_id,
    )  # fmt: skip
    torch.manual_seed(0)
    model = Florence2ForConditionalGeneration(config)
    silent = [n for n in range(len(tokenizer)) if n in tokenizer.all_special_ids]
    model.generation_config.update(suppress_tokens=silent)
    model.save_pretrained(folder)
    images = CLIPImageProcessor(
        size={"height": 64, "width": 64}, do_center_crop=False, image_seq_length=5
    )
    images.image_seq_length = 5  # 2 x 2 patches of the last stage and their mean
    Florence2Processor(image_processor=images, tokenizer=tokenizer).save_pretrained(folder)
