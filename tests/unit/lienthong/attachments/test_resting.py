"""A server that is left alone: who is turned away, and when it comes again."""

from contextlib import suppress

import pytest

from lienthong.attachments.resting import Rest
from lienthong.attachments.words import FileAway, away
from mappings.attachments import DeclaredFile
from schemas.problem import Place, Text

DECLARED = DeclaredFile(number=1, place=Place(), name="a.pdf", way="url", source="https://a/b")


class Server:
    """One that is left alone after five refusals at second 100, and takes ten files a second."""

    def __init__(self):
        self.now = 100.0
        self.rest = Rest("s", rate=10, steady=lambda: self.now)
        for _ in range(5):
            with suppress(FileAway):
                self.ask(refuses=True)

    def ask(self, *, refuses=False):
        with self.rest.asking(DECLARED):
            if refuses:
                words = Text(vi="từ chối", en="refuses")
                raise away("refused", DECLARED, words, remedy=words)

    def turn_away(self):
        with pytest.raises(FileAway) as caught:
            self.ask()
        assert not caught.value.was_asked
        return round(caught.value.wait, 6)


def test_a_refusal_says_that_somebody_was_asked():
    server = Server()
    server.now += 60

    with pytest.raises(FileAway) as caught:
        server.ask(refuses=True)

    assert caught.value.was_asked


def test_those_who_are_turned_away_come_again_no_faster_than_the_server_takes_files():
    server = Server()

    assert [server.turn_away() for _ in range(3)] == [60, 60.1, 60.2]
    server.now += 50
    assert server.turn_away() == 10.3


def test_they_are_spread_over_the_next_rests_too():
    server = Server()
    waits = [server.turn_away() for _ in range(1200)]
    server.now += 60
    with suppress(FileAway):
        server.ask(refuses=True)

    assert waits[-1] == 179.9
    assert server.turn_away() == 120


def test_once_a_file_was_given_nobody_is_turned_away_and_all_begins_anew():
    server = Server()
    for _ in range(1200):
        server.turn_away()
    server.now += 60
    server.ask()
    server.ask()

    for _ in range(5):
        with suppress(FileAway):
            server.ask(refuses=True)

    assert server.turn_away() == 60
