"""Index foreign WebDataset tars: `python -m rssn.index TARS`."""

import sys

from rssn.inspection.index import main

if __name__ == "__main__":
    sys.exit(main())
