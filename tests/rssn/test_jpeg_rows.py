import cv2
import numpy as np
import pytest
from drawings import draw_picture

from rssn._jpeg_rows import cut_rows
from rssn.crops import Box, cut, decode_cut
from rssn.errors import InputError
from rssn.images import decode_rgb, decode_rgb_rows, encode_rgb

JPEG = encode_rgb(draw_picture(0, 531, 203))  # neither side a multiple of 8


@pytest.mark.parametrize("reduced", [1, 2, 4, 8])
@pytest.mark.parametrize(("top", "bottom"), [(0, 8), (64, 72), (120, 304), (200, 531), (0, 531)])
def test_part_of_a_jpeg_decodes_to_the_same_rows(top, bottom, reduced):
    whole = decode_rgb(JPEG, "", reduced)
    part, first, size = decode_rgb_rows(JPEG, top, bottom, "", reduced)
    assert first == top // 64 * 64
    assert size[0] == 531
    assert len(part) >= (bottom - first) // reduced
    assert np.array_equal(part, whole[first // reduced :][: len(part)])


def test_part_is_shorter_than_the_whole():
    part = cut_rows(JPEG, 256, 320)
    assert part is not None
    assert len(part.data) < len(JPEG) / 4


@pytest.mark.parametrize("side", [64, 160, 200])
def test_crop_is_that_of_the_whole_picture(side):
    box = Box(296, 0, side)
    reduced = max(r for r in (1, 2, 4) if side >= 32 * r)
    whole = cut(decode_rgb(JPEG, "", reduced), box, 32, reduced)
    assert np.array_equal(decode_cut(JPEG, box, 32, (531, 203), ""), whole)


def test_picture_of_another_height_is_still_found_out():
    with pytest.raises(InputError, match="203x531 px, the matte 203x540"):
        decode_cut(JPEG, Box(0, 0, 64), 64, (540, 203), "")


def _jpeg(*options):
    return cv2.imencode(".jpg", draw_picture(0, 128, 96), list(options))[1].tobytes()


@pytest.mark.parametrize(
    "data",
    [
        _jpeg(),  # no restart markers
        _jpeg(cv2.IMWRITE_JPEG_RST_INTERVAL, 5),  # not at the ends of rows
        _jpeg(cv2.IMWRITE_JPEG_RST_INTERVAL, 6),  # colours at half size: rows of 16 px
        _jpeg(cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
        encode_rgb(draw_picture(0, 128, 96), "png"),
        JPEG[:3000],  # cut short
        b"",
    ],
)
def test_other_pictures_are_decoded_whole(data):
    assert cut_rows(data, 0, 8) is None
