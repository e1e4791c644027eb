"""python -m tests.hostile.no_network FOLDER, in a network namespace of its own: serves the site and asks for its addresses.

Reads them from standard input (JSON), prints {address: status}. Only this machine's own interface is brought up.
"""

import fcntl
import json
import socket
import struct
import sys
from pathlib import Path

import django

SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1


def main() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        flags = struct.unpack("16sh", fcntl.ioctl(one, SIOCGIFFLAGS, struct.pack("16sh", b"lo", 0)))[1]
        fcntl.ioctl(one, SIOCSIFFLAGS, struct.pack("16sh", b"lo", flags | IFF_UP))
        try:
            one.connect(("192.0.2.1", 9))
            sys.exit("There is a way out of this namespace.")
        except OSError:
            pass  # no route
    django.setup(set_prefix=False)
    from benchmarks.pages import get
    from tests.kept.server import gunicorn

    with gunicorn(Path(sys.argv[1])) as port:
        print(json.dumps({address: get(port, address, Host="testserver")[0] for address in json.load(sys.stdin)}))


if __name__ == "__main__":
    main()
