"""What the matches are worth against known pairs, and what can be learned from them."""

from lookweave.evaluate.ablations import ablations
from lookweave.evaluate.learning import learn
from lookweave.evaluate.recall import evaluate
from lookweave.evaluate.wording import as_text

__all__ = ["ablations", "as_text", "evaluate", "learn"]
