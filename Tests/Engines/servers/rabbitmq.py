"""RabbitMQ: one node, with its own epmd."""

from collections.abc import Iterator

import pika

from servers.engine import Refusal, Server, free_port
from spool import wait_until


class RabbitMQ(Server):
    name = "rabbitmq"
    synced_file = ".wal"
    nowhere = {"RABBITMQ_URL": f"amqp://127.0.0.1:{free_port()}/"}

    def __init__(self, folder: str, debian13: str):
        super().__init__(folder, debian13)
        self.port, self.epmd, self.distribution = free_port(), free_port(), free_port()
        self.environment = {"RABBITMQ_URL": f"amqp://127.0.0.1:{self.port}/"}

    def start(self) -> None:
        environment = {
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self.epmd),
            "RABBITMQ_NODENAME": "delve@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self.distribution),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "RABBITMQ_MNESIA_BASE": f"{self.data}/mnesia",
            "RABBITMQ_LOG_BASE": f"{self.data}/log",
            "RABBITMQ_PID_FILE": f"{self.data}/pid",
            "RABBITMQ_CONFIG_FILE": f"{self.data}/none",
            "RABBITMQ_CONF_ENV_FILE": f"{self.data}/none",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{self.data}/plugins",
        }
        # In the foreground, so that it is ours to end. RabbitMQ would leave one behind.
        self.spawn(["epmd", "-address", "127.0.0.1", "-port", str(self.epmd)])
        self.wait_for_port(self.epmd)
        self.spawn(["/usr/lib/rabbitmq/bin/rabbitmq-server"], environment)
        self.wait_for_port(self.port)

    def connect(self) -> pika.BlockingConnection:
        return pika.BlockingConnection(pika.URLParameters(self.environment["RABBITMQ_URL"]))

    def messages(self) -> list[str]:
        found = []
        # What is not acknowledged goes back into the queue with the connection's end.
        with self.connect() as connection:
            channel = connection.channel()
            wait_until("the queue has a leader again", lambda: self.length() > 0)
            for _ in range(self.length()):
                _, _, body = channel.basic_get("delve")
                found.append(body.decode())
        return found

    def length(self) -> int:
        with self.connect() as connection:
            declared = connection.channel().queue_declare("delve", passive=True)
        return declared.method.message_count

    def refusals(self) -> Iterator[Refusal]:
        with self.connect() as connection:
            channel = connection.channel()
            channel.queue_declare("classic", durable=True)
        yield Refusal("a classic queue", 69, "inequivalent arg", {"RABBITMQ_QUEUE": "classic"})
        url = self.environment["RABBITMQ_URL"]
        wrong = {"RABBITMQ_URL": url.replace("//", "//nobody:wrong@")}
        yield Refusal("a wrong password", 69, "RabbitMQ refuses", wrong)
        wrong = {"RABBITMQ_URL": f"{url}nowhere"}
        yield Refusal("a virtual host that is not there", 69, "RabbitMQ refuses", wrong)
