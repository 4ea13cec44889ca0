"""Models whose weights come from a hub, a folder or an ONNX file.

`cards` says which there are, `fetch` finds their files, `encoder` and the three detectors turn
them into the protocols of `models.protocols`. Nothing here is imported before such a model is
asked for, and torch and transformers only when a model has to be exported or run by torch.
"""
