"""Garments: how they are cut, sewn, draped and carried."""
