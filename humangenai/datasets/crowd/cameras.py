"""The six cameras of crowd: where they hang, what light they see, how they get colours wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from refsd.rendering import Light

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class SurveillanceCamera:
    """One camera of the crowd dataset.

    Attributes:
        camid: 1 to 6.
        pitch: degrees the camera looks down.
        facing: mean yaw of the people before it in degrees (0 they walk towards it, 180 away).
        spread: standard deviation of that yaw in degrees.
        wall: name of the texture behind people; ground: of the one under them.
        tint: linear RGB gains of wall and ground paint.
        light: direction towards the light (x right, y down, z away) and its linear RGB colour.
        ambient: linear RGB of the sky light.
        white_balance: RGB gains the camera gets wrong, after encoding.
        gamma: tone curve the camera gets wrong; above 1 is darker.
        blur: standard deviation of its lens blur in pixels of a 256 x 128 crop.
        noise: standard deviation of its sensor noise in 8-bit steps.
    """

    camid: int
    pitch: float
    facing: float
    spread: float
    wall: str
    ground: str
    tint: tuple[float, float, float]
    light: tuple[float, float, float]
    light_colour: tuple[float, float, float]
    ambient: tuple[float, float, float]
    white_balance: tuple[float, float, float]
    gamma: float
    blur: float
    noise: float

    def light_now(self, rng: np.random.Generator) -> Light:
        """The camera's light with the weather of one moment: strength and direction vary."""
        strength = float(rng.uniform(0.75, 1.2))
        x, y, z = (float(v) for v in self.light + rng.normal(0, 0.15, 3))
        length = (x * x + y * y + z * z) ** 0.5
        red, green, blue = (strength * c for c in self.light_colour)
        sky = (strength * self.ambient[0], strength * self.ambient[1], strength * self.ambient[2])
        return Light(
            direction=(x / length, y / length, z / length),
            colour=(red, green, blue),
            sky=sky,
            ground=(0.55 * sky[0], 0.55 * sky[1], 0.5 * sky[2]),
        )


CAMERAS = (
    SurveillanceCamera(
        camid=1, pitch=8, facing=0, spread=25, wall="brick", ground="gravel",
        tint=(1.0, 0.72, 0.60), light=(-0.5, -0.8, -0.4), light_colour=(0.75, 0.70, 0.60),
        ambient=(0.42, 0.44, 0.50),
        white_balance=(1.00, 1.00, 1.00), gamma=1.0, blur=0.5, noise=2.0,
    ),
    SurveillanceCamera(
        camid=2, pitch=16, facing=180, spread=25, wall="gravel", ground="gravel",
        tint=(0.82, 0.88, 0.96), light=(0.6, -0.7, -0.3), light_colour=(0.45, 0.50, 0.58),
        ambient=(0.40, 0.46, 0.56),
        white_balance=(0.88, 0.98, 1.14), gamma=1.15, blur=0.8, noise=3.0,
    ),
    SurveillanceCamera(
        camid=3, pitch=5, facing=90, spread=30, wall="grass", ground="gravel",
        tint=(0.85, 0.96, 0.68), light=(0.1, -0.95, -0.2), light_colour=(0.80, 0.80, 0.72),
        ambient=(0.50, 0.55, 0.48),
        white_balance=(0.96, 1.08, 0.90), gamma=0.88, blur=0.6, noise=2.0,
    ),
    SurveillanceCamera(
        camid=4, pitch=20, facing=-90, spread=30, wall="brick", ground="grass",
        tint=(0.85, 0.80, 0.75), light=(-0.2, -0.6, 0.6), light_colour=(0.50, 0.42, 0.30),
        ambient=(0.44, 0.38, 0.32),
        white_balance=(1.14, 0.98, 0.82), gamma=1.1, blur=0.9, noise=3.5,
    ),
    SurveillanceCamera(
        camid=5, pitch=12, facing=30, spread=50, wall="gravel", ground="brick",
        tint=(0.95, 0.92, 0.88), light=(0.7, -0.5, -0.5), light_colour=(0.55, 0.55, 0.55),
        ambient=(0.55, 0.55, 0.56),
        white_balance=(1.05, 0.95, 1.06), gamma=0.95, blur=0.4, noise=1.5,
    ),
    SurveillanceCamera(
        camid=6, pitch=10, facing=200, spread=50, wall="grass", ground="grass",
        tint=(0.55, 0.62, 0.50), light=(-0.6, -0.6, -0.5), light_colour=(0.35, 0.37, 0.42),
        ambient=(0.32, 0.34, 0.40),
        white_balance=(0.94, 1.02, 1.06), gamma=1.25, blur=1.0, noise=4.0,
    ),
)  # fmt: skip
