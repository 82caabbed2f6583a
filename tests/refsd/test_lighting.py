import cv2
import numpy as np
import pytest

from refsd.lighting import estimate_light, estimate_look
from refsd.rendering import Light

WINDOW = (60, 40, 120, 180)
REGION = np.zeros((220, 180), bool)
REGION[45:175, 65:115] = True


def street(blur=0.0, noise=0.0, seed=0):
    """Boxes with sharp edges, as a camera with that blur and noise sees them."""
    rng = np.random.default_rng(seed)
    large = np.full((880, 720, 3), 120.0)
    for _ in range(120):
        x, y, w, h = rng.integers(0, 700, 4)
        large[y : y + h // 4, x : x + w // 4] = rng.integers(10, 245, 3)
    large[:60, :100] = 5
    image = cv2.resize(large, (180, 220), interpolation=cv2.INTER_AREA)
    if blur:
        image = cv2.GaussianBlur(image, (0, 0), blur)
    image += rng.normal(0, noise, (220, 180, 1))
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def brightness(light):
    return float(np.mean(light.colour)) + float(np.mean(light.sky))


def test_pixels_under_the_region_have_no_influence():
    image = street(1.0, 2.0)
    noisy = image.copy()
    noisy[REGION] = np.random.default_rng(1).integers(0, 256, (int(REGION.sum()), 3))
    assert estimate_light(image, REGION, WINDOW) == estimate_light(noisy, REGION, WINDOW)
    assert estimate_look(image, REGION, WINDOW) == estimate_look(noisy, REGION, WINDOW)


def test_brighter_scenes_are_brighter_lit():
    image = street()
    dark = (image * 0.4).astype(np.uint8)
    one, two = (estimate_light(x, REGION, WINDOW) for x in (dark, image))
    assert brightness(one) < 0.7 * brightness(two)


def test_warm_scenes_are_warmly_lit():
    image = street()
    warm = (image * [1.0, 0.8, 0.55]).astype(np.uint8)
    red, _, blue = estimate_light(warm, REGION, WINDOW).colour
    assert red > 1.1 * blue


@pytest.mark.parametrize("side", [-1, 1])
def test_light_comes_from_the_brighter_side(side):
    ramp = np.linspace(40, 200, 180)[:: int(side)]
    image = np.repeat(np.repeat(ramp[None, :, None], 220, 0), 3, 2).astype(np.uint8)
    direction = np.array(estimate_light(image, REGION, WINDOW).direction)
    assert np.sign(direction[0]) == side
    assert np.linalg.norm(direction) == pytest.approx(1)


def test_without_surroundings_the_light_is_neutral():
    everything = np.ones((220, 180), bool)
    assert estimate_light(street(), everything, WINDOW) == Light()
    assert estimate_look(street(), everything, WINDOW).blur == 0


@pytest.mark.parametrize("blur", [0.7, 1.0, 1.5, 2.0])
def test_blur_is_measured(blur):
    # Shrinking by area blurs as well: a box of one pixel has a deviation of 0.29.
    found = [estimate_look(street(blur, seed=seed), REGION, WINDOW).blur for seed in range(4)]
    assert np.mean(found) == pytest.approx(blur, abs=0.3)


def test_sharp_pictures_have_no_blur():
    assert estimate_look(street(0.0), REGION, WINDOW).blur < 0.4


@pytest.mark.parametrize("noise", [0.0, 2.0, 4.0])
def test_noise_is_measured(noise):
    assert estimate_look(street(1.0, noise), REGION, WINDOW).noise == pytest.approx(noise, abs=0.8)


def test_haze_lifts_black():
    hazy = (60 + street() * 0.6).astype(np.uint8)
    assert estimate_look(hazy, REGION, WINDOW).black > 0.05
    assert estimate_look(street(), REGION, WINDOW).black < 0.06
