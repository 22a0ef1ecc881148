"""Check a build: `python -m rssn.inspect SHARDS`."""

import sys

from rssn.inspection.command import main

if __name__ == "__main__":
    sys.exit(main())
