"""Data sets of photographs (or finished composites) with mattes."""

from data_tools.layouts.description import Folders, Layout, Split

AM_2K = Layout(
    name="am-2k",
    title="AM-2k",
    holds="photographs",
    splits=(
        Split("train", (Folders("train/original", "train/mask"),)),
        Split(
            "validation",
            (Folders("validation/original", "validation/mask", "validation/trimap"),),
        ),
    ),
    licence="MIT by its release agreement, which has to be read and accepted",
    source="github.com/JizhiziLi/GFM",
    evidence="The folder tree in core/README.md of JizhiziLi/GFM: 1800 + 200 pairs of jpg and png "
    "with equal stems. train/fg, train/bg and the denoised folders are not part of the download.",
    wrappers=("AM-2k", "AM-2K"),
)

PM_10K = Layout(
    name="pm-10k",
    title="PM-10k",
    holds="photographs",
    splits=AM_2K.splits,
    licence="never published, for the privacy of the persons shown; P3M-10k is its public form",
    source="superseded by P3M-10k: github.com/JizhiziLi/P3M",
    evidence="Issue 28 of JizhiziLi/GFM: it was to appear as P3M-10k. The folders are assumed from "
    "AM-2k by the same authors and not confirmed by anything.",
    wrappers=("PM-10k", "PM-10K"),
)

P3M_10K = Layout(
    name="p3m-10k",
    title="P3M-10k",
    holds="photographs",
    splits=(
        Split("train", (Folders("train/blurred_image", "train/mask"),)),
        Split(
            "validation-p",
            (
                Folders(
                    "validation/P3M-500-P/blurred_image",
                    "validation/P3M-500-P/mask",
                    "validation/P3M-500-P/trimap",
                ),
            ),
        ),
        Split(
            "validation-np",
            (
                Folders(
                    "validation/P3M-500-NP/original_image",
                    "validation/P3M-500-NP/mask",
                    "validation/P3M-500-NP/trimap",
                ),
            ),
        ),
    ),
    licence="MIT by its release agreement, which has to be read and accepted; faces of train and "
    "validation-p are blurred",
    source="github.com/JizhiziLi/P3M",
    evidence="core/config.py of the P3M repositories and the folder trees that its users print "
    "agree. Stems are equal; that facemask/ comes apart is said in their README.",
    wrappers=("P3M-10k", "P3M-10K"),
)

AIM_500 = Layout(
    name="aim-500",
    title="AIM-500",
    holds="photographs",
    splits=(
        Split("test", (Folders("original", "mask", "trimap"),)),
        Split("test", (Folders("validation/original", "validation/mask", "validation/trimap"),)),
    ),
    licence="MIT with the repository; its readme.txt has to be followed",
    source="github.com/JizhiziLi/AIM",
    evidence="AIM-500/{original,mask,trimap} in the scripts of several users, validation/... in "
    "core/config.py of JizhiziLi/AIM. usr/ (maps of user input) is left out, from memory.",
    wrappers=("AIM-500",),
)

PPM_100 = Layout(
    name="ppm-100",
    title="PPM-100",
    holds="photographs",
    splits=(
        Split("test", (Folders("image", "matte"),)),
        Split("test", (Folders("val/fg", "val/alpha"),)),
        Split("train", (Folders("train/fg", "train/alpha"),)),
    ),
    licence="photographs: Creative Commons of Flickr, each of its own author; mattes: CC BY-NC-SA "
    "4.0, not for commercial use",
    source="github.com/ZHKKKe/PPM",
    evidence="The licence is that of the README of ZHKKKe/PPM; image/ and matte/ are what several "
    "users' scripts read. train/ and val/ with fg/ and alpha/ is the copy that PaddleSeg repacked; "
    "its fg/ holds whole photographs.",
    wrappers=("PPM-100",),
)

DAPM = Layout(
    name="dapm",
    title="Deep Automatic Portrait Matting",
    holds="photographs",
    splits=tuple(
        Split(
            name,
            (Folders(name, name, image="(?P<name>.+)(?<!_matte)", matte="{name}_matte"),),
        )
        for name in ("training", "testing")
    ),
    licence="research only, not to be passed on, no commercial use without permission; cite Shen "
    "et al., ECCV 2016",
    source="on request from its authors (xiaoyongshen.me)",
    evidence="Licence and 1700 + 300 images: the text that comes with it. training/NAME.png with "
    "training/NAME_matte.png: scripts of users. testing/ in the same way is from memory.",
    wrappers=("dataset",),
)

ALPHAMATTING = Layout(
    name="alphamatting",
    title="alphamatting.com",
    holds="photographs",
    splits=tuple(
        Split(
            f"training-{size}{name}",
            (
                Folders(
                    f"input_training_{size}",
                    f"gt_training_{size}",
                    f"trimap_training_{size}/{trimaps}",
                ),
            ),
        )
        for size in ("lowres", "highres")
        for trimaps, name in (("Trimap1", ""), ("Trimap2", "-trimap2"))
    )
    + tuple(
        Split(
            f"test-{size}{name}",
            (Folders(f"input_{size}", trimaps=f"trimap_{size}/{trimaps}"),),
        )
        for size in ("lowres", "highres")
        for trimaps, name in (("Trimap1", ""), ("Trimap2", "-trimap2"), ("Trimap3", "-trimap3"))
    ),
    licence="no licence is stated; cite Rhemann et al., CVPR 2009",
    source="alphamatting.com/datasets.php",
    evidence="The names of the archives on the site and the paths in pymatting's tests "
    "(GT01.png ... GT27.png); the folders of the 8 test images, which have no public mattes, and "
    "their three trimaps (small, large, user) are from memory.",
)

COMPOSITION_1K = Layout(
    name="composition-1k",
    title="Composition-1k",
    holds="photographs",
    splits=(
        Split("test", (Folders("merged", "alpha_copy", "trimaps"),)),
        Split(
            "test",
            (
                Folders(
                    "Test_set/merged",
                    "Test_set/Adobe-licensed images/alpha",
                    "Test_set/Adobe-licensed images/trimaps",
                    image=r"(?P<name>.+)_\d+",
                ),
            ),
        ),
    ),
    licence="research only, as Adobe DIM, with backgrounds of PASCAL VOC 2012",
    source="on request from Adobe (sites.google.com/view/deepimagematting), then composed",
    evidence="merged/alpha_copy/trimaps: the commands of ViTMatte for MatteFormer's test set. The "
    "other: what the preparation script of MMEditing writes, NAME_0.png to NAME_19.png for one "
    "matte. It holds composites: finished images, like photographs.",
    wrappers=("Composition-1k-testset", "Combined_Dataset"),
)
