"""Serves the MetaTrader5 double over classic RPyC, as a terminal's Python process does, and prints the port.

    python3 tests/support/mt5/serve.py --port 18812 [--login-ms 300] [--send-ms 50]

Port 0 takes a free one. Ends with SIGTERM or SIGINT.
"""

import argparse
import logging
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from rpyc.core.service import SlaveService  # noqa: E402
from rpyc.utils.server import ThreadedServer  # noqa: E402

import MetaTrader5  # noqa: E402


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--login-ms", type=float, default=0)
    parser.add_argument("--send-ms", type=float, default=0)
    options = parser.parse_args()
    MetaTrader5._t.login_ms = options.login_ms
    MetaTrader5._t.send_ms = options.send_ms
    logging.disable(logging.CRITICAL)
    server = ThreadedServer(SlaveService, hostname=options.host, port=options.port)
    server._listen()
    print(server.port, flush=True)
    try:
        server.start()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
