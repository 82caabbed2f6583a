from humangenai.datasets.photos import Options, load


def test_portraits_come_from_the_installed_packages() -> None:
    dataset = load(Options())
    assert [(item.key, item.split) for item in dataset.items()] == [
        ("astronaut", "all"),
        ("grace_hopper", "all"),
    ]
    astronaut, hopper = (dataset.image(item) for item in dataset.items())
    assert astronaut.shape == (512, 512, 3)
    assert hopper.shape == (600, 512, 3)
    assert not dataset.rendered
    assert not dataset.crops
    item = dataset.items()[0]
    assert dataset.people(item) is None
    assert dataset.truth(item) is None


def test_same_pixels_as_the_packages_own_loaders() -> None:
    import matplotlib.cbook
    import numpy as np
    import skimage.data
    from PIL import Image

    dataset = load(Options())
    astronaut, hopper = dataset.items()
    np.testing.assert_array_equal(dataset.image(astronaut), skimage.data.astronaut())
    with matplotlib.cbook.get_sample_data("grace_hopper.jpg") as file:
        np.testing.assert_array_equal(dataset.image(hopper), np.asarray(Image.open(file)))


def test_manifest_is_stable() -> None:
    first = load(Options()).manifest_hash()
    assert len(first) == 64
    assert load(Options()).manifest_hash() == first
