"""Compare training runs with each other and with the paper; see `gfm.tracking.compare_command`."""

import sys

from gfm.tracking.compare_command import main

if __name__ == "__main__":
    sys.exit(main())
