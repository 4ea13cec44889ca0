"""ONNX files made from torch, kept under the models folder by what they were made from."""

from __future__ import annotations

import logging
import os
import shutil
import warnings
from pathlib import Path

from filelock import FileLock

from lookweave.errors import ModelError
from lookweave.models.hub.files import KEPT, cache_dir, content_fingerprint
from lookweave.models.hub.graphs import Config, Graph, Size

logger = logging.getLogger(__name__)

VERSION = 2
"""Raise it when the same weights give another graph."""


def onnx_file(
    folder: Path, config: Config, graph: Graph, models_dir: Path | None, *,
    size: Size, int8: bool = False,
) -> Path:  # fmt: skip
    """The ONNX file of one of the folder's networks; made now if it is not there yet.

    A folder may bring its own ``image.onnx``, ``text.onnx`` or ``detector.onnx``. What is made
    goes to ``MODELS_DIR/exports/FINGERPRINT/``, with the folder's configuration beside it: that
    folder is a model of its own and needs no torch where it is taken to.

    Args:
        size: height and width of a photo to trace it with.

    Raises:
        ModelError: torch is needed and absent, or the network cannot be exported.
    """
    name = f"{graph.name}.int8.onnx" if int8 else f"{graph.name}.onnx"
    if (folder / name).exists():
        return folder / name
    own = (folder / f"{graph.name}.onnx").exists()
    place = exports_dir(models_dir) / f"{content_fingerprint(folder)}-{VERSION}"
    path = place / name
    if path.exists():
        return path
    place.mkdir(parents=True, exist_ok=True)
    with FileLock(str(place / ".lock")):
        if not path.exists():
            whole = folder / f"{graph.name}.onnx" if own else place / f"{graph.name}.onnx"
            if not whole.exists():
                _export(folder, config, graph, whole, size)
            if int8:
                _quantise(whole, path)
            for pattern in KEPT:
                for file in folder.glob(pattern):
                    shutil.copy2(file, place / file.name)
    return path


def exports_dir(models_dir: Path | None) -> Path:
    """Where exported networks are kept."""
    return (models_dir or cache_dir()) / "exports"


def _export(folder: Path, config: Config, graph: Graph, path: Path, size: Size) -> None:
    try:
        from lookweave.models.hub import modules
    except ImportError as error:
        raise ModelError(
            f"{folder} has to be exported to ONNX first, which needs torch and transformers "
            f"({error}): pip install 'lookweave[hub]', or export it on another machine and bring "
            "the folder it makes."
        ) from error
    logger.info("Exporting the %s network of %s to ONNX; this is done once.", graph.name, folder)
    part = path.with_name(f"part-{os.getpid()}-{path.name}")
    sides = (0, 2, 3) if graph.free_sides else (0,)
    axes: dict[str, tuple[int, ...]] = {
        name: sides if name == "pixel_values" else (0,) for name in graph.inputs
    }
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the exporter's own deprecations
            modules.to_onnx(
                graph.module(folder, config), graph.example(config, size), part,
                inputs=graph.inputs, outputs=graph.outputs, axes=axes,
            )  # fmt: skip
    except ModelError:
        raise
    except Exception as error:
        first = (str(error).strip().splitlines() or [""])[0]
        raise ModelError(
            f"The {graph.name} network of {folder} cannot be exported to ONNX "
            f"({type(error).__name__}: {first}). Run it with the torch backend."
        ) from error
    data = part.with_name(part.name + ".data")
    if data.exists():  # its name is written inside the ONNX file: the pair is loaded and saved anew
        _save_as(part, path)
        data.unlink()
        part.unlink()
    else:
        part.replace(path)


def _save_as(part: Path, path: Path) -> None:
    import onnx

    model = onnx.load(str(part))
    onnx.save(model, str(path), save_as_external_data=True, location=path.name + ".data")


def _quantise(whole: Path, path: Path) -> None:
    """Weights in 8 bits, activations quantised as they come (dynamic quantisation)."""
    try:
        from onnxruntime.quantization import QuantType, quantize_dynamic
    except ImportError as error:
        raise ModelError(f"int8 needs the package onnx ({error}): pip install onnx.") from error
    part = path.with_name(f"part-{os.getpid()}-{path.name}")
    quantize_dynamic(
        str(whole), str(part), weight_type=QuantType.QUInt8, op_types_to_quantize=["MatMul", "Gemm"]
    )
    part.replace(path)
