"""`python -m brokerage.rig` is `crucible-gateway`."""

import sys

from brokerage.rig.cli import main

sys.exit(main())
