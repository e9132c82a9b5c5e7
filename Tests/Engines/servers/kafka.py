"""Kafka's protocol as librdkafka's mock cluster speaks it: in memory, on 127.0.0.1."""

import ctypes
import json
from collections.abc import Iterator

from confluent_kafka import Consumer, KafkaError, TopicPartition

from servers.engine import Engine, Refusal, free_port

BROKERS = 3
# Of librdkafka's enumeration of clients, and of Kafka's own of requests.
PRODUCER = 0
PRODUCE = 0


class Kafka(Engine):
    name = "kafka"
    nowhere = {"KAFKA_SERVERS": f"127.0.0.1:{free_port()}"}

    def start(self) -> None:
        self.rdkafka = ctypes.CDLL("librdkafka.so.1")
        for function in ("conf_new", "new", "mock_cluster_new"):
            getattr(self.rdkafka, f"rd_kafka_{function}").restype = ctypes.c_void_p
        self.rdkafka.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
        problem = ctypes.create_string_buffer(512)
        settings = ctypes.c_void_p(self.rdkafka.rd_kafka_conf_new())
        # This client only owns the cluster, and would complain that it has no server.
        self.rdkafka.rd_kafka_conf_set(settings, b"log_level", b"0", problem, len(problem))
        client = ctypes.c_void_p(
            self.rdkafka.rd_kafka_new(PRODUCER, settings, problem, len(problem))
        )
        self.cluster = ctypes.c_void_p(self.rdkafka.rd_kafka_mock_cluster_new(client, BROKERS))
        servers = self.rdkafka.rd_kafka_mock_cluster_bootstraps(self.cluster).decode()
        with open(f"{self.folder}/settings.json", "w") as file:
            # So that the drill does not wait for a minute after each cut.
            json.dump({"message.timeout.ms": 10_000}, file)
        self.environment = {
            "KAFKA_SERVERS": servers,
            "KAFKA_SETTINGS": f"{self.folder}/settings.json",
        }

    def cut(self) -> None:
        """Cuts every connection to the brokers, and takes no others."""
        for broker in range(1, BROKERS + 1):
            self.rdkafka.rd_kafka_mock_broker_set_down(self.cluster, broker)

    def mend(self) -> None:
        for broker in range(1, BROKERS + 1):
            self.rdkafka.rd_kafka_mock_broker_set_up(self.cluster, broker)

    def messages(self) -> list[str]:
        consumer = Consumer(
            {
                "bootstrap.servers": self.environment["KAFKA_SERVERS"],
                "group.id": "drill",
                "enable.partition.eof": True,
            }
        )
        partitions = consumer.list_topics("delve").topics["delve"].partitions
        consumer.assign([TopicPartition("delve", number, 0) for number in partitions])
        found, ended = [], set()
        while len(ended) < len(partitions):
            message = consumer.poll(60)
            if message is None:
                raise SystemExit("the mock cluster does not answer its consumer")
            if message.error() is None:
                found.append(message.value().decode())
            elif message.error().code() == KafkaError._PARTITION_EOF:
                ended.add(message.partition())
            else:
                raise SystemExit(f"the mock cluster: {message.error()}")
        consumer.close()
        return found

    def refusals(self) -> Iterator[Refusal]:
        with open(f"{self.folder}/wrong.json", "w") as file:
            json.dump({"acks": "1", "no.such.setting": "1"}, file)
        wrong = {"KAFKA_SETTINGS": f"{self.folder}/wrong.json"}
        yield Refusal("an unknown setting", 69, "Kafka's client refuses", wrong)
        for error, code in [
            (KafkaError.TOPIC_AUTHORIZATION_FAILED, 69),
            (KafkaError.MSG_SIZE_TOO_LARGE, 69),
            (KafkaError.NOT_ENOUGH_REPLICAS, 75),
        ]:
            # More than a client repeats its request before it gives up.
            errors = (ctypes.c_int * 1_000)(*[error] * 1_000)
            self.rdkafka.rd_kafka_mock_push_request_errors_array(
                self.cluster, ctypes.c_int16(PRODUCE), ctypes.c_size_t(len(errors)), errors
            )
            yield Refusal(f"the broker's error {error}", code, "Kafka did not take the event")
            self.rdkafka.rd_kafka_mock_clear_request_errors(self.cluster, ctypes.c_int16(PRODUCE))
