"""A small SFTP server on loopback, over a folder of this machine, and what reads it."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from threading import Thread

import paramiko
import pytest

USER, PASSWORD = "agency", "s3cret"


class _Handle(paramiko.SFTPHandle):
    def stat(self):
        return paramiko.SFTPAttributes.from_stat(os.fstat(self.readfile.fileno()))

    def read(self, offset, length):
        self.server.on_read(offset)
        return super().read(offset, length)


class SftpServer:
    """Serves `folder`; `key` is the host's, and `user_key` one that may log in."""

    def __init__(self, folder, *, read_only=False):
        self.folder = folder
        self.read_only = read_only
        self.key = paramiko.ECDSAKey.generate()
        self.user_key = None
        self.reads = 0
        self.on_read = lambda _offset: None
        self._transports = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def host_key(self):
        return f"{self.key.get_name()} {self.key.get_base64()}"

    def _accept(self):
        while True:
            try:
                connected, _ = self._socket.accept()
            except OSError:
                return
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            transport = paramiko.Transport(connected)
            self._transports.append(transport)
            transport.add_server_key(self.key)
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _interface(self))
            with suppress(paramiko.SSHException, EOFError, OSError):
                transport.start_server(server=_Login(self))

    def cut(self):
        """Break every connection off."""
        for transport in self._transports:
            transport.sock.close()

    def close(self):
        # A closed socket alone does not end accept().
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()
        for transport in self._transports:
            transport.close()
            transport.join()


class _Login(paramiko.ServerInterface):
    def __init__(self, outer):
        self._outer = outer

    def get_allowed_auths(self, username):
        return "password,publickey"

    def check_auth_password(self, username, password):
        is_right = (username, password) == (USER, PASSWORD)
        return paramiko.AUTH_SUCCESSFUL if is_right else paramiko.AUTH_FAILED

    def check_auth_publickey(self, username, key):
        is_right = username == USER and key == self._outer.user_key
        return paramiko.AUTH_SUCCESSFUL if is_right else paramiko.AUTH_FAILED

    def check_channel_request(self, kind, chanid):
        return paramiko.OPEN_SUCCEEDED


def _interface(outer):  # noqa: C901 - one small method for each request
    class Interface(paramiko.SFTPServerInterface):
        def _local(self, path):
            return str(outer.folder) + self.canonicalize(path)

        def list_folder(self, path):
            found = []
            try:
                for entry in os.scandir(self._local(path)):
                    seen = paramiko.SFTPAttributes.from_stat(entry.stat(follow_symlinks=False))
                    seen.filename = entry.name
                    found.append(seen)
            except OSError as error:
                return paramiko.SFTPServer.convert_errno(error.errno)
            return found

        def stat(self, path):
            try:
                return paramiko.SFTPAttributes.from_stat(os.lstat(self._local(path)))
            except OSError as error:
                return paramiko.SFTPServer.convert_errno(error.errno)

        lstat = stat

        def open(self, path, flags, attr):
            handle = _Handle(flags)
            handle.server = outer
            try:
                handle.readfile = open(self._local(path), "rb")  # noqa: SIM115 - it is closed with it
            except OSError as error:
                return paramiko.SFTPServer.convert_errno(error.errno)
            return handle

        def rename(self, oldpath, newpath):
            if outer.read_only:
                return paramiko.SFTP_PERMISSION_DENIED
            if os.path.lexists(self._local(newpath)):
                return paramiko.SFTP_FAILURE
            os.rename(self._local(oldpath), self._local(newpath))
            return paramiko.SFTP_OK

        def mkdir(self, path, attr):
            if outer.read_only:
                return paramiko.SFTP_PERMISSION_DENIED
            os.mkdir(self._local(path))
            return paramiko.SFTP_OK

    return Interface


@pytest.fixture
def server(tmp_path):
    folder = tmp_path / "server"
    (folder / "out").mkdir(parents=True)
    made = SftpServer(folder)
    yield made
    made.close()


@pytest.fixture
def table(server):
    """Give the table of the settings that reads the server."""
    return {
        "kind": "sftp",
        "host": "127.0.0.1",
        "port": server.port,
        "user": USER,
        "password": PASSWORD,
        "host_key": server.host_key,
        "folder": "/out",
        "archive": "/done",
        "unchanged_seconds": 0,
    }


@pytest.fixture
def make(table, make_reader):
    """Give a function that makes a worker that reads the server."""
    return lambda **options: make_reader(**table | options)


@pytest.fixture
def put(server):
    """Give a function that writes a file on the server, an hour after the one before it."""
    times = iter(range(1_770_000_000, 1_790_000_000, 3600))

    def put(name, body, *, at=None):
        path = server.folder / "out" / name
        path.write_bytes(body)
        at = next(times) if at is None else at
        os.utime(path, (at, at))
        return path

    return put
