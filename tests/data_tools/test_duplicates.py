import cv2
import numpy as np
import pytest
from folders import background, scene

from data_tools.duplicates import Pair, find_pairs, repeated, signature
from rssn.imaging.reading import decode_rgb
from rssn.imaging.writing import encode_rgb


def noise(seed, height=96, width=128):
    """A picture whose low frequencies are its own: enlarged noise."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3)).astype(np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def distance(first, second):
    return (signature(first, "a").hash ^ signature(second, "b").hash).bit_count()


COPIES = {
    "smaller": lambda image: cv2.resize(image, (50, 37), interpolation=cv2.INTER_AREA),
    "recompressed": lambda image: decode_rgb(
        cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 40])[1].tobytes(), "copy"
    ),
    "brighter": lambda image: np.clip(image * 0.7 + 60, 0, 255).astype(np.uint8),
    "noisy": lambda image: np.clip(
        image + np.random.default_rng(0).normal(0, 6, image.shape), 0, 255
    ).astype(np.uint8),
}


@pytest.mark.parametrize("seed", range(4))
class TestHash:
    @pytest.mark.parametrize("copy", COPIES)
    def test_copies_are_near(self, seed, copy):
        image = noise(seed)
        assert distance(image, COPIES[copy](image)) <= 6

    def test_another_picture_is_far(self, seed):
        assert distance(noise(seed), noise(seed + 10)) >= 18

    def test_half_of_the_bits_are_set_and_so_distances_are_even(self, seed):
        # the median splits 64 different numbers 32 to 32
        assert signature(noise(seed), "").hash.bit_count() == 32
        assert distance(noise(seed), noise(seed + 10)) % 2 == 0

    def test_hash_of_the_mirror_image_needs_no_mirror_image(self, seed):
        image = noise(seed)
        turned = signature(np.ascontiguousarray(image[:, ::-1]), "")
        assert turned.hash == signature(image, "").mirrored
        assert turned.mirrored == signature(image, "").hash


def test_hash_of_one_known_wave():
    """A cosine of 2 periods down and 1.5 across is one DCT coefficient: row 4, column 3."""
    y, x = (np.arange(32) + 0.5) / 32, (np.arange(32) + 0.5) / 32
    wave = 128 + 100 * np.cos(np.pi * 4 * y)[:, None] * np.cos(np.pi * 3 * x)
    grey = np.repeat(np.rint(wave).astype(np.uint8)[..., None], 3, axis=2)
    bit = 63 - ((4 - 1) * 8 + (3 - 1))  # the first row and column are left out
    assert signature(grey, "").hash >> bit & 1 == 1
    assert signature(255 - grey, "").hash >> bit & 1 == 0


def test_pairs_are_named_by_what_they_are():
    images = [noise(0), noise(1), noise(0), COPIES["smaller"](noise(1)), noise(2)]
    images.append(np.ascontiguousarray(images[4][:, ::-1]))
    digests = ["a", "b", "a", "c", "d", "e"]
    pairs = find_pairs([signature(i, d) for i, d in zip(images, digests, strict=True)])
    assert pairs == [Pair(0, 2, "exact"), Pair(1, 3, "near"), Pair(4, 5, "mirrored")]


def test_pairs_across_the_chunks_of_the_search(monkeypatch):
    monkeypatch.setattr("data_tools.duplicates.CHUNK", 3)
    images = [noise(n) for n in range(7)] + [COPIES["noisy"](noise(n)) for n in range(7)]
    pairs = find_pairs([signature(image, str(n)) for n, image in enumerate(images)])
    assert [(pair.first, pair.second) for pair in pairs] == [(n, n + 7) for n in range(7)]


def test_pictures_that_show_nothing_are_not_alike():
    flat = [np.full((40, 40, 3), level, np.uint8) for level in (10, 90, 200)]
    assert find_pairs([signature(image, str(n)) for n, image in enumerate(flat)]) == []
    same = [signature(image, "one") for image in flat[:1] * 2]
    assert find_pairs(same) == [Pair(0, 1, "exact")]


def test_drawn_scenes_are_not_alike():
    images = [scene(seed)[0] for seed in range(12)] + [background(seed) for seed in range(12)]
    assert find_pairs([signature(image, str(n)) for n, image in enumerate(images)]) == []


def test_what_is_only_like_a_dropped_image_stays():
    chain = [Pair(0, 1, "near"), Pair(1, 2, "near"), Pair(0, 3, "exact"), Pair(2, 4, "mirrored")]
    assert repeated(chain) == {1: chain[0], 3: chain[2], 4: chain[3]}


def test_recompression_keeps_the_pair_of_a_photograph():
    image = scene(3, 120, 160)[0]
    again = decode_rgb(encode_rgb(image, "jpg"), "copy")
    assert find_pairs([signature(image, "a"), signature(again, "b")]) == [Pair(0, 1, "near")]
