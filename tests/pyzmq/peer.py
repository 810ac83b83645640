"""A process full of pyzmq sockets that a test drives: `peer.py TIMEOUT`, in milliseconds.

Each line on stdin is a request, `{"do": "recv", "socket": 1}`: the name of a method of `Peer` and its arguments.
Each is answered with a line on stdout, `{"ok": ...}` or `{"error": "..."}`. Bytes are in hexadecimal.
Whatever has to be waited for is given up after the timeout. The process ends with stdin.
"""

import asyncio
import itertools
import json
import logging
import os
import queue
import signal
import struct
import sys
import threading
import traceback

import zmq
import zmq.auth


class Peer:
    """All that a test can ask for."""

    def __init__(self, timeout):
        self.timeout = timeout
        self.context = zmq.Context()
        self.names = itertools.count()
        self.sockets = {}
        self.zaps = {}

    def make(self, kind):
        """A socket, watched from the beginning."""
        name = next(self.names)
        self.sockets[name] = Socket(self.context, name, getattr(zmq, kind), self.timeout)
        return name

    def option(self, socket, name, value):
        """Sets any option, to a number or to bytes."""
        value = from_hex(value) if isinstance(value, str) else value
        self.sockets[socket].zmq.setsockopt(zmq.SocketOption[name.upper()], value)

    def bind(self, socket, endpoint):
        """Where it is then."""
        self.sockets[socket].zmq.bind(endpoint)
        return self.sockets[socket].zmq.last_endpoint.decode()

    def connect(self, socket, endpoint):
        self.sockets[socket].zmq.connect(endpoint)

    def send(self, socket, frames):
        self.sockets[socket].zmq.send_multipart(list(map(from_hex, frames)))

    def recv(self, socket):
        """The frames of the next message."""
        return self.sockets[socket].recv()

    def poll(self, socket, timeout):
        """Whether there is a message in time."""
        return bool(self.sockets[socket].zmq.poll(timeout))

    def property(self, socket, name):
        """What is known of the sender of the last message, such as its User-Id; nothing if nothing is."""
        return self.sockets[socket].property(name)

    def event(self, socket, timeout):
        """The next that happens to a socket's connections, and its value; nothing if nothing does."""
        return self.sockets[socket].event(timeout)

    def close(self, socket):
        self.sockets.pop(socket).close()

    def keypair(self):
        """A public and a secret CURVE key."""
        return [key.decode() for key in zmq.curve_keypair()]

    def certificate(self, folder, name):
        """Writes a public and a secret certificate, and returns the keys in them."""
        files = zmq.auth.create_certificates(folder, name)
        return [key.decode() for key in zmq.auth.load_certificate(files[1])]

    def zap(self, endpoint):
        """Starts a ZAP handler there."""
        name = next(self.names)
        self.zaps[name] = Zap(self.context, name, endpoint)
        self.zaps[name].start()
        return [name, self.zaps[name].endpoint]

    def users(self, zap, domain, users):
        """Takes these users of PLAIN, with their passwords."""
        self.zaps[zap].authenticator.configure_plain(domain, users)

    def keys(self, zap, domain, keys):
        """Takes these public keys."""
        # What `configure_curve` does with a folder of them.
        self.zaps[zap].authenticator.certs[domain] = {key.encode(): True for key in keys}

    def any_key(self, zap):
        """Takes all public keys, in all domains."""
        self.zaps[zap].authenticator.configure_curve(location=zmq.auth.CURVE_ALLOW_ANY)

    def deny(self, zap, address):
        """Refuses all from there, whatever they know."""
        self.zaps[zap].authenticator.deny(address)

    def answer(self, zap, frames):
        """Answers always the same, or not at all."""
        self.zaps[zap].script = [list(map(from_hex, frames))] if frames else []

    def request(self, zap):
        """The frames of the next request that came."""
        return digits(self.zaps[zap].requests.get(timeout=self.timeout / 1000))

    def requests(self, zap):
        """How many came that haven't been looked at."""
        return self.zaps[zap].requests.qsize()

    def stop(self, zap):
        self.zaps.pop(zap).stop()

    def idle(self, requests):
        """Waits for a request, as an application waits in its loop.

        What libzmq leaves to calls of its sockets is done meanwhile: a bound SUB subscribes at who has connected.
        """
        poller = zmq.Poller()
        poller.register(requests, zmq.POLLIN)
        for socket in self.sockets.values():
            poller.register(socket.zmq.fd, zmq.POLLIN)
        while requests not in dict(poller.poll()):
            for socket in self.sockets.values():
                socket.zmq.get(zmq.EVENTS)


class Socket:
    """A socket, with all that happens to its connections."""

    def __init__(self, context, name, kind, timeout):
        self.zmq = context.socket(kind)
        self.zmq.linger = 0
        self.zmq.rcvtimeo = self.zmq.sndtimeo = timeout
        self.last = None
        endpoint = f"inproc://events of {name}"
        self.zmq.monitor(endpoint, zmq.EVENT_ALL)
        self.events = context.socket(zmq.PAIR)
        # At a mark libzmq would wait for a test that looks at no events.
        self.events.rcvhwm = 0
        self.events.connect(endpoint)

    def recv(self):
        frames = self.zmq.recv_multipart(copy=False)
        self.last = frames[0]
        return digits(frame.bytes for frame in frames)

    def property(self, name):
        try:
            return self.last.get(name)
        except zmq.ZMQError:
            return None

    def event(self, timeout):
        if not self.events.poll(timeout):
            return None
        event, value = struct.unpack("=Hi", self.events.recv_multipart()[0])
        return [zmq.Event(event).name, value]

    def close(self):
        self.zmq.disable_monitor()
        self.events.close(0)
        self.zmq.close()


class Zap(threading.Thread):
    """A ZAP handler (RFC 27) that decides as pyzmq's own do, or sends a fixed answer."""

    def __init__(self, context, name, endpoint):
        super().__init__(daemon=True)
        self.authenticator = zmq.auth.Authenticator(context)
        self.authenticator.zap_socket = self
        # The only answer if there is one, none if it is empty.
        self.script = None
        self.requests = queue.SimpleQueue()
        self.envelope = []
        self.socket = context.socket(zmq.ROUTER)
        self.socket.linger = 0
        self.socket.bind(endpoint)
        self.endpoint = self.socket.last_endpoint.decode()
        stop = f"inproc://stop {name}"
        self.stopping, self.stopped = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
        self.stopped.bind(stop)
        self.stopping.connect(stop)

    def run(self):
        poller = zmq.Poller()
        poller.register(self.socket, zmq.POLLIN)
        poller.register(self.stopped, zmq.POLLIN)
        while self.stopped not in dict(poller.poll()):
            frames = self.socket.recv_multipart()
            # A request without a delimiter before it can't be answered.
            end = frames.index(b"") if b"" in frames else 0
            self.envelope, request = frames[: end + 1], frames[end + 1 :]
            try:
                if end:
                    self.decide(request)
            except Exception:
                traceback.print_exc()
            self.requests.put(request)
        self.socket.close(0)
        self.stopped.close(0)

    def decide(self, request):
        if self.script is None:
            asyncio.run(self.authenticator.handle_zap_message(request))
        for frames in self.script or []:
            self.send_multipart([request[1] if frame == b"{id}" else frame for frame in frames])

    def send_multipart(self, reply):
        """Where the authenticator sends its reply to."""
        self.socket.send_multipart(self.envelope + reply)

    def stop(self):
        self.stopping.send(b"")
        self.join()
        self.stopping.close(0)


def from_hex(digits):
    return bytes.fromhex(digits)


def digits(frames):
    return [frame.hex() for frame in frames]


def read(requests):
    """Hands on what comes on stdin; ends the process where that ends, whatever it is waiting for then."""
    for line in sys.stdin.buffer:
        requests.send(line)
    os._exit(0)


def main():
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    logging.disable()
    peer = Peer(int(sys.argv[1]))
    reader, requests = peer.context.socket(zmq.PAIR), peer.context.socket(zmq.PAIR)
    requests.bind("inproc://requests")
    reader.connect("inproc://requests")
    threading.Thread(target=read, args=[reader], daemon=True).start()
    while True:
        peer.idle(requests)
        request = requests.recv_json()
        try:
            answer = {"ok": getattr(peer, request.pop("do"))(**request)}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


main()
