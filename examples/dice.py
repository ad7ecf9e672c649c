#!/usr/bin/env python3
"""A bot that rolls dice, with nothing but Python's standard library and protocol.md.

PARLOR_PASSWORD=correct-horse python3 examples/dice.py 127.0.0.1:7171 dice
"""
import json
import os
import random
import re
import socket
import sys
import uuid


def connect(address, name, password):
    """Logs in, registering a new name; returns a way to send, the lines to read, and one's name."""
    host, port = address.rsplit(":", 1)
    stream = socket.create_connection((host, int(port)))
    lines = stream.makefile("r", encoding="utf-8", newline="\n")

    def send(**request):
        stream.sendall((json.dumps(request) + "\n").encode())

    stream.sendall(b"V json\n")
    lines.readline()
    send(do="U", name=name)
    lines.readline()
    send(do="P", name=name, password=password)
    reply = json.loads(lines.readline())
    if "err" in reply:
        sys.exit(f"{reply['err']}: {reply['text']}")
    return send, lines, reply["name"]


def roll(text):
    """`2d6` becomes `3 + 4 = 7`; anything else nothing."""
    match = re.fullmatch(r"\s*(\d{1,2})d(\d{1,4})\s*", text)
    if not match or not (1 <= int(match[1]) <= 20 and 2 <= int(match[2]) <= 1000):
        return None
    rolled = [random.randint(1, int(match[2])) for _ in range(int(match[1]))]
    return f"{' + '.join(map(str, rolled))} = {sum(rolled)}"


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: PARLOR_PASSWORD=... dice.py HOST:PORT NAME")
    send, lines, own = connect(sys.argv[1], sys.argv[2], os.environ.get("PARLOR_PASSWORD", ""))
    print(f"{own} is here; say 2d6", file=sys.stderr)
    for line in lines:
        event = json.loads(line)
        if event.get("event") == "closing":
            sys.exit(f"over: {event['reason']}")
        if event.get("event") == "chat" and event["from"] != own and (rolled := roll(event["text"])):
            # A ref of its own lets the server know a line that is sent again.
            send(do="C", text=f"{event['from']}: {rolled}", ref=str(uuid.uuid4()))


if __name__ == "__main__":
    main()
