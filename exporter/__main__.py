"""``python -m exporter`` is ``resource-exporter``."""

import sys

from exporter.cli import main

if __name__ == "__main__":
    sys.exit(main())
