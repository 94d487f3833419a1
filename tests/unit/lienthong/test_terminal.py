from __future__ import annotations

import io

import pytest
from rich.table import Table
from rich.text import Text

from lienthong.cli.terminal import Terminal

ORDERS = "\x1b]0;tên\x07\x1b[2J\x9b31m\r\x7f\u202eđảo\u2066"
SHOWN = "\\x1b]0;tên\\x1b[2J\\x9b31m\\x7f\\u202eđảo\\u2066"


@pytest.mark.parametrize("made", [str, Text], ids=["text", "styled"])
def test_no_text_of_an_agency_gives_orders_to_the_terminal(made):
    target = io.StringIO()
    terminal = Terminal(file=target, force_terminal=True, width=100, markup=False, highlight=False)

    terminal.print(made(ORDERS))

    assert target.getvalue().rstrip(" \n") == SHOWN


def test_no_cell_of_a_table_gives_orders_to_the_terminal():
    target = io.StringIO()
    table = Table(show_header=False)
    table.add_row(ORDERS)

    Terminal(file=target, width=100, markup=False, highlight=False).print(table)

    assert not set(target.getvalue()) & set("\x1b\x07\x9b\r\x7f\u202e\u2066")


def test_colours_tabs_and_lines_of_our_own_stay():
    target = io.StringIO()
    terminal = Terminal(file=target, force_terminal=True, color_system="standard", width=100)

    terminal.print("[red]đỏ[/]\nhai")

    assert target.getvalue() == "\x1b[31mđỏ\x1b[0m\nhai\n"
