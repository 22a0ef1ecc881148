"""Perceptual hashes of training pictures, in material and in the metadata of models."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from tiny import shared

import gfm
from gfm.checkpoints.files import save_model
from gfm.checkpoints.hashes import HASHES_KEY, decode_hashes, encode_hashes, join_hashes
from rssn.imaging.errors import InputError
from rssn.imaging.hashing import picture_hash
from rssn.shards.material import Material, Picture, create_material

HASHES = {"cats": np.array([1, 2**63 + 5], np.uint64), "dogs": np.array([7], np.uint64)}


def noise(seed: int) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3)).astype(np.uint8)
    return cv2.resize(coarse, (128, 96), interpolation=cv2.INTER_CUBIC)


def test_text_is_little_endian_base64():
    assert json.loads(encode_hashes({"dogs": HASHES["dogs"]})) == {"dogs": "BwAAAAAAAAA="}
    found = decode_hashes(encode_hashes(HASHES))
    assert list(found) == list(HASHES)
    for source in HASHES:
        np.testing.assert_array_equal(found[source], HASHES[source])
    assert decode_hashes(None) == {}


@pytest.mark.parametrize("text", ["[1]", '{"a": 3}', '{"a": "?"}', '{"a": "AAAA"}', "{"])
def test_damaged_text_is_refused(text):
    with pytest.raises(InputError, match="picture hashes"):
        decode_hashes(text)


def test_join_keeps_both():
    more = {"dogs": np.array([3, 7], np.uint64), "toys": np.array([9], np.uint64)}
    joined = join_hashes(HASHES, more)
    assert {source: each.tolist() for source, each in joined.items()} == {
        "cats": [1, 2**63 + 5],
        "dogs": [3, 7],
        "toys": [9],
    }


def test_model_file_carries_them(tmp_path):
    model = shared()
    model.hashes = dict(HASHES)
    try:
        save_model(model, tmp_path / "m.safetensors")
    finally:
        model.hashes = {}
    found = gfm.load_model(tmp_path / "m.safetensors", "cpu").hashes
    assert found["cats"].tolist() == HASHES["cats"].tolist()
    save_model(model, tmp_path / "without.safetensors")
    assert HASHES_KEY.encode() not in (tmp_path / "without.safetensors").read_bytes()[:2000]


def test_material_hashes_pictures_by_source(tmp_path):
    pictures = {"a": noise(0), "b": noise(1), "flat": np.full((96, 128, 3), 90, np.uint8)}
    with create_material(tmp_path / "m.tar", quality=95) as material:
        for name, image in pictures.items():
            source = "toys" if name == "a" else "others"
            material.add(Picture(name, "background", source, "CC0", (96, 128)), image)
    found = Material(tmp_path / "m.tar").hashes
    assert {source: len(each) for source, each in found.items()} == {"toys": 1, "others": 1}
    for source, name in (("toys", "a"), ("others", "b")):
        distance = int(found[source][0]) ^ picture_hash(pictures[name]).straight
        assert distance.bit_count() <= 4  # a JPEG, decoded at half of its size
