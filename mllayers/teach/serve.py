"""Serves this folder to everybody in the room: ``python serve.py``; Ctrl+C ends it.

One file that needs nothing but Python 3.9 or newer. It reads this folder and writes nothing. Anybody in the same
network can read what lies in it, the folder ``teach`` apart; close it when the workshop is over.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import socket
import sys
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

# What a browser has to be told, whatever this machine believes of these endings.
TYPES = {
    ".css": "text/css",
    ".html": "text/html; charset=utf-8",
    ".ipynb": "application/json",
    ".js": "text/javascript",
    ".json": "application/json",
    ".mjs": "text/javascript",
    ".wasm": "application/wasm",
    ".whl": "application/octet-stream",
    ".zip": "application/zip",
}


class Files(SimpleHTTPRequestHandler):
    """Files of one folder, over connections that stay open."""

    protocol_version = "HTTP/1.1"

    def guess_type(self, path: Any) -> str:
        """What a file is, by its ending."""
        return TYPES.get(Path(path).suffix.lower()) or super().guess_type(path)

    def send_head(self) -> Any:
        """What is asked for; the teacher's pages, with their answers, go to this machine alone."""
        path = Path(self.translate_path(self.path)).relative_to(self.directory)
        if str(path).lower().startswith("teach") and not is_here(self.client_address[0]):
            self.send_error(HTTPStatus.FORBIDDEN, "for the teacher: open it on the machine that serves this page")
            return None
        return super().send_head()

    def end_headers(self) -> None:
        """A browser may keep a file, but asks each time whether it is still the same."""
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Not a line for every file."""


class Room(ThreadingHTTPServer):
    """As many at once as a room has laptops."""

    request_queue_size = 256
    daemon_threads = True


def is_here(address: str) -> bool:
    """Whether somebody asks from this very machine."""
    return address.startswith("127.") or address in addresses()


def addresses() -> list[str]:
    """The addresses of this machine in its networks, the likeliest first."""
    found: list[str] = []
    for family, far in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET, "10.255.255.255")):
        with socket.socket(family, socket.SOCK_DGRAM) as asked:
            try:
                asked.connect((far, 9))  # sends nothing: asks which way would be taken
                found.append(asked.getsockname()[0])
            except OSError:
                continue
    with contextlib.suppress(OSError):
        found += [str(told[4][0]) for told in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)]
    return [it for it in dict.fromkeys(found) if not it.startswith(("127.", "0."))]


def main(words: list[str] | None = None) -> int:
    """Serve until somebody stops it; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8000, help="(default 8000; 0 takes a free one)")
    parser.add_argument("--here", action="store_true", help="for this machine alone")
    options = parser.parse_args(words)
    folder = str(Path(__file__).resolve().parent)
    try:
        room = Room(("127.0.0.1" if options.here else "", options.port), functools.partial(Files, directory=folder))
    except OSError as error:
        print(f"port {options.port} cannot be used ({error}): python serve.py --port 8001", file=sys.stderr)
        return 1
    with room:
        port = room.server_address[1]
        for address in [] if options.here else addresses():
            print(f"everybody in this network: http://{address}:{port}/")
        print(f"on this machine:           http://localhost:{port}/", flush=True)
        try:
            room.serve_forever()
        except KeyboardInterrupt:
            print("closed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
