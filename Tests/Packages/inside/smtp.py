"""The stand-in of a mail server: writes each mail that it takes into a file of the given folder, its
text decoded."""

import email
import pathlib
import socketserver
import sys


class Session(socketserver.StreamRequestHandler):
    def say(self, line):
        self.wfile.write(line.encode() + b"\r\n")

    def handle(self):
        self.say("220 stand-in")
        for line in self.rfile:
            verb = line.split()[0].upper()
            if verb == b"DATA":
                self.say("354 go on")
                self.keep()
            elif verb == b"QUIT":
                return self.say("221 bye")
            self.say("250 done")

    def keep(self):
        mail = email.message_from_bytes(b"".join(iter(self.rfile.readline, b".\r\n")))
        text = f"To: {mail['To']}\n{mail['Subject']}\n\n".encode() + mail.get_payload(decode=True)
        number = len(list(folder.iterdir()))
        (folder / f"{number}.txt").write_bytes(text)


folder = pathlib.Path(sys.argv[1])
socketserver.ThreadingTCPServer.allow_reuse_address = True
socketserver.ThreadingTCPServer(("127.0.0.1", 25), Session).serve_forever()
