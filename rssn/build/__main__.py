"""Build shards: `python -m rssn.build --foregrounds DIR --backgrounds DIR --out URL`."""

import sys

from rssn.build.builder import main

if __name__ == "__main__":
    sys.exit(main())
