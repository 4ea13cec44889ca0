"""What the matches are worth against known pairs, and what can be learned from them."""

from lookweave.evaluate.ablations import ablations
from lookweave.evaluate.compare import compare
from lookweave.evaluate.learning import learn
from lookweave.evaluate.recall import evaluate
from lookweave.evaluate.verdicts import Precision, tier_precision
from lookweave.evaluate.wording import as_text

__all__ = ["Precision", "ablations", "as_text", "compare", "evaluate", "learn", "tier_precision"]
