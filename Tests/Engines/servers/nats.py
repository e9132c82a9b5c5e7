"""NATS JetStream of Debian 13, whose streams can be synced before each acknowledgement."""

import asyncio
from collections.abc import Iterator

import nats
from nats.js import api

from servers.engine import Refusal, Server, free_port, make_folder


class NATS(Server):
    name = "nats"
    synced_file = ".blk"
    nowhere = {"NATS_URL": f"nats://127.0.0.1:{free_port()}"}

    def __init__(self, folder: str, debian13: str):
        super().__init__(folder, debian13)
        self.launcher = ["chroot", "--userspec=nobody:nogroup", debian13]
        self.port = free_port()
        self.environment = {"NATS_URL": f"nats://127.0.0.1:{self.port}"}
        make_folder(f"{debian13}/srv/nats")
        with open(f"{debian13}/srv/nats.conf", "w") as file:
            file.write(
                f"listen: 127.0.0.1:{self.port}\n"
                "jetstream { store_dir: /srv/nats, sync_interval: always }\n"
            )
        self.is_new = True

    def start(self) -> None:
        self.spawn(["/usr/sbin/nats-server", "-c", "/srv/nats.conf"])
        self.wait_for_port(self.port)
        if self.is_new:
            asyncio.run(self.make_stream("delve", api.StorageType.FILE))
            asyncio.run(self.make_stream("memory", api.StorageType.MEMORY))
            self.is_new = False

    async def make_stream(self, name: str, storage: api.StorageType) -> None:
        connection = await nats.connect(self.environment["NATS_URL"])
        await connection.jetstream().add_stream(
            name=name, subjects=[f"{name}.events"], storage=storage
        )
        await connection.close()

    def messages(self) -> list[str]:
        return asyncio.run(self.read())

    async def read(self) -> list[str]:
        connection = await nats.connect(self.environment["NATS_URL"])
        jetstream = connection.jetstream()
        state = (await jetstream.stream_info("delve")).state
        numbers = range(state.first_seq, state.last_seq + 1)
        found = [(await jetstream.get_msg("delve", number)).data.decode() for number in numbers]
        await connection.close()
        return found

    def refusals(self) -> Iterator[Refusal]:
        memory = {"NATS_STREAM": "memory", "NATS_SUBJECT": "memory.events"}
        yield Refusal("a stream in memory", 78, "is held in memory", memory)
        yield Refusal("a stream that is not there", 69, "NATS refuses", {"NATS_STREAM": "none"})
        other = {"NATS_SUBJECT": "memory.events"}
        yield Refusal("another stream's subject", 69, "NATS refuses", other)
