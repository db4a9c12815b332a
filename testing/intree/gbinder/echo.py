# SPDX-License-Identifier: GPL-2.0
"""A service by python3-gbinder, and who calls it. See cases.py.

GLib's main loop is turned by hand: its run() wants sockets, which the kernel need not have.
"""

import os
import time

import gbinder
from gi.repository import GLib

DEVICE = "/dev/binder"
OTHER_DEVICE = "/dev/vndbinder"
INTERFACE = "baton.IEcho"
NAME = "baton.echo"
LIMIT = 60

# What a service is asked to do.
ECHO, NOTE, NOTED, STALL, CALL_BACK, WRITE = range(1, 7)


def until(condition, seconds=LIMIT):
    """Turns the main loop until that is so; whether it is."""
    end = time.monotonic() + seconds
    tick = GLib.timeout_add(20, lambda: True)
    while not (so := bool(condition())) and time.monotonic() < end:
        GLib.MainContext.default().iteration(True)
    GLib.source_remove(tick)
    return so


class Service:
    """Answers as long as the main loop turns."""

    def __init__(self, names, mark, device):
        self.names, self.mark = names, mark
        self.noted, self.held = [], []
        self.manager = gbinder.ServiceManager(device)
        self.object = self.manager.new_local_object(INTERFACE, self.handle)

    def add(self):
        """Whether it has every name."""
        return not any(self.manager.add_service_sync(name, self.object) for name in self.names)

    def handle(self, request, code, _flags):
        """Does what it is asked for: the reply and its status."""
        reader, reply = request.init_reader(), self.object.new_reply()
        if code == ECHO:
            reply.append_string16(self.mark + reader.read_string16())
        elif code == NOTE:
            self.noted.append(reader.read_int32()[1])
            return None, 0
        elif code == NOTED:
            reply.append_int32(len(self.noted))
            reply.append_bool(self.noted == sorted(self.noted))
        elif code == STALL:
            # There is no answer while the request is held.
            request.block()
            self.held.append(request)
            self.noted.append(0)
            return None, 0
        elif code == CALL_BACK:
            answer, status = Caller(reader.read_object()).echo("from the service")
            reply.append_string16(f"{answer} {status}")
        elif code == WRITE:
            os.write(reader.read_fd(), b"written by the service")
        else:
            return None, -1
        return reply, 0


def serve(names, ready, mark, device):
    """A process that does nothing else; `ready` is written to each time that it has its names."""
    service = Service(names, mark, device)

    def present():
        if service.manager.is_present() and service.add():
            os.write(ready, b"!")

    service.manager.add_presence_handler(present)
    present()
    while True:
        GLib.MainContext.default().iteration(True)


class Caller:
    """Whoever has a service's object."""

    def __init__(self, remote):
        self.remote = remote
        self.client = gbinder.Client(remote, INTERFACE)

    def call(self, code, fill=lambda request: None):
        """Its reply, and the status: 0, or why there is none."""
        request = self.client.new_request()
        fill(request)
        return self.client.transact_sync_reply(code, request)

    def echo(self, text):
        """What comes back, and the status."""
        reply, status = self.call(ECHO, lambda request: request.append_string16(text))
        return (None if status else reply.read_string16()), status

    def note(self, number):
        """Sends it one-way; 0 if it was sent."""
        request = self.client.new_request()
        request.append_int32(number)
        return self.client.transact_sync_oneway(NOTE, request)

    def noted(self):
        """How many have arrived, and whether in order."""
        reply, status = self.call(NOTED)
        if status:
            return 0, False
        reader = reply.init_reader()
        return reader.read_int32()[1], reader.read_bool()[1]

    def begin(self, code, fill=lambda request: None):
        """Asks and does not wait; the list gets (reply, status) while the main loop turns."""
        request, answers = self.client.new_request(), []
        fill(request)
        self.client.transact(code, 0, request, lambda reply, status: answers.append((reply, status)), None)
        return answers


def find(name=NAME, protocol=None):
    """Who calls that service, or nothing if nobody has the name."""
    remote, _status = gbinder.ServiceManager(DEVICE, protocol, protocol).get_service_sync(name)
    return Caller(remote) if remote else None
