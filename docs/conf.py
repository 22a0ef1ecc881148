"""Settings of Sphinx: `make docs` builds this folder, with the API reference from docstrings."""

project = "gfm-matting"
author = "the authors of gfm-matting"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]

html_theme = "furo"  # with the fonts of the reader's system
html_title = "GFM and RSSN"
html_show_copyright = False
html_copy_source = False

highlight_language = "text"  # of blocks that name none
myst_heading_anchors = 3
default_role = "literal"  # of `alpha` in docstrings, which are written as Markdown is
napoleon_numpy_docstring = False
napoleon_use_ivar = True  # attributes stand in their class, not as entries of their own
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
