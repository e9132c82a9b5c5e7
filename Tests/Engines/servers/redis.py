"""Redis, with a file that is synced before each answer."""

from collections.abc import Iterator

import redis

from servers.engine import Refusal, Server, free_port


class Redis(Server):
    name = "redis"
    synced_file = ".aof"
    nowhere = {"REDIS_URL": f"redis://127.0.0.1:{free_port()}"}

    def __init__(self, folder: str, debian13: str):
        super().__init__(folder, debian13)
        self.port = free_port()
        self.environment = {"REDIS_URL": f"redis://127.0.0.1:{self.port}"}
        self.client = redis.from_url(self.environment["REDIS_URL"], decode_responses=True)

    def start(self) -> None:
        settings = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "dir": self.data,
            "save": "",
            "appendonly": "yes",
            "appendfsync": "always",
        }
        options = [part for name, value in settings.items() for part in (f"--{name}", value)]
        self.spawn(["redis-server", *options])
        self.wait_for_port(self.port)

    def messages(self) -> list[str]:
        return [fields["event"] for _, fields in self.client.xrange("delve")]

    def refusals(self) -> Iterator[Refusal]:
        for name, wrong, sentence in [
            ("appendfsync", "everysec", "appendfsync is everysec; set it to always"),
            ("appendonly", "no", "appendonly is no; set it to yes"),
            ("no-appendfsync-on-rewrite", "yes", "no-appendfsync-on-rewrite is yes; set it to no"),
            ("maxmemory-policy", "allkeys-lru", "maxmemory-policy is allkeys-lru"),
        ]:
            right = self.client.config_get(name)[name]
            self.client.config_set(name, wrong)
            yield Refusal(f"{name} {wrong}", 78, sentence)
            self.client.config_set(name, right)
        self.client.config_set("maxmemory", "1")
        yield Refusal("a full memory", 75, "Redis refuses")
        self.client.config_set("maxmemory", "0")
        password = self.environment["REDIS_URL"].replace("//", "//nobody:wrong@")
        yield Refusal("a wrong password", 69, "Redis refuses", {"REDIS_URL": password})
