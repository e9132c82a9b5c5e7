"""The web servers, each with the configuration of this repository."""

import contextlib
import dataclasses
import os
import re
import shutil
import signal
import socket
import subprocess

from rig import ROOT, RUN, free_port, path, read, replaced, running, until, write

HEALTH = "/webhooks/delve/health"


@dataclasses.dataclass
class Server:
    name: str
    version: str
    port: int
    log: str
    # Whether it repeats a request during which the responder has died, so that the sender sees nothing.
    repeats: bool = False
    # Whether its own answer, if there is no responder, says when to come again.
    invites: bool = True
    # Whether it takes a chunked body that is larger than its buffer.
    takes_large_chunked: bool = True
    # The signal with which it reads its configuration anew.
    reload: int | None = None
    process: subprocess.Popen | None = None

    @property
    def origin(self) -> str:
        return f"https://127.0.0.1:{self.port}"


def shipped(name: str) -> str:
    with open(f"{ROOT}/{name}", encoding="utf-8") as file:
        return file.read()


def version(*command: str) -> str:
    """The first number of what the program says of itself."""
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    return re.search(r"\d+(?:\.\d+)+", result.stdout + result.stderr)[0]


def is_listening(port: int) -> bool:
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def serving(server: Server, command: list[str], **options):
    os.makedirs(path("log"), exist_ok=True)
    shutil.chown(path("log"), "www-data", "www-data")
    os.chmod(path("log"), 0o777)
    with running(command, server.log, **options) as process:
        until(
            f"{server.name} to listen: {read(server.log)}",
            lambda: process.poll() is not None or is_listening(server.port),
        )
        if process.poll() is not None:
            raise SystemExit(f"{server.name} did not start: {read(server.log)}")
        server.process = process
        yield server


@contextlib.contextmanager
def nginx(*, unbuffered: bool = False, http3: bool = False):
    """nginx, with the gzip filter on. `unbuffered` hands bodies on as they come."""
    server = Server("nginx", version("nginx", "-v"), free_port(), "nginx.log", True, reload=signal.SIGHUP)
    os.makedirs(path("delve-webhook"), exist_ok=True)
    for name in ("http", "responder", "delivery", "instance", "locations", "upstream"):
        text = shipped(f"nginx/{name}.conf").replace("/run/delve-webhook", RUN)
        # The catalogue comes from one address, and faster than one address may.
        text = text.replace("rate=100r/s", "rate=100000r/s")
        if unbuffered and name == "responder":
            text = replaced(text, {"request_buffering   on": "request_buffering   off"})
        write(f"delve-webhook/{name}.conf", text)
    temporary = "".join(
        f"{n}_temp_path {path('t-' + n)}; " for n in "client_body proxy fastcgi uwsgi scgi".split()
    )
    quic = f"listen 127.0.0.1:{server.port} quic;" if http3 else ""
    os.makedirs(path("log"), exist_ok=True)
    write("nginx.conf", f"""
user www-data;
daemon off;
pid {path('nginx.pid')};
error_log {path('nginx.log')} warn;
events {{ }}
http {{
  {temporary}
  include delve-webhook/http.conf;
  include delve-webhook/upstream.conf;
  access_log {path('log/access')} delve_webhook;
  gzip on; gzip_min_length 1; gzip_types *; gzip_proxied any;
  server {{
    listen 127.0.0.1:{server.port} ssl http2;
    {quic}
    ssl_certificate {path('cert.pem')};
    ssl_certificate_key {path('cert.key')};
    include delve-webhook/locations.conf;
  }}
}}
""")
    with serving(server, ["nginx", "-e", path("nginx.log"), "-c", path("nginx.conf")]):
        yield server


@contextlib.contextmanager
def apache():
    """Apache with mod_proxy_fcgi, and the filter of mod_deflate on."""
    server = Server("Apache", version("apache2", "-v"), free_port(), "apache.log", reload=signal.SIGUSR1)
    os.makedirs(path("delve-webhook"), exist_ok=True)
    for name in ("proxy", "locations", "instance"):
        text = shipped(f"apache/{name}.conf").replace("/run/delve-webhook", RUN)
        write(f"delve-webhook/{name}.conf", text)
    modules = "mpm_event authz_core authz_host alias env headers proxy proxy_fcgi ssl http2 deflate"
    modules += " filter reqtimeout socache_shmcb"
    loading = "\n".join(
        f"LoadModule {m}_module /usr/lib/apache2/modules/mod_{m}.so" for m in modules.split()
    )
    write("apache.conf", f"""
ServerRoot {path('.')}
ServerName localhost
Listen 127.0.0.1:{server.port}
PidFile {path('apache.pid')}
ErrorLog {path('apache.log')}
{loading}
User www-data
Group www-data
Protocols h2 http/1.1
SetOutputFilter DEFLATE
LogFormat "%t %h \\"%r\\" %>s" short
CustomLog {path('log/access')} short
<Directory />
  Require all denied
</Directory>
<VirtualHost *>
  SSLEngine on
  SSLCertificateFile {path('cert.pem')}
  SSLCertificateKeyFile {path('cert.key')}
  Include delve-webhook/proxy.conf
</VirtualHost>
""")
    with serving(server, ["apache2", "-D", "FOREGROUND", "-f", path("apache.conf")]):
        yield server


def configured(server: Server, file: str, replacements: dict[str, str]) -> str:
    """Writes one of the shipped files, with its paths and ports replaced."""
    text = shipped(f"Sources/delve-webhook-fcgi/servers/{file}")
    return write(file, replaced(text, replacements))


@contextlib.contextmanager
def lighttpd():
    server = Server(
        "lighttpd", version("lighttpd", "-v"), free_port(), "lighttpd.log", invites=False,
        reload=signal.SIGUSR1,
    )
    os.makedirs(path("uploads"), exist_ok=True)
    shutil.chown(path("uploads"), "www-data")
    file = configured(server, "lighttpd.conf", {
        "server.port          = 443": f'server.bind = "127.0.0.1"\nserver.port = {server.port}',
        "/etc/lighttpd/delve-webhook.pem": path("cert.pem"),
        "/etc/lighttpd/delve-webhook.key": path("cert.key"),
        "/var/log/lighttpd": path("log"),
        "/var/cache/lighttpd/uploads": path("uploads"),
        "/run/delve-webhook": RUN,
    })
    with serving(server, ["lighttpd", "-D", "-f", file]):
        yield server


@contextlib.contextmanager
def caddy():
    server = Server("Caddy", version("caddy", "version"), free_port(), "caddy.log")
    file = configured(server, "Caddyfile", {
        "hooks.example.org:443 {": f"https://127.0.0.1:{server.port} {{\n\tbind 127.0.0.1",
        "/etc/caddy/delve-webhook.pem": path("cert.pem"),
        "/etc/caddy/delve-webhook.key": path("cert.key"),
        "/var/log/caddy": path("log"),
        "/run/delve-webhook": RUN,
    })
    as_caddy = ["setpriv", "--reuid", "caddy", "--regid", "caddy", "--init-groups"]
    home = path("caddy")
    os.makedirs(home, exist_ok=True)
    shutil.chown(home, "caddy", "caddy")
    command = [*as_caddy, "env", f"HOME={home}", "caddy", "run", "--adapter", "caddyfile"]
    with serving(server, [*command, "--config", file]):
        yield server


@contextlib.contextmanager
def haproxy():
    server = Server(
        "HAProxy", version("haproxy", "-v"), free_port(), "haproxy.log", True,
        takes_large_chunked=False, reload=signal.SIGUSR2,
    )
    file = configured(server, "haproxy.cfg", {
        "bind :443": f"bind 127.0.0.1:{server.port}",
        "/etc/haproxy/delve-webhook.pem": path("both.pem"),
        "/run/delve-webhook": RUN,
    })
    with serving(server, ["haproxy", "-W", "-db", "-f", file]):
        yield server


@contextlib.contextmanager
def h2o():
    server = Server("h2o", version("h2o", "-v"), free_port(), "h2o.log", invites=False, reload=signal.SIGHUP)
    file = configured(server, "h2o.yaml", {
        "port: 443": f"host: 127.0.0.1\n  port: {server.port}",
        "/etc/h2o/delve-webhook.pem": path("cert.pem"),
        "/etc/h2o/delve-webhook.key": path("cert.key"),
        "/var/log/h2o": path("log"),
        "/run/h2o.pid": path("h2o.pid"),
        "/run/delve-webhook": RUN,
    })
    with serving(server, ["h2o", "-m", "master", "-c", file]):
        yield server


SERVERS = {
    "nginx": nginx, "apache": apache, "lighttpd": lighttpd, "caddy": caddy, "haproxy": haproxy,
    "h2o": h2o,
}
