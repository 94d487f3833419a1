"""The pipe of an upload: every byte in order, little at a time, nobody left waiting."""

import asyncio
import os
from datetime import timedelta
from io import BufferedReader

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lienthong.doors.pace import Pace
from lienthong.doors.pipe import Pipe

MIB = 1024 * 1024


async def through(parts, *, room=100, sizes=(50,), failure=None):
    """Write parts into a pipe and read them in a thread; return what was read."""
    pipe = Pipe(room=room)

    def read():
        reader = BufferedReader(pipe, 64)
        found = bytearray()
        number = 0
        while part := reader.read(sizes[number % len(sizes)]):
            found += part
            number += 1
        return bytes(found)

    reading = asyncio.get_running_loop().run_in_executor(None, read)
    for part in parts:
        assert await pipe.put(part)
    if failure is None:
        pipe.end()
    else:
        pipe.fail(failure)
    return await reading


@given(
    st.lists(st.binary(max_size=300), max_size=20),
    st.integers(1, 400),
    st.lists(st.integers(1, 500), min_size=1, max_size=5),
)
def test_what_is_read_is_what_was_written(parts, room, sizes):
    assert asyncio.run(through(parts, room=room, sizes=sizes)) == b"".join(parts)


def test_a_failure_reaches_the_reader_instead_of_the_end():
    with pytest.raises(OSError, match="the sender left"):
        asyncio.run(through([b"abc"], failure="the sender left"))


def test_a_writer_waits_while_the_pipe_is_full():
    async def run():
        pipe = Pipe(room=MIB)
        assert await pipe.put(bytes(MIB))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await pipe.put(b"x")
        await asyncio.to_thread(BufferedReader(pipe, 1024).read, MIB)
        assert await pipe.put(b"x")

    asyncio.run(run())


def test_a_writer_is_told_when_nobody_reads_any_more():
    async def run():
        pipe = Pipe(room=1)
        assert await pipe.put(os.urandom(10))
        waiting = asyncio.create_task(pipe.put(b"x"))
        await asyncio.sleep(0)
        await asyncio.to_thread(pipe.leave)
        assert await waiting is False

    asyncio.run(run())


def test_only_the_time_spent_waiting_for_the_sender_counts():
    now = [0.0]
    pace = Pace(patience=timedelta(seconds=10), least_per_second=100, steady=lambda: now[0])

    async def after(seconds):
        now[0] += seconds

    asyncio.run(pace.waiting(after(9)))
    assert pace.is_kept(0)
    now[0] += 1000
    assert pace.is_kept(0)
    asyncio.run(pace.waiting(after(6)))
    assert not pace.is_kept(499)
    assert pace.is_kept(500)
