"""
Send one file to Lienthong by RabbitMQ, and print what comes back. Needs: pip install pika

    export LIENTHONG_PASSWORD=…
    python publish.py amqp://host:5672/vhost igate-one-stop ho-so.json 2026-000017

Exit code 0: everything was taken over; 1: it was refused, or a record of it was.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pika

PREFIX = os.environ.get("LIENTHONG_PREFIX", "lienthong")
WAIT_SECONDS = float(os.environ.get("LIENTHONG_WAIT", "60"))
CONTENT_TYPES = {
    ".csv": "text/csv",
    ".txt": "text/plain",
    ".dbf": "application/vnd.dbf",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".xls": "application/vnd.ms-excel",
    ".ods": "application/vnd.oasis.opendocument.spreadsheet",
    ".json": "application/json",
    ".jsonl": "application/x-ndjson",
    ".xml": "application/xml",
    ".zip": "application/zip",
}
BAD = {"refused", "broken_off", "rejected", "parked", "quarantined"}
HERE = {"received", "receipt"}  # it is here, with our signature on that; what comes of it follows


def main(url: str, agency: str, file: str, message_id: str) -> int:
    path = Path(file)
    parameters = pika.URLParameters(url)
    parameters.credentials = pika.PlainCredentials(
        os.environ.get("LIENTHONG_USER", f"{PREFIX}-{agency}"), os.environ["LIENTHONG_PASSWORD"]
    )
    with pika.BlockingConnection(parameters) as connection:
        publish(connection.channel(), agency, message_id, path)
        print(f"{message_id}: published, durable at the broker")
        return wait_for_results(connection.channel(), agency, message_id)


def publish(channel, agency: str, message_id: str, path: Path) -> None:
    # With confirms on, basic_publish returns when the message is on the disks of the broker, and
    # raises when it is refused (NackError) or reached no queue (UnroutableError). After any error
    # publish the same bytes again under the same message_id: it counts once.
    channel.confirm_delivery()
    channel.basic_publish(
        exchange=f"{PREFIX}.in.{agency}",
        routing_key="records",
        body=path.read_bytes(),
        properties=pika.BasicProperties(
            message_id=message_id,
            content_type=CONTENT_TYPES[path.suffix],
            delivery_mode=2,  # persistent
        ),
        mandatory=True,
    )


def wait_for_results(channel, agency: str, message_id: str) -> int:
    code = 0
    queue = f"{PREFIX}.results.{agency}"
    channel.basic_qos(prefetch_count=1)
    for method, properties, body in channel.consume(queue, inactivity_timeout=WAIT_SECONDS):
        if method is None:
            print("nothing more came", file=sys.stderr)
            break
        result = json.loads(body)
        show(result)
        # A real back-end writes the result into its own database before it acknowledges. The same
        # result may come twice: its id says so.
        channel.basic_ack(method.delivery_tag)
        if properties.correlation_id == message_id:
            code = max(code, int(result["kind"] in BAD))
            if result["kind"] not in HERE or os.environ.get("LIENTHONG_FIRST_ONLY"):
                break
    channel.cancel()
    return code


def show(result: dict) -> None:
    print(result["kind"], result["key"], result["dossier"] or "")
    for error in result["errors"]:
        place = ", ".join(f"{name} {value}" for name, value in error["source"].items())
        print(f"  {error['code']} {place}: {error['message']['vi']}")
        if error["suggestion"]:
            print(f"    → {error['suggestion']['vi']}")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:5]))
