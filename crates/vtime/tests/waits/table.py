"""The rows of programs in Python: its own calls for waiting. See c/table.h for the form of a row."""

import asyncio
import concurrent.futures
import multiprocessing
import os
import queue
import select
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time

LONG, EARLY = 0.120, 0.040
calls = 0


def row(name, began, result, errno="-", left="-"):
    print(name, result, errno, left, calls, time.monotonic_ns() - began, flush=True)


def later(act, after=EARLY):
    """Does something in another thread after a while."""

    def run():
        time.sleep(after)
        act()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def wait_row(name, wait, act=None):
    thread = later(act) if act else None
    began = time.monotonic_ns()
    try:
        result = wait()
    except (TimeoutError, queue.Empty, subprocess.TimeoutExpired, OSError, ValueError) as error:
        result = type(error).__name__
    row(name, began, result)
    if thread:
        thread.join()


def on_signal(_number, _frame):
    global calls
    calls += 1


def signals_row(name, wait):
    """A handler runs in the middle of the wait, which Python then goes on with."""
    global calls
    signal.signal(signal.SIGALRM, on_signal)
    signal.setitimer(signal.ITIMER_REAL, EARLY)
    calls = 0
    began = time.monotonic_ns()
    row(name, began, wait())
    calls = 0


def sleeping():
    wait_row("sleep/time-out", lambda: time.sleep(LONG))
    wait_row("sleep/zero", lambda: time.sleep(0))
    wait_row("sleep/negative", lambda: time.sleep(-LONG))
    signals_row("sleep/handler", lambda: time.sleep(LONG))


def locks():
    event, lock, condition = threading.Event(), threading.Lock(), threading.Condition()
    wait_row("Event/time-out", lambda: event.wait(LONG))
    wait_row("Event/zero", lambda: event.wait(0))
    wait_row("Event/negative", lambda: event.wait(-LONG))
    signals_row("Event/handler", lambda: event.wait(LONG))
    wait_row("Event/woken", lambda: event.wait(LONG), event.set)
    lock.acquire()
    wait_row("Lock/time-out", lambda: lock.acquire(timeout=LONG))
    wait_row("Lock/negative", lambda: lock.acquire(timeout=-LONG))
    wait_row("Lock/woken", lambda: lock.acquire(timeout=LONG), lock.release)
    with condition:
        wait_row("Condition/time-out", lambda: condition.wait(LONG))

        def notify():
            with condition:
                condition.notify()

        wait_row("Condition/woken", lambda: condition.wait(LONG), notify)
    semaphore, full = threading.Semaphore(0), queue.Queue()
    wait_row("Semaphore/time-out", lambda: semaphore.acquire(timeout=LONG))
    wait_row("Queue/time-out", lambda: full.get(timeout=LONG))
    wait_row("Queue/woken", lambda: full.get(timeout=LONG), lambda: full.put(7))
    with concurrent.futures.ThreadPoolExecutor() as pool:
        future = pool.submit(time.sleep, LONG)
        wait_row("Future/time-out", lambda: future.result(timeout=EARLY))
        wait_row("Future/woken", lambda: future.result(timeout=LONG))
    timer_fired = threading.Event()
    threading.Timer(LONG, timer_fired.set).start()
    wait_row("Timer/time-out", lambda: timer_fired.wait())


def descriptors():
    ends = os.pipe()

    def wake():
        os.write(ends[1], b"x")

    wait_row("select/time-out", lambda: len(select.select([ends[0]], [], [], LONG)[0]))
    wait_row("select/zero", lambda: len(select.select([ends[0]], [], [], 0)[0]))
    wait_row("select/negative", lambda: len(select.select([ends[0]], [], [], -LONG)[0]))
    signals_row("select/handler", lambda: len(select.select([ends[0]], [], [], LONG)[0]))
    wait_row("select/woken", lambda: len(select.select([ends[0]], [], [], LONG)[0]), wake)
    os.read(ends[0], 1)
    poller = select.poll()
    poller.register(ends[0], select.POLLIN)
    wait_row("poll/time-out", lambda: len(poller.poll(LONG * 1000)))
    wait_row("poll/woken", lambda: len(poller.poll(LONG * 1000)), wake)
    os.read(ends[0], 1)
    signals_row("poll/handler", lambda: len(poller.poll(LONG * 1000)))
    epoll = select.epoll()
    epoll.register(ends[0], select.EPOLLIN)
    wait_row("epoll/time-out", lambda: len(epoll.poll(LONG)))
    signals_row("epoll/handler", lambda: len(epoll.poll(LONG)))
    selector = selectors.DefaultSelector()
    selector.register(ends[0], selectors.EVENT_READ)
    wait_row("selectors/time-out", lambda: len(selector.select(LONG)))
    ours, theirs = socket.socketpair()
    ours.settimeout(LONG)
    wait_row("settimeout/time-out", lambda: ours.recv(1))
    wait_row("settimeout/woken", lambda: len(ours.recv(1)), lambda: theirs.send(b"x"))


def waiting_for_signals():
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    wait_row("sigtimedwait/time-out", lambda: signal.sigtimedwait([signal.SIGUSR1], LONG))
    wait_row("sigtimedwait/zero", lambda: signal.sigtimedwait([signal.SIGUSR1], 0))
    wait_row("sigtimedwait/negative", lambda: signal.sigtimedwait([signal.SIGUSR1], -LONG))
    wait_row(
        "sigtimedwait/woken",
        lambda: int(signal.sigtimedwait([signal.SIGUSR1], LONG).si_signo),
        lambda: os.kill(os.getpid(), signal.SIGUSR1),
    )
    signals_row("sigtimedwait/handler", lambda: signal.sigtimedwait([signal.SIGUSR1], LONG))
    signal.setitimer(signal.ITIMER_REAL, LONG)
    wait_row("setitimer/pause", lambda: signal.pause())
    signal.alarm(1)
    wait_row("alarm/pause", lambda: signal.pause())


async def tasks():
    began = time.monotonic_ns()
    await asyncio.sleep(LONG)
    row("asyncio.sleep/time-out", began, 0)
    began = time.monotonic_ns()
    try:
        await asyncio.wait_for(asyncio.Event().wait(), LONG)
    except (TimeoutError, asyncio.TimeoutError):
        row("asyncio.wait_for/time-out", began, "TimeoutError")
    order = []

    async def one(number):
        await asyncio.sleep((8 - number) * EARLY)
        order.append(str(number))

    began = time.monotonic_ns()
    await asyncio.gather(*(one(number) for number in range(8)))
    row("asyncio.gather/order", began, "".join(order))


def processes():
    began = time.monotonic_ns()
    subprocess.run(["sleep", str(LONG)], check=True)
    row("subprocess/sleep", began, 0)
    child = subprocess.Popen(["sleep", "5"], stdout=subprocess.PIPE)
    wait_row("communicate/time-out", lambda: child.communicate(timeout=LONG))
    child.kill()
    child.communicate()
    events = multiprocessing.get_context("fork").Event()
    wait_row("multiprocessing/time-out", lambda: events.wait(LONG))


def main():
    # Imports read clocks thousands of times, which virtual time takes for a loop that waits, until the next wait.
    time.sleep(0.001)
    sleeping()
    locks()
    descriptors()
    waiting_for_signals()
    asyncio.run(tasks())
    processes()


sys.exit(main())
