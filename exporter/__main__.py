"""``python -m exporter`` is ``resource-exporter``."""

import sys


def main() -> int:
    """Run the command line; returns the exit code. Ctrl-C ends it in one line even while it is being loaded."""
    try:
        from exporter import cli  # noqa: PLC0415 - takes the better part of a second

        return cli.main()
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return 130


if __name__ == "__main__":
    sys.exit(main())
