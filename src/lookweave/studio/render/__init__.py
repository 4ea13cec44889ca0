"""Rendered truth: garments, people, scenes and light with exact answers. See docs/rendering.md."""
