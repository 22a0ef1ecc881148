"""Comparison of an export with its network before it gets its name."""

from __future__ import annotations

import pytest
import torch
from tiny import parts_of, shared

from gfm.export.parity import LIMIT, SIZES, check_export, picture
from gfm.models.glance_focus.exported import FIELDS, graph, matte_distance, part_name
from gfm.models.glance_focus.network import Matting
from rssn.imaging.errors import FailedInputs


class Altered:
    """A network whose answers are changed, as a wrong export would."""

    def __init__(self, network, change):
        self.network, self.change = network, change

    def run(self, inputs, outputs):
        with torch.no_grad():
            said = self.change(self.network(torch.from_numpy(inputs["image"])))
        made = {"alpha": said.alpha}
        for rosta, part in parts_of(said).items():
            made |= {part_name(field, rosta or None): getattr(part, field) for field in FIELDS}
        return [made[name].numpy() for name in outputs]


def shifted(said, field, by):
    return said._replace(**{field: getattr(said, field) + by})


class TestCheck:
    def test_network_equals_itself(self):
        for rosta in ("TT", "RIM"):
            network = shared("timm:test_resnet", rosta)
            assert check_export(graph(network), Altered(network, lambda said: said), "m").value == 0

    @pytest.mark.parametrize("field", ["glance", "focus", "alpha"])
    def test_difference_is_refused_with_its_size_and_place(self, field):
        def change(said):
            if said.alpha.shape[-1] == 320:  # wide, and nowhere else
                getattr(said, field)[0, 0, 7, 300] += 0.5
            return said

        message = rf"m: .*PyTorch by \S+ in {field} of 40x320 at row 7, column 300"
        with pytest.raises(FailedInputs, match=message):
            check_export(graph(shared()), Altered(shared(), change), "m")

    @pytest.mark.parametrize("by", [2 * LIMIT, torch.nan], ids=["too much", "no number"])
    def test_small_shift_and_nan_are_refused(self, by):
        with pytest.raises(FailedInputs, match=" in focus of"):
            check_export(
                graph(shared()), Altered(shared(), lambda said: shifted(said, "focus", by)), "m"
            )

    def test_rounding_is_held_to_the_mean(self):
        found = Altered(shared(), lambda said: shifted(said, "focus", 2 * LIMIT))
        assert check_export(graph(shared()), found, "m", rounded=True).value == pytest.approx(
            2 * LIMIT, rel=1e-3
        )
        with pytest.raises(FailedInputs, match="on the mean"):
            found = Altered(shared(), lambda said: shifted(said, "focus", 0.1))
            check_export(graph(shared()), found, "m", rounded=True)

    def test_parts_of_rim_and_their_integration_are_compared(self):
        network = shared("timm:test_resnet", "RIM")
        for change, place in (
            (lambda said: shifted(said, "alpha", 0.1), "alpha of"),
            (lambda said: said._replace(bt=shifted(said.bt, "focus", 0.1)), "bt_focus of"),
        ):
            with pytest.raises(FailedInputs, match=f" in {place}"):
                check_export(graph(network), Altered(network, change), "m")

    def test_size_that_cannot_be_run_is_refused(self):
        def change(said):
            if said.alpha.shape[-1] == 7:
                raise RuntimeError("Gather: index\nout of range")
            return said

        message = r"m: .*1x3x5x7: RuntimeError: Gather: index out of range"
        with pytest.raises(FailedInputs, match=message):
            check_export(graph(shared()), Altered(shared(), change), "m")

    def test_wrong_shape_is_refused(self):
        cut = Altered(shared(), lambda said: Matting(*(field[..., 1:] for field in said)))
        with pytest.raises(FailedInputs, match=r"\(2, 3, 31, 96\) .*\(2, 3, 31, 97"):
            check_export(graph(shared()), cut, "m")

    def test_either_class_of_a_tie_is_right(self):
        # Pixels: background and transition tied; the same, but 0.01 apart; foreground alone.
        glance = torch.tensor([[0.45, 0.451, 0.0], [0.45, 0.441, 0.0], [0.1, 0.108, 1.0]])
        wanted = Matting(
            glance.view(1, 3, 1, 3),
            torch.full((1, 1, 1, 3), 0.6),
            torch.tensor([0.0, 0.0, 1.0]).view(1, 1, 1, 3),
            glance.view(1, 3, 1, 3).log(),
        )
        alpha = torch.tensor([0.6, 0.6, 0.6]).view(1, 1, 1, 3)
        distance = matte_distance(alpha, *wanted[:3], "TT").flatten()
        torch.testing.assert_close(distance, torch.tensor([0.0, 0.6, 0.4]))
        foreground = matte_distance(torch.ones(1, 1, 1, 3), *wanted[:3], "TT").flatten()
        torch.testing.assert_close(foreground, torch.tensor([0.4, 1.0, 0.0]))

    def test_pictures_have_the_five_sizes(self):
        assert [tuple(picture(size).shape) for size in SIZES] == [
            (batch, 3, height, width) for batch, height, width in SIZES
        ]
