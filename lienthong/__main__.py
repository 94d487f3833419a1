"""`python -m lienthong` is the same as `lienthong`."""

from lienthong.cli import main

main()
