"""Parts of a JPEG are those of the whole picture, to the last bit."""

import cv2
import numpy as np
import pytest
from drawings import draw_picture

from rssn.imaging.crops import Box, cut, decode_cut
from rssn.imaging.errors import InputError
from rssn.imaging.jpeg_parts import INTERVAL, Area, cut_part, straighten
from rssn.imaging.reading import decode_rgb, decode_rgb_part
from rssn.imaging.writing import encode_rgb

HEIGHT, WIDTH = 531, 203  # 67 x 26 blocks; neither side a multiple of 8
PICTURE = draw_picture(0, HEIGHT, WIDTH)
JPEG = encode_rgb(PICTURE)
FULL_COLOUR = (cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444)
AREAS = [
    Area(0, 0, 8, 8),
    Area(64, 40, 8, 160),
    Area(123, 17, 181, 30),
    Area(200, 0, 331, 190),
    Area(0, 195, 523, 8),
    Area(0, 0, HEIGHT, WIDTH),
]


def encode(picture, interval):
    options = [*FULL_COLOUR, cv2.IMWRITE_JPEG_RST_INTERVAL, interval]
    return cv2.imencode(".jpg", picture[..., ::-1], options)[1].tobytes()


@pytest.mark.parametrize("reduced", [1, 2, 4, 8])
@pytest.mark.parametrize("area", AREAS)
def test_part_of_a_jpeg_decodes_to_the_same_pixels(area, reduced):
    whole = decode_rgb(JPEG, "", reduced)
    part, (top, left), size = decode_rgb_part(JPEG, area, "", reduced)
    if area != AREAS[-1]:
        assert size == (HEIGHT, WIDTH) and (top, left) == (area.top // 8 * 8, area.left // 8 * 8)
    assert part.shape[0] * reduced >= area.top - top + area.height
    assert part.shape[1] * reduced >= area.left - left + area.width
    same = whole[top // reduced :, left // reduced :][: part.shape[0], : part.shape[1]]
    assert np.array_equal(part, same)


@pytest.mark.parametrize("interval", [1, 5, 26, 67 * 26])
@pytest.mark.parametrize("area", AREAS)
def test_any_interval_will_do(area, interval):
    """One row of blocks, as older shards have it, among them; 5 leaves a short last one."""
    data = encode(PICTURE, interval)
    part = cut_part(data, area)
    if part is None:  # the last interval is short, and needed
        assert area.top + area.height > 528 and 67 * 26 % interval
        return
    pixels = straighten(decode_rgb(part.data, ""), part, 1)
    top, left, height, width = part.area
    assert np.array_equal(pixels, decode_rgb(data, "")[top : top + height, left : left + width])


def test_only_the_end_needs_the_whole_of_a_picture():
    """67 x 26 blocks in intervals of 12 leave one of 2 blocks."""
    assert 67 * 26 % INTERVAL == 2
    assert cut_part(JPEG, Area(0, 0, HEIGHT, WIDTH)) is None
    assert cut_part(JPEG, Area(523, 200, 8, 3)) is None
    assert cut_part(JPEG, Area(515, 0, 8, WIDTH)) is not None
    assert cut_part(JPEG, Area(528, 0, 3, 192)) is not None
    assert cut_part(JPEG, Area(528, 0, 3, 193)) is None


@pytest.mark.parametrize(
    ("area", "share"),
    [(Area(64, 0, 64, 800), 3), (Area(0, 400, 256, 64), 4), (Area(64, 400, 64, 64), 15)],
)
def test_part_is_shorter_than_the_whole(area, share):
    data = encode_rgb(draw_picture(0, 256, 800))
    part = cut_part(data, area)
    assert part is not None and len(part.data) - 623 < len(data) / share  # 623 bytes of header


def test_markers_cost_little():
    noise = np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)
    picture = cv2.GaussianBlur(noise, (0, 0), 1)
    assert len(encode_rgb(picture)) < 1.02 * len(encode(picture, 0))


@pytest.mark.parametrize("side", [64, 160, 200])
def test_crop_is_that_of_the_whole_picture(side):
    box = Box(296, 0, side)
    reduced = max(r for r in (1, 2, 4) if side >= 32 * r)
    whole = cut(decode_rgb(JPEG, "", reduced), box, 32, reduced)
    assert np.array_equal(decode_cut(JPEG, box, 32, (HEIGHT, WIDTH), ""), whole)


@pytest.mark.parametrize("shape", [(540, WIDTH), (HEIGHT, 240), (400, WIDTH)])
def test_picture_of_another_size_is_still_found_out(shape):
    with pytest.raises(InputError, match=rf"203x531 px, the matte {shape[1]}x{shape[0]}"):
        decode_cut(JPEG, Box(0, 0, 64), 64, shape, "")


def test_box_beyond_a_smaller_picture_is_found_out():
    with pytest.raises(InputError, match="203x531 px, the matte 400x700"):
        decode_cut(JPEG, Box(600, 300, 64), 64, (700, 400), "")


@pytest.mark.parametrize(
    "data",
    [
        encode(PICTURE, 0),  # no restart markers
        cv2.imencode(".jpg", PICTURE, [cv2.IMWRITE_JPEG_RST_INTERVAL, 6])[1].tobytes(),  # 4:2:0
        cv2.imencode(".jpg", PICTURE, [*FULL_COLOUR, cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes(),
        encode_rgb(PICTURE, "png"),
        JPEG[:3000],  # cut short
        JPEG[:-2] + JPEG[-600:],  # more markers than there should be
        b"",
    ],
)
def test_other_pictures_are_decoded_whole(data):
    assert cut_part(data, Area(0, 0, 8, 8)) is None
