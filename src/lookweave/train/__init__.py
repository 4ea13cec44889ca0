"""Recipes for the models that ship with Lookweave; needs the extra ``[train]``."""
