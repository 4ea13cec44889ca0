"""The OpenGL side: meshes in, linear colour, normals, ids and depth out. No window, no GPU.

One context serves a process. EGL with Mesa's llvmpipe draws on the CPU; the same code runs on a
GPU where there is one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookweave.studio.render.body import Array
from lookweave.studio.render.camera import Camera, look_at, orthographic
from lookweave.studio.render.lights import Lighting

Float32 = NDArray[np.float32]
SKIN, CLOTH, SCENE, HAIR = 0, 1, 2, 3
SHADOW_SIZE, TEXTURES = 1024, 200


class NoRenderer(RuntimeError):  # noqa: N818
    """This machine cannot open an EGL context."""


@dataclass
class Mesh:
    """Triangles with everything the shaders ask of a vertex; missing arrays become zeros."""

    position: Array  # (N, 3)
    normal: Array  # (N, 3)
    faces: NDArray[np.int32]  # (M, 3)
    canonical: Array | None = None  # (N, 4)
    along: Array | None = None  # (N, 3) the cloth's warp direction
    uv: Array | None = None  # (N, 2)
    tint: Array | None = None  # (N, 4)


@dataclass
class Texture:
    """An image for a sampler: (H, W, C) float32 or uint8. Equal keys are uploaded once."""

    key: str
    pixels: NDArray[Any]


@dataclass
class Part:
    """One draw call: a mesh, what it is made of, and what hides it."""

    mesh: Mesh
    kind: int
    id: int
    values: dict[str, Any] = field(default_factory=dict)  # uniforms by name, without "u_"
    textures: dict[str, Texture] = field(default_factory=dict)
    covers: list[Float32] = field(default_factory=list)  # cuts of the garments worn over it
    margin: float = 0.012  # how deep under a cover a fragment must lie to be dropped
    casts: bool = True


@dataclass
class Layer:
    """One drawing, top row first."""

    colour: Float32  # (H, W, 3) linear light, 0 where nothing was drawn
    normal: Float32  # (H, W, 3) world space
    id: NDArray[np.uint8]  # (H, W) Part.id, 0 where nothing was drawn
    depth: Float32  # (H, W) metres in front of the camera, inf where nothing was drawn
    trust: Float32  # (H, W) 0..1: how far a photographed garment is known there; else 1


@dataclass
class Frame:
    """What a render returns: the person supersampled, the scenery at the picture's own size.

    Scenery is out of focus and never stands in front of the person, so it needs no more.
    """

    person: Layer
    scenery: Layer | None
    samples: int  # of the person's layer, per pixel and axis

    def _nearest(self, values: NDArray[Any]) -> NDArray[Any]:
        half = self.samples // 2
        return values[half :: self.samples, half :: self.samples]

    def merged(self) -> Layer:
        """Ids, depths, normals and unblended colours of every pixel's centre."""
        near = Layer(
            *(
                self._nearest(v)
                for v in (
                    self.person.colour, self.person.normal, self.person.id, self.person.depth,
                    self.person.trust,
                )
            )
        )  # fmt: skip
        if self.scenery is None:
            return near
        own = near.id > 0
        far = self.scenery
        return Layer(
            np.where(own[..., None], near.colour, far.colour),
            np.where(own[..., None], near.normal, far.normal),
            np.where(own, near.id, far.id), np.where(own, near.depth, far.depth),
            np.where(own, near.trust, far.trust),
        )  # fmt: skip


_UNIFORM_DEFAULTS: dict[str, Any] = {
    "base": (1.0, 1.0, 1.0), "accent": (0.5, 0.5, 0.5), "thread": (0.2, 0.2, 0.2),
    "repeat": (0.2, 0.2), "relief": 0.0, "fold": (0.0, 0.3, 0.6, 0.0), "gloss": 0.0,
    "photo_trunk": (0.0, 0.0, 1.0, 1.0), "photo_arms": (0.0, 0.0, 0.5, 1.0),
    "photo_legs": (0.0, 0.0, 0.5, 1.0), "photo_trunk_range": (0.0, 1.6),
    "photo_arms_range": (-0.1, 0.6), "photo_legs_range": (0.0, 1.2),
    "metal": 0.0, "sparkle": 0.0, "band": (0.0, 0.0, 0.0, 0.0), "band_rib": 0.0,
    "print": (0.0, 0.0, 0.0, 0.0), "detail": 0, "emission": 0.0, "pattern": 0,
    "cut": np.array([-9, 9, 9, 0, 9, 0.5, 0, 0, 0, 9, 0, 9], np.float32),
}  # fmt: skip
_SAMPLERS = ("albedo", "height", "noise", "print", "photo")


_FRONT_DETAILS = 1 | 2 | 4 | 8 | 16 | 32 | 512 | 4096  # drawn on the garment's front
_EXTRA_DETAILS = 64 | 128 | 256 | 1024
_FREE_UV = 2048


def _features(part: Part) -> tuple[tuple[str, int], ...]:
    """What the shader of `part` must be able to do, as macros."""
    detail = int(part.values.get("detail", 0))
    cloth = part.kind == CLOTH
    return (
        ("KIND", part.kind),
        ("PATTERN", int(part.values.get("pattern", 0)) if part.kind == SCENE else 0),
        ("FREE", int(cloth and bool(detail & _FREE_UV))),
        ("FRONT", int(cloth and bool(detail & _FRONT_DETAILS))),
        ("EXTRA", int(cloth and bool(detail & _EXTRA_DETAILS))),
        ("PRINT", int(cloth and "print" in part.textures)),
        ("PHOTO", int(cloth and "photo" in part.textures)),
        ("SPARKLE", int(cloth and part.values.get("sparkle", 0.0) > 0)),
    )


def _source(name: str, macros: tuple[tuple[str, int], ...] = ()) -> str:
    """Read a shader, replacing ``//#include name`` lines and defining `macros`."""
    folder = files("lookweave.studio.render").joinpath("shaders")
    lines = []
    for line in folder.joinpath(name).read_text().splitlines():
        if line.startswith("//#include "):
            lines.append(folder.joinpath(line.split()[1] + ".glsl").read_text())
        else:
            lines.append(line)
    defines = [f"#define {macro} {value}" for macro, value in macros]
    return "\n".join([lines[0], *defines, *lines[1:]])


class Renderer:
    """Draws parts with one light set-up through one camera."""

    def __init__(self) -> None:
        import moderngl

        try:
            settings: dict[str, Any] = {"standalone": True, "backend": "egl", "require": 330}
            self._gl = moderngl.create_context(**settings)
        except Exception as error:
            raise NoRenderer(
                "cannot open an OpenGL context without a screen (EGL): "
                f"{error}. On Debian or Ubuntu: apt-get install libegl1 libegl-mesa0 "
                "libgl1-mesa-dri"
            ) from error
        self._moderngl = moderngl
        self._programs: dict[tuple[Any, ...], Any] = {}
        self._targets: dict[tuple[int, int], Any] = {}
        self._textures: dict[str, Any] = {}
        self._shadow_map = self._gl.depth_texture((SHADOW_SIZE, SHADOW_SIZE))
        self._shadow_map.compare_func = "<="
        self._shadow_map.repeat_x = self._shadow_map.repeat_y = False
        self._shadow_target = self._gl.framebuffer(depth_attachment=self._shadow_map)
        self._blank = self._uploaded(np.full((4, 4, 4), 255, np.uint8))

    def render(
        self, parts: list[Part], camera: Camera, lighting: Lighting, size: tuple[int, int],
        samples: int = 1, scenery: list[Part] | None = None,
        focus: tuple[Array, float] | None = None,
    ) -> Frame:  # fmt: skip
        """Draw `parts` before `scenery` at `size` (width, height).

        `parts` get `samples` x `samples` samples a pixel. `focus` is the sphere (centre, radius)
        that the shadow map covers.
        """
        self._gl.__enter__()  # type: ignore[no-untyped-call]  # a process may have several
        self._gl.enable(self._moderngl.DEPTH_TEST)
        self._gl.disable(self._moderngl.CULL_FACE)
        behind = scenery or []
        buffers = {id(part): self._upload(part) for part in (*parts, *behind)}
        for part in (*parts, *behind):
            for texture in part.textures.values():
                self._texture(texture)
        centre, radius = focus if focus is not None else (np.zeros(3), 2.0)
        shadow = orthographic(radius, 4 * radius) @ look_at(
            centre + lighting.key_direction * 2 * radius, centre
        )
        if lighting.shadows:
            self._shadow_target.use()
            self._shadow_target.clear(depth=1.0)
            casting = [part for part in (*parts, *behind) if part.casts]
            self._depths(casting, buffers, shadow)
        fine = (size[0] * samples, size[1] * samples)
        person = self._layer(parts, buffers, camera, lighting, shadow, fine, True)
        back = None
        if scenery is not None:
            back = self._layer(behind, buffers, camera, lighting, shadow, size, False)
        for vbo, ibo in buffers.values():
            vbo.release()
            ibo.release()
        return Frame(person, back, samples)

    def _depths(
        self, parts: list[Part], buffers: dict[int, tuple[Any, Any]], matrix: Array
    ) -> None:
        """Draw only depths, dropping the fragments that cuts and covers take away."""
        for part in parts:
            program = self._program("depth.frag", (("KIND", part.kind),))
            _set(program, "u_view_projection", matrix.T.astype("f4").tobytes())
            _set(program, "t_noise", 0)
            _write(program, "u_cut", part.values.get("cut", _UNIFORM_DEFAULTS["cut"]))
            covers = np.zeros(72, np.float32)
            for k, cover in enumerate(part.covers[:6]):
                covers[12 * k : 12 * k + 12] = cover
            _write(program, "u_over", covers)
            _set(program, "u_over_count", min(len(part.covers), 6))
            _set(program, "u_over_margin", part.margin)
            noise = part.textures.get("noise")
            (self._texture(noise) if noise else self._blank).use(0)
            self._draw(program, buffers[id(part)])

    def _layer(
        self, parts: list[Part], buffers: dict[int, tuple[Any, Any]], camera: Camera,
        lighting: Lighting, shadow: Array, size: tuple[int, int], tight: bool,
    ) -> Layer:  # fmt: skip
        target = self._target(size)
        target.use()
        target.clear(0.0, 0.0, 0.0, 0.0, depth=1.0)
        matrix = camera.projection(size) @ camera.view()
        # Cloth shaders are dear: find what is in front first, then colour each sample once.
        target.color_mask = ((False,) * 4,) * 2
        self._depths(parts, buffers, matrix)
        target.color_mask = ((True,) * 4,) * 2
        target.depth_mask = False
        self._gl.depth_func = "=="
        self._shadow_map.use(len(_SAMPLERS))
        ready = set()
        for part in parts:
            program = self._program("surface.frag", _features(part))
            if program not in ready:
                ready.add(program)
                _set(program, "u_view_projection", matrix.T.astype("f4").tobytes())
                _set(program, "u_shadow", shadow.T.astype("f4").tobytes())
                _set(program, "u_eye", tuple(camera.eye))
                for name, value in lighting.uniforms().items():
                    _set(program, f"u_{name}", value)
                _write(program, "u_sh", lighting.harmonics)
                for unit, sampler in enumerate((*_SAMPLERS, "shadow")):
                    _set(program, f"t_{sampler}", unit)
            self._bind(program, part)
            self._draw(program, buffers[id(part)])
        target.depth_mask = True
        self._gl.depth_func = "<"
        region = _extent(parts, camera, size) if tight else (0, 0, *size)
        return _read(target, region, size, camera)

    def _program(self, fragment: str, macros: tuple[tuple[str, int], ...]) -> Any:
        key = (fragment, macros)
        if key not in self._programs:
            self._programs[key] = self._gl.program(
                _source("surface.vert"), _source(fragment, macros)
            )
        return self._programs[key]

    def close(self) -> None:
        """Free the context."""
        self._gl.release()

    def _bind(self, program: Any, part: Part) -> None:
        _set(program, "u_id", float(part.id))
        for name, default in _UNIFORM_DEFAULTS.items():
            value = part.values.get(name, default)
            if name == "cut":
                _write(program, "u_cut", value)
            else:
                _set(program, f"u_{name}", value if np.isscalar(value) else tuple(value))
        for unit, sampler in enumerate(_SAMPLERS):
            texture = part.textures.get(sampler)
            (self._texture(texture) if texture else self._blank).use(unit)

    def _upload(self, part: Part) -> tuple[Any, Any]:
        mesh = part.mesh
        count = len(mesh.position)
        columns = [
            mesh.position, mesh.normal,
            np.zeros((count, 4)) if mesh.canonical is None else mesh.canonical,
            np.tile([0.0, 1.0, 0.0], (count, 1)) if mesh.along is None else mesh.along,
            np.zeros((count, 2)) if mesh.uv is None else mesh.uv,
            np.ones((count, 4)) if mesh.tint is None else mesh.tint,
        ]  # fmt: skip
        packed = np.concatenate(columns, 1).astype(np.float32)
        return self._gl.buffer(packed.tobytes()), self._gl.buffer(
            np.ascontiguousarray(mesh.faces, np.int32).tobytes()
        )

    def _draw(self, program: Any, buffer: tuple[Any, Any]) -> None:
        vbo, ibo = buffer
        wanted = [
            ("in_position", 3), ("in_normal", 3), ("in_canonical", 4), ("in_along", 3),
            ("in_uv", 2), ("in_tint", 4),
        ]  # fmt: skip
        present = [name for name, _ in wanted if name in program]
        layout = " ".join(f"{size}f" if name in program else f"{size}x4" for name, size in wanted)
        array = self._gl.vertex_array(program, [(vbo, layout, *present)], index_buffer=ibo)
        array.render()
        array.release()

    def _texture(self, texture: Texture) -> Any:
        # The least lately used goes first: what this frame has bound is never freed.
        made = self._textures.pop(texture.key, None) or self._uploaded(texture.pixels)
        self._textures[texture.key] = made
        if len(self._textures) > TEXTURES:
            self._textures.pop(next(iter(self._textures))).release()
        return made

    def _uploaded(self, image: NDArray[Any]) -> Any:
        pixels = np.ascontiguousarray(image)
        height, width, channels = pixels.shape
        kind = "f4" if pixels.dtype == np.float32 else "f1"
        made = self._gl.texture((width, height), channels, pixels.tobytes(), dtype=kind)
        made.build_mipmaps()
        made.filter = (self._moderngl.LINEAR_MIPMAP_LINEAR, self._moderngl.LINEAR)
        return made

    def _target(self, size: tuple[int, int]) -> Any:
        if size not in self._targets:
            colours = [self._gl.texture(size, 4, dtype="f2") for _ in range(2)]
            self._targets[size] = self._gl.framebuffer(colours, self._gl.depth_texture(size))
        return self._targets[size]


def _extent(parts: list[Part], camera: Camera, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The (left, bottom, width, height) of the picture that `parts` can touch."""
    width, height = size
    if not parts:
        return 0, 0, 0, 0
    points = np.concatenate([part.mesh.position for part in parts])
    pixels, depth = camera.project(points, size)
    if (depth < camera.near).any():
        return 0, 0, width, height
    left, top = np.clip(np.floor(pixels.min(0)) - 2, 0, size).astype(int)
    right, bottom = np.clip(np.ceil(pixels.max(0)) + 2, 0, size).astype(int)
    if right <= left or bottom <= top:
        return 0, 0, 0, 0
    return int(left), int(height - bottom), int(right - left), int(bottom - top)


def _read(
    target: Any, region: tuple[int, int, int, int], size: tuple[int, int], camera: Camera
) -> Layer:
    """Read back `region` of the framebuffer; the rest counts as empty."""
    width, height = size
    layer = Layer(
        np.zeros((height, width, 3), np.float32), np.zeros((height, width, 3), np.float32),
        np.zeros((height, width), np.uint8), np.full((height, width), np.inf, np.float32),
        np.ones((height, width), np.float32),
    )  # fmt: skip
    left, bottom, wide, tall = region
    if not wide or not tall:
        return layer

    def values(attachment: int, count: int, kind: str, dtype: type) -> NDArray[Any]:
        raw = target.read(region, count, attachment=attachment, dtype=kind, alignment=1)
        return np.frombuffer(raw, dtype).reshape(tall, wide, count)[::-1]

    colour, surface = values(0, 4, "f2", np.float16), values(1, 4, "f2", np.float16)
    window = values(-1, 1, "f4", np.float32)[..., 0].astype(np.float64)
    near, far = camera.near, camera.far
    metres = near * far / np.maximum(far - window * (far - near), 1e-9)
    drawn = window < 1.0
    top = height - bottom - tall
    here = (slice(top, top + tall), slice(left, left + wide))
    layer.colour[here] = colour[..., :3]
    layer.normal[here] = surface[..., :3]
    layer.id[here] = np.where(drawn, np.round(surface[..., 3].astype(np.float32)), 0)
    layer.depth[here] = np.where(drawn, metres, np.inf)
    layer.trust[here] = np.where(drawn, colour[..., 3], 1.0)
    return layer


def _set(program: Any, name: str, value: Any) -> None:
    """Set a uniform unless the compiler has dropped it."""
    if name in program:
        if isinstance(value, bytes):
            program[name].write(value)
        else:
            program[name].value = value


def _write(program: Any, name: str, values: Any) -> None:
    if name in program and values is not None:
        program[name].write(np.ascontiguousarray(values, np.float32).tobytes())
