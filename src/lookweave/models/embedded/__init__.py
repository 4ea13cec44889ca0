"""The models that ship inside the package: no hub, no torch."""
