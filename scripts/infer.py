"""Matte photographs with the strategies of the paper; see `gfm.matte_command`."""

import sys

from gfm.matte_command import main

if __name__ == "__main__":
    sys.exit(main())
