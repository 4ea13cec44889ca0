"""Matching itself: arrays in, arrays out. Knows no table, no step and no model."""
