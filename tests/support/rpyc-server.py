"""Runs a classic RPyC server on a free loopback port for the tests and prints the port.

One argument: a JSON object {setup?, pythonPath?, tls?: {certFile, keyFile, caFile?}}. Ends when its standard input
ends, so that it never outlives the test process.
"""

import json
import logging
import os
import sys
import threading

options = json.loads(sys.argv[1])
sys.path[:0] = options.get("pythonPath") or []
# The faults that tests provoke on purpose would fill the error output.
logging.disable(logging.CRITICAL)

from rpyc.core.service import SlaveService  # noqa: E402
from rpyc.utils.authenticators import SSLAuthenticator  # noqa: E402
from rpyc.utils.server import ThreadedServer  # noqa: E402


def end_with_parent():
    # Not through sys.stdin: its lock would be held, and evaluated code that calls exit() closes it.
    while os.read(0, 4096):
        pass
    os._exit(0)


setup = options.get("setup")
if setup:
    exec(compile(setup, "<setup>", "exec"), {"__name__": "__setup__"})

authenticator = None
tls = options.get("tls")
if tls:
    authenticator = SSLAuthenticator(tls["keyFile"], tls["certFile"], tls.get("caFile"))

server = ThreadedServer(SlaveService, hostname="127.0.0.1", port=0, authenticator=authenticator)
server._listen()
threading.Thread(target=end_with_parent, daemon=True).start()
threading.excepthook = lambda args: None
print(server.port, flush=True)
while server.active:
    server.accept()
