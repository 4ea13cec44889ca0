"""A description as one row of numbers."""

from __future__ import annotations

import numpy as np

from lookweave.models.protocols import Description, Vectors
from lookweave.records import ATTRIBUTE_WIDTH
from lookweave.taxonomy import ATTRIBUTES


def attribute_vector(said: Description) -> Vectors:
    """The description as float32 (records.ATTRIBUTE_WIDTH,): one distribution per attribute in
    the order of the taxonomy, all zero where the model does not say."""
    vector = np.zeros(ATTRIBUTE_WIDTH, np.float32)
    start = 0
    for attribute, values in ATTRIBUTES.items():
        spoken = said.attributes.get(attribute, {})
        block = np.array([spoken.get(value, 0.0) for value in values], np.float32)
        if block.sum() > 0:
            vector[start : start + len(values)] = block / block.sum()
        start += len(values)
    return vector
