#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""libgbinder, its tools and python3-gbinder against a context manager of ours.

Usage: cases.py [CASE]      each case, and "N passed, N failed, N skipped"

Each case is a process of its own with its manager and its services, which end with it; one that
does not end in time is killed, and has failed.
"""

import os
import select
import signal
import subprocess
import sys
import time
import traceback

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))

import gbinder

from echo import (CALL_BACK, DEVICE, ECHO, INTERFACE, LIMIT, NAME, NOTE, OTHER_DEVICE, STALL, WRITE, find, serve,
                  until)

# Why there is no reply.
DEAD_OBJECT = 2
CASE_LIMIT = 180


class Wrong(Exception):
    """What a case has found."""


def check(so, what):
    if not so:
        raise Wrong(what)


# --- who takes part

def manager(device=DEVICE):
    """Starts it; it can be asked."""
    process = subprocess.Popen([os.path.join(HERE, "manager"), device], stdout=subprocess.PIPE, text=True)
    check(process.stdout.readline() == "ready\n", "the manager is not ready")
    return process


def readable(fd, seconds=LIMIT):
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(seconds * 1000)) and os.read(fd, 1) == b"!"


def service(names=(NAME,), mark="", device=DEVICE):
    """Starts one: its process, and what is readable each time that it has its names.

    Before this process has opened Binder: a fork of who has is none of Binder's clients.
    """
    ready, told = os.pipe()
    pid = os.fork()
    if not pid:
        serve(names, told, mark, device)
    os.close(told)
    check(readable(ready), "the service is not added")
    return pid, ready


def end(pid):
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def tool(name, *arguments, seconds=LIMIT):
    """Its status and what it says; no status if it does not end."""
    try:
        done = subprocess.run([name, "-d", DEVICE, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return None, ""
    return done.returncode, done.stdout


# --- by the tools

def ping(name):
    status, said = tool("binder-ping", name)
    check(status == 0, f"binder-ping ended with {status}: {said.strip()}")


def pinged():
    manager()
    service()
    ping(NAME)


def listed():
    manager()
    check(tool("binder-list") == (0, ""), "somebody is there already")
    service((NAME, "baton.other"))
    service(("baton.third",))
    for how in ((), ("-a",)):
        status, said = tool("binder-list", *how)
        check(status == 0 and sorted(said.split()) == [NAME, "baton.other", "baton.third"], f"binder-list says: {said}")
    check(tool("binder-list", "baton.other") == (0, "baton.other\n"), "binder-list knows no name")


def called_by_tool():
    manager()
    service()
    status, said = tool("binder-call", "-a", NAME, str(ECHO), '"round trip"u', "reply", "s16")
    check(status is not None and "round trip" in said, f"binder-call says: {said}")
    status, said = tool("binder-call", "-a", "-o", NAME, str(NOTE), "7")
    check("NO REPLY" in said, f"binder-call -o says: {said}")
    caller = find()
    check(until(lambda: caller.noted() == (1, True)), "what was sent one-way has not arrived")


# --- by python3-gbinder

def two_way():
    manager()
    service()
    caller = find()
    for number in range(300):
        text = f"{number} " * (1 + number * 7 % 1000)
        check(caller.echo(text) == (text, 0), f"the answer to transaction {number} is not what was sent")


def one_way():
    manager()
    service()
    caller = find()
    for number in range(200):
        check(caller.note(number) == 0, f"one-way transaction {number} was not sent")
    check(until(lambda: caller.noted()[0] == 200, LIMIT), f"{caller.noted()[0]} of 200 have arrived")
    check(caller.noted()[1], "they are out of order")


def many_callers():
    manager()
    service()
    pids = []
    for who in range(6):
        pids.append(os.fork())
        if not pids[-1]:
            caller = find()
            os._exit(any(caller.echo(f"{who} {number}") != (f"{who} {number}", 0) for number in range(100)))
    check(not any(os.waitpid(pid, 0)[1] for pid in pids), "somebody got no answer, or that of another")


def calls_back():
    manager()
    service()
    caller = find()
    asked = []

    def answer(request, _code, _flags):
        asked.append(request.init_reader().read_string16())
        reply = mine.new_reply()
        reply.append_string16("from who called")
        return reply, 0

    mine = gbinder.ServiceManager(DEVICE).new_local_object(INTERFACE, answer)
    answers = caller.begin(CALL_BACK, lambda request: request.append_local_object(mine))
    check(until(lambda: answers), "no answer")
    check(asked == ["from the service"], f"the service has asked {asked}")
    reply, status = answers[0]
    check(status == 0 and reply.read_string16() == "from who called 0", f"status {status}")


def file_is_passed():
    manager()
    service()
    here, there = os.pipe()
    reply, status = find().call(WRITE, lambda request: request.init_writer().append_fd(there))
    del reply
    check(status == 0, f"status {status}")
    check(os.read(here, 100) == b"written by the service", "something else was written")


# --- through another one of the tools, which has both devices open

def bridged():
    manager()
    manager(OTHER_DEVICE)
    pid, _ready = service(device=OTHER_DEVICE)
    subprocess.Popen(["binder-bridge", DEVICE, OTHER_DEVICE, NAME], stdout=subprocess.DEVNULL)
    check(until(find), "the service is not on this side")
    caller = find()
    for number in range(50):
        check(caller.echo(f"{number}") == (f"{number}", 0), f"transaction {number} is not answered")
    check(caller.note(1) == 0 and until(lambda: caller.noted() == (1, True)), "what was sent one-way has not arrived")
    answers = caller.begin(STALL)
    check(until(lambda: caller.noted()[0] == 2) and not answers, "there is an answer already")
    end(pid)
    check(until(lambda: answers and answers[0][1]), "who waits for the answer of the dead is not woken")


# --- somebody dies

def death_is_told():
    manager()
    pid, _ready = service()
    caller, told = find(), []
    caller.remote.add_death_handler(lambda: told.append(True))
    check(caller.echo("alive") == ("alive", 0), "it does not answer while it lives")
    check(not until(lambda: told, 0.5) and not caller.remote.is_dead(), "it is told to be dead while it lives")
    end(pid)
    # The main loop has not turned: this is what the kernel says.
    check(caller.echo("dead") == (None, DEAD_OBJECT), "the dead one answers")
    check(until(lambda: told), "nobody is told")
    check(caller.remote.is_dead(), "who is told is told of somebody who lives")


def killed_while_asked():
    manager()
    pid, _ready = service()
    caller = find()
    answers = caller.begin(STALL)
    check(until(lambda: caller.noted()[0] == 1), "the service has not been asked")
    check(not answers, "there is an answer already")
    end(pid)
    check(until(lambda: answers), "who waits for the answer of the dead is not woken")
    check(answers[0][1] == DEAD_OBJECT, f"status {answers[0][1]}")


def forgotten():
    manager()
    pid, _ready = service((NAME, "baton.other"))
    service(("baton.third",))
    end(pid)
    check(until(lambda: not find()), "the manager has it still")
    check(tool("binder-list") == (0, "baton.third\n"), "the wrong ones were forgotten")


def name_is_taken_over():
    manager()
    first, _ready = service(mark="first: ")
    second, _ready = service(mark="second: ")
    check(find().echo("?") == ("second: ?", 0), "the name is still that of the first")
    end(first)
    check(find().echo("?") == ("second: ?", 0), "with the first, the second has gone")
    end(second)
    check(until(lambda: not find()), "the manager has it still")


def manager_dies():
    old = manager()
    _pid, ready = service()
    check(find().echo("before") == ("before", 0), "no answer before")
    old.kill()
    old.wait()
    manager()
    check(readable(ready), "the service has not come back")
    check(until(lambda: find() and find().echo("after") == ("after", 0)), "no answer after")


# --- what must not work

def control_never_added():
    manager()
    service()
    name = "baton.nobody"
    try:
        ping(name)
    except Wrong as wrong:
        check("not found" in str(wrong), f"another failure: {wrong}")
    else:
        raise Wrong("who was never added is pinged")
    check(find(name) is None, "who was never added is found")
    check("No such service" in tool("binder-call", "-a", name, "1")[1], "who was never added is called")


def control_no_manager():
    check(tool("binder-list", seconds=5)[0] is None, "binder-list ends without a manager")
    check(not gbinder.ServiceManager(DEVICE).is_present(), "there is a manager")


def control_other_protocol():
    manager()
    service()
    check(find(protocol="aidl3"), "nothing is found in the protocol of the manager")
    check(find(protocol="aidl") is None, "the manager answers in a protocol that is not its own")


CASES = (pinged, listed, called_by_tool, two_way, one_way, many_callers, calls_back, file_is_passed, bridged,
         death_is_told, killed_while_asked, forgotten, name_is_taken_over, manager_dies, control_never_added,
         control_no_manager, control_other_protocol)


def work(case, told):
    why = ""
    try:
        case()
    except Wrong as wrong:
        why = str(wrong)
    except BaseException:
        why = traceback.format_exc()
    os.write(told, why.encode()[-2000:] or b"\0")
    os._exit(0)


def run(case):
    """Why it has failed, if it has."""
    why, told = os.pipe()
    pid = os.fork()
    if not pid:
        os.setpgid(0, 0)
        work(case, told)
    os.close(told)
    poll = select.poll()
    poll.register(why, select.POLLIN)
    ended = poll.poll(CASE_LIMIT * 1000)
    text = os.read(why, 4000).decode() if ended else f"it did not end within {CASE_LIMIT} s"
    os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os.close(why)
    return text.strip("\0\n") if text else "it ended without a word"


def main():
    wanted = sys.argv[1:]
    known = [case.__name__ for case in CASES]
    if unknown := [name for name in wanted if name not in known]:
        print(f"there is no case '{unknown[0]}'; there are: {' '.join(known)}")
        return 2
    passed = failed = 0
    for case in CASES:
        if wanted and case.__name__ not in wanted:
            continue
        begin = time.monotonic()
        why = run(case)
        passed, failed = passed + (not why), failed + bool(why)
        print(f"not ok {case.__name__}: {why}" if why else f"ok {case.__name__} # {time.monotonic() - begin:.1f} s",
              flush=True)
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
