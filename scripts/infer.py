"""Matte photographs with the strategies of the paper; see `gfm.commands.matte`."""

import sys

from gfm.commands.matte import main

if __name__ == "__main__":
    sys.exit(main())
