"""Data sets of foreground colours with mattes, to be composed."""

from data_tools.layouts.description import Folders, Layout, Split

ADOBE_DIM = Layout(
    name="adobe-dim",
    title="Adobe Deep Image Matting",
    holds="foregrounds",
    splits=(
        Split(
            "train",
            (
                Folders(
                    "Training_set/Adobe-licensed images/fg",
                    "Training_set/Adobe-licensed images/alpha",
                ),
                Folders("Training_set/Other/fg", "Training_set/Other/alpha"),
            ),
        ),
        Split("train", (Folders("Training_set/fg", "Training_set/alpha"),)),
        Split(
            "test",
            (Folders("Test_set/Adobe-licensed images/fg", "Test_set/Adobe-licensed images/alpha"),),
        ),
    ),
    licence="the licence that comes with it: research only, not to be passed on",
    source="on request from Adobe (sites.google.com/view/deepimagematting)",
    evidence="The paths in the configurations of MMEditing and of ViTMatte, which takes all 431 "
    "training foregrounds from both folders; that the licence forbids passing it on is from "
    "memory. The trimaps of the test set belong to its composites: see composition-1k.",
    wrappers=("Combined_Dataset",),
)

DISTINCTIONS_646 = Layout(
    name="distinctions-646",
    title="Distinctions-646",
    holds="foregrounds",
    splits=(
        Split("train", (Folders("Train/FG", "Train/GT"),)),
        Split("test", (Folders("Test/FG", "Test/GT"),)),
    ),
    licence="research only (from memory); cite Qiao et al., CVPR 2020",
    source="on request from its authors (github.com/yuhaoliu7456/CVPR2020-HAttMatting)",
    evidence="{Train,Test}/{FG,GT} in the scripts of several users; 596 + 50 "
    "foregrounds, from memory.",
    wrappers=("Distinctions-646", "Distinctions646"),
)
