"""Where a garment ends: implicit edges in canonical body coordinates.

The same formulas run here (to pick triangles and to trace edges for collars) and in
``shaders/cut.glsl`` (per fragment, so that hems are straight whatever the mesh). All lengths
are metres on the reference body of :func:`lookweave.studio.render.body.canonical`.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields

import numpy as np
from numpy.typing import NDArray

from lookweave.studio.render.body import ARM_DROP, Array

SHOULDER = (0.170, 1.489)
ARM = (float(np.cos(ARM_DROP)), float(-np.sin(ARM_DROP)))
ELBOW, WRIST = 0.290, 0.552
NECK = (0.0, 1.600, 0.024)
WAIST, HIP, CROTCH, KNEE, ANKLE = 1.130, 0.985, 0.889, 0.518, 0.082

NEVER = 9.0
COLLAR = 1.588  # no cloth above this height


@dataclass(frozen=True)
class Cut:
    """The edges of one garment. A point is on the cloth where every edge's distance is > 0."""

    bottom: float = -NEVER  # keep above this height (not on arms)
    top: float = NEVER  # keep below this height (not on arms)
    sleeve: float = NEVER  # keep within this distance of the shoulder joint along the arm
    neck: float = 0.0  # radius of the neck hole; 0: none
    vee: float = NEVER  # lowest point of a V in front
    vee_slope: float = 0.5  # half-width of the V per metre of height
    armhole: float = 0.0  # radius of a sleeveless armhole; 0: none
    open_top: float = 0.0  # half-width of an open front at shoulder height
    open_bottom: float = 0.0  # the same at hip height
    back_vee: float = NEVER  # lowest point of a V at the back
    lower_front: float = 0.0  # how much lower the hem hangs at the back than at the sides
    high_neck: float = NEVER  # keep below this tilted plane around the neck

    def uniforms(self) -> NDArray[np.float32]:
        """(12,) values in the order of the fields, as the shader reads them."""
        return np.array(astuple(self), np.float32)

    def edges(self, canonical: Array) -> dict[str, Array]:
        """Signed distance (about metres, > 0 inside) to each edge for (N, 4) coordinates."""
        x, y, z, arm = canonical.T
        across = np.abs(x)
        along = (across - SHOULDER[0]) * ARM[0] + (y - SHOULDER[1]) * ARM[1]
        on_arm = arm > 0.5
        far = np.full(len(x), NEVER)
        hem = np.where(on_arm, NEVER, y - self.bottom + self.lower_front * np.clip(-z, 0, 1) * 3)
        waist = np.where(on_arm, NEVER, self.top - y)
        cuff = np.where(on_arm, self.sleeve - along, far)
        neck = COLLAR - y
        if self.neck > 0:
            hole = np.sqrt(x**2 + (y - NECK[1]) ** 2 + (z - NECK[2]) ** 2) - self.neck
            neck = np.minimum(neck, hole)
        if self.vee < NEVER:
            wedge = np.where(z > 0, across - (y - self.vee) * self.vee_slope, NEVER)
            neck = np.minimum(neck, wedge)
        if self.back_vee < NEVER:
            wedge = np.where(z < 0, across - (y - self.back_vee) * self.vee_slope, NEVER)
            neck = np.minimum(neck, wedge)
        if self.high_neck < NEVER:
            neck = np.minimum(neck, self.high_neck - (y - 0.45 * z))
        if self.armhole > 0:
            hole = np.sqrt(((across - 0.228) / 0.62) ** 2 + (y - 1.445) ** 2) - self.armhole
            hole = np.where(on_arm & (along > 0.08), -0.1, hole)
            cuff = np.minimum(cuff, hole)
        front = far
        if self.open_top > 0 or self.open_bottom > 0:
            share = np.clip((SHOULDER[1] - y) / (SHOULDER[1] - HIP), 0, 1.5)
            half = self.open_top + (self.open_bottom - self.open_top) * share
            front = np.where((z > 0) & ~on_arm, across - half, far)
        return {"hem": hem, "waist": waist, "cuff": cuff, "neck": neck, "front": front}

    def distance(self, canonical: Array) -> Array:
        """(N,) the smallest of all edges' distances."""
        return np.asarray(np.min(list(self.edges(canonical).values()), 0))


FIELDS = tuple(field.name for field in fields(Cut))
