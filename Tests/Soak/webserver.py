"""Configures nginx with the snippets of this repository."""

import shutil

SNIPPETS = ["http", "responder", "delivery", "locations"]


def nginx(receiver, instances):
    """Writes the configuration, and returns the command that runs nginx with it."""
    path = receiver.path
    copy_snippets(receiver, instances)
    receiver.make_folder("temporary")
    temporary = "".join(
        f"{name}_temp_path {path('temporary')}/{name};\n"
        for name in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    )
    receiver.write(
        "nginx.conf",
        f"""
user root;
daemon off;
pid {path("nginx.pid")};
error_log {path("logs/nginx-error.log")};
worker_processes 2;
events {{ }}
http {{
    {temporary}
    include delve-webhook/http.conf;
    include delve-webhook/upstream.conf;
    access_log {path("logs/nginx-access.log")} delve_webhook;
    server {{
        listen 127.0.0.1:{receiver.port};
        include delve-webhook/locations.conf;
    }}
}}
""",
    )
    return ["nginx", "-e", path("logs/nginx-error.log"), "-c", path("nginx.conf")]


def copy_snippets(receiver, instances):
    folder = receiver.make_folder("delve-webhook")
    for name in SNIPPETS:
        shutil.copy(f"{receiver.root}/nginx/{name}.conf", folder)
    with open(f"{receiver.root}/nginx/upstream.conf") as file:
        upstream = file.read().replace("/run/delve-webhook/fcgi.sock", receiver.path("fcgi.sock"))
    receiver.write("delve-webhook/upstream.conf", upstream)
    with open(f"{receiver.root}/nginx/instance.conf") as file:
        hooks = file.read()
    for name in instances:
        its_own = hooks.replace("/webhooks/delve/", f"/webhooks/delve/{name}/")
        its_own = its_own.replace("INSTANCE acme", f"INSTANCE {name}")
        receiver.write(f"delve-webhook/instance-{name}.conf", its_own)
