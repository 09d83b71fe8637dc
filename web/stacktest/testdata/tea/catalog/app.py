"""Shows the teas that there are, and what 100 g of them cost."""

import json
import os
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import psycopg

from season import SEASON

DATABASE = {
    "host": os.environ["DB_HOST"], "port": os.environ["DB_PORT"], "user": os.environ["DB_USER"],
    "password": os.environ["DB_PASSWORD"], "dbname": os.environ["DB_NAME"],
}


def teas():
    with psycopg.connect(**DATABASE) as connection:
        return dict(connection.execute("SELECT name, cents FROM teas ORDER BY name").fetchall())


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        name = unquote(self.path.removeprefix("/catalog").strip("/"))
        stock = teas()
        if not name:
            self.answer(200, {"season": SEASON, "teas": stock})
        elif name in stock:
            self.answer(200, {"name": name, "cents": stock[name]})
        else:
            self.answer(404, {"error": "no such tea"})

    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def main():
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    print("catalog listens on", os.environ["PORT"], flush=True)
    server.serve_forever()


main()
