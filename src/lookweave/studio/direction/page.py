"""The page of concept cards: one HTML file with pictures, palettes and sources."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, select_autoescape

from lookweave.studio.direction import trade
from lookweave.studio.direction.concept import Concepts
from lookweave.studio.direction.record import write_text
from lookweave.studio.shoot.colours import from_lab
from lookweave.studio.shoot.record import Point


def code(lab: Point) -> str:
    """A CIELAB colour as sRGB, such as "#c2268f"."""
    levels = np.round(from_lab(np.array(lab)) * 255).astype(int)
    return "#" + "".join(f"{level:02x}" for level in levels)


def data_url(path: Path) -> str:
    """A picture as an address that holds it."""
    kind = "png" if path.suffix == ".png" else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


def font_url(name: str) -> str:
    """A font of this package as an address that holds it."""
    held = resources.files(__package__).joinpath("fonts", name).read_bytes()
    return f"data:font/ttf;base64,{base64.b64encode(held).decode()}"


@cache
def environment() -> Environment:
    """Templates of this package; what goes into HTML is escaped."""
    made = Environment(autoescape=select_autoescape(default=True), trim_blocks=True)
    made.filters["code"] = code
    made.filters["colour_name"] = trade.colour_name
    made.globals["data_url"] = data_url
    made.globals["font_url"] = font_url
    return made


def render(template: str, **values: Any) -> str:
    """`template`, a file of this package, filled."""
    text = resources.files(__package__).joinpath(template).read_text(encoding="utf-8")
    return environment().from_string(text).render(**values)


def write_cards(found: Concepts, pictures: Mapping[int, Path], path: Path) -> None:
    """Write the page; `pictures` are of the concepts, by number from 1."""
    write_text(path, render("concepts.html", found=found, pictures=pictures))
