"""What the matches are worth against known pairs."""
