"""`python -m diffc`: the command line."""

import sys

from diffc.cli import main

if __name__ == "__main__":
    sys.exit(main())
