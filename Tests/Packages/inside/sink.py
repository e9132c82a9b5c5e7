"""Takes every POST, and writes down what it holds.

Usage: sink.py PORT FILE: one line a request, its Authorization and its content.
"""

import http.server
import sys


class Sink(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        content = self.rfile.read(int(self.headers["Content-Length"])).decode()
        with open(sys.argv[2], "a", encoding="utf-8") as file:
            print(self.headers["Authorization"], content.replace("\n", " "), file=file)
        self.send_response(204)
        self.end_headers()


http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Sink).serve_forever()
