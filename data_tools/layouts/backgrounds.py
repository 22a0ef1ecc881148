"""Data sets of backgrounds."""

from data_tools.layouts.description import Folders, Layout, Split

BG_20K = Layout(
    name="bg-20k",
    title="BG-20k",
    holds="backgrounds",
    splits=(
        Split("train", (Folders("train"),)),
        Split("testval", (Folders("testval"),)),
    ),
    licence="MIT by its release agreement, which has to be read and accepted",
    source="github.com/JizhiziLi/GFM",
    evidence="The folder tree in core/README.md of JizhiziLi/GFM: 15000 + 5000 jpg.",
    wrappers=("BG-20k", "BG-20K"),
)

COCO = Layout(
    name="coco",
    title="MS COCO",
    holds="backgrounds",
    splits=tuple(
        Split(split, (Folders(f"{split}{suffix}"),))
        for split, suffixes in {
            "train": ("2017", "2014", ""),
            "val": ("2017", "2014", ""),
            "test": ("2017", "2015", "2014", ""),
            "unlabeled": ("2017",),
        }.items()
        for suffix in suffixes
    ),
    licence="photographs: terms of Flickr, each of its own author. Many show salient objects: "
    "composing with them is the paper's baseline, not its advice",
    source="cocodataset.org",
    evidence="The names of the official archives; train/ alone is how core/README.md of "
    "JizhiziLi/GFM lays it out.",
    wrappers=("images", "COCO", "coco"),
)
