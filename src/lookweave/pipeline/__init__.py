"""From photos to tiered pairs: `run` is the list of steps, `steps` and `executors` its parts."""
