"""match: garments x regions -> scored matches, both ways.

`partition` writes the vectors of all garments and regions to scratch files, from the `rows` of
the workspace and sorted by the `blocks` of the category filter; `words` reads brands and credits,
`detail` compares candidates part by part;
`matcher` joins them all; `step` is what the pipeline runs.
"""

from lookweave.pipeline.steps.match.step import (
    CALIBRATION,
    RANKED,
    Match,
    calibration,
    make_matcher,
    measured_path,
    open_matcher,
    score_weights,
    scratch,
    set_weights,
)

__all__ = [
    "CALIBRATION",
    "RANKED",
    "Match",
    "calibration",
    "make_matcher",
    "measured_path",
    "open_matcher",
    "score_weights",
    "scratch",
    "set_weights",
]  # fmt: skip
