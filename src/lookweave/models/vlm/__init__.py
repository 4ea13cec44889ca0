"""Describers that understand words and images together.

`describer` asks a server (vLLM, SGLang, Ollama, a paid API), `local` runs a transformers model
in this process, `zero_shot` compares an image-text encoder's vectors with the taxonomy.
"""
