"""Data sets of segmentation by clicks."""

from data_tools.layouts.description import Folders, Layout, Split

GRABCUT = Layout(
    name="grabcut",
    title="GrabCut",
    holds="photographs",
    splits=(Split("test", (Folders("data_GT", "boundary_GT"),)),),
    licence="no licence is stated; cite Rother et al., SIGGRAPH 2004",
    source="Microsoft Research, with copies in repositories of interactive segmentation",
    evidence="data_GT/ and boundary_GT/ with equal stems, levels 0, 128 (void) and 255, 50 of "
    "each: from memory, as several loaders of interactive segmentation read them.",
    wrappers=("GrabCut",),
)

BERKELEY = Layout(
    name="berkeley",
    title="Berkeley",
    holds="photographs",
    splits=(
        Split("test", (Folders("images", "masks"),)),
        Split("test", (Folders("images", "ground-truth"),)),
    ),
    licence="research only (from memory); cite McGuinness and O'Connor, Pattern Recognition 2010",
    source="its authors, with copies in repositories of interactive segmentation",
    evidence="100 masks of 96 images; that an image with two masks is there twice, under two "
    "names, and the folders' names, are from memory.",
    wrappers=("Berkeley",),
)

SBD = Layout(
    name="sbd",
    title="Semantic Boundaries Dataset",
    holds="objects",
    splits=tuple(
        Split(name, (Folders("img", "inst", names=f"{name}.txt"),)) for name in ("train", "val")
    ),
    licence="annotations: no licence is stated; photographs: terms of Flickr, as in PASCAL VOC; "
    "cite Hariharan et al., ICCV 2011",
    source="its authors at Berkeley (benchmark.tgz)",
    evidence="dataset/{img,inst}, train.txt and val.txt, and GTinst.Segmentation in the .mat "
    "files: from memory, as torchvision reads them. Nothing of it was tried here.",
    wrappers=("dataset", "benchmark_RELEASE/dataset", "SBD/dataset"),
)

DAVIS = Layout(
    name="davis",
    title="DAVIS, 345 frames",
    holds="photographs",
    splits=(Split("test", (Folders("img", "gt"),)),),
    licence="research, CC BY-NC 4.0 (from memory); cite Perazzi et al., CVPR 2016",
    source="repositories of interactive segmentation (BRS and later) hold these frames",
    evidence="img/ and gt/ with equal stems, a mask of all objects for each frame: from memory.",
    wrappers=("DAVIS",),
)

COMPOSITION_100 = Layout(
    name="composition-100",
    title="Interactive Composition-100",
    holds="photographs",
    splits=(
        Split(
            "test",
            (
                Folders(
                    "Test_set/merged",
                    "Test_set/Adobe-licensed images/alpha",
                    image=r"(?P<name>.+)_[01]",
                    partial=True,
                ),
            ),
        ),
    ),
    licence="research only, as Adobe DIM, with backgrounds of PASCAL VOC 2012",
    source="a part of composition-1k",
    evidence="Forte's thesis takes 2 of the 20 backgrounds of each foreground and does not say "
    "which; here they are the first two.",
    wrappers=("Combined_Dataset",),
)
