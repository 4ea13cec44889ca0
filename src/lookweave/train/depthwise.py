"""Depthwise convolution whose gradient is quick at half precision on a processor.

At bfloat16 everything in these networks runs two to three times as fast as at float32, save the
gradient of a depthwise 5 x 5 kernel, which takes four times as long and eats the whole gain. So
that one gradient, and those of strided kernels, are taken at float32.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class _HalfPrecisionDepthwise(torch.autograd.Function):
    """functional.conv2d with groups = channels; forward at bfloat16."""

    @staticmethod
    def forward(
        context: Any, image: Tensor, weight: Tensor, bias: Tensor | None, stride: int, padding: int
    ) -> Tensor:
        half, kernel = image.bfloat16(), weight.bfloat16()
        context.save_for_backward(half, kernel)
        context.stride, context.padding, context.has_bias = stride, padding, bias is not None
        context.image_type = image.dtype
        half_bias = None if bias is None else bias.bfloat16()
        return functional.conv2d(half, kernel, half_bias, stride, padding, groups=kernel.shape[0])

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        gradient = gradients[0]
        image, kernel = context.saved_tensors
        stride, padding, channels = context.stride, context.padding, kernel.shape[0]
        side = kernel.shape[-1]

        def slow(part: list[bool], dtype: torch.dtype) -> tuple[Tensor, ...]:
            found: tuple[Tensor, ...] = torch.ops.aten.convolution_backward(
                gradient.to(dtype), image.to(dtype), kernel.to(dtype), [channels],
                [stride, stride], [padding, padding], [1, 1], False, [0, 0], channels, part,
            )  # fmt: skip
            return found

        to_image: Tensor | None = None
        if context.needs_input_grad[0]:
            if stride == 1:  # the gradient is itself a convolution, with the kernel turned round
                to_image = functional.conv2d(
                    gradient, kernel.flip(2, 3), None, 1, side - 1 - padding, groups=channels
                )
            else:
                to_image = slow([True, False, False], torch.float32)[0]
            to_image = to_image.to(context.image_type)
        small = side == 3 and stride == 1
        to_weight = slow([False, True, False], torch.bfloat16 if small else torch.float32)[1]
        to_bias = gradient.sum((0, 2, 3), dtype=torch.float32) if context.has_bias else None
        return to_image, to_weight.float(), to_bias, None, None


def depthwise(convolution: nn.Conv2d, image: Tensor) -> Tensor:
    """What `convolution`, depthwise and square, gives; under autocast by the way above."""
    stride, padding = convolution.stride[0], convolution.padding[0]
    assert isinstance(padding, int)
    if torch.is_autocast_enabled("cpu") and convolution.weight.requires_grad:
        found: Tensor = _HalfPrecisionDepthwise.apply(
            image, convolution.weight, convolution.bias, stride, padding
        )  # type: ignore[no-untyped-call]
        return found
    return functional.conv2d(
        image, convolution.weight, convolution.bias, stride, padding, groups=convolution.groups
    )
