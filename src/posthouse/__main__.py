"""``python -m posthouse``."""

import sys

from posthouse.cli.app import main

if __name__ == "__main__":
    sys.exit(main())
