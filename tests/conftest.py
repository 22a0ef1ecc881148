"""Settings of all tests, made before a library reads them."""

from __future__ import annotations

import os

# Test processes share the cores, and threads that wait for one another by spinning make a step of
# training up to fifty times as long. numba's pool, once started, undoes torch's own setting.
for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(name, "1")
