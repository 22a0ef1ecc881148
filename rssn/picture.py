"""Draw one foreground through every step: `python -m rssn.picture --foregrounds DIR ...`."""

import sys

from rssn.inspection.picture import main

if __name__ == "__main__":
    sys.exit(main())
