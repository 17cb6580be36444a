"""`python -m onward` is `onward`."""

from onward.cli import main

main()
