"""Compare training runs with each other and with the paper; see `gfm.commands.compare`."""

import sys

from gfm.commands.compare import main

if __name__ == "__main__":
    sys.exit(main())
