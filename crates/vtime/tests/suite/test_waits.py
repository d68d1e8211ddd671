"""A test suite as programs have them, that sleeps for 60 s."""

import asyncio
import subprocess
import sys
import threading
import time
import unittest


class Sleeps(unittest.TestCase):
    def setUp(self):
        self.began = time.monotonic()

    def assert_passed(self, seconds, rounding=0.002):
        """asyncio and subprocess compute in floating-point seconds, and round up to milliseconds."""
        passed = time.monotonic() - self.began
        self.assertGreaterEqual(passed, seconds - 1e-6)
        self.assertLessEqual(passed, seconds + rounding)

    def test_sleep(self):
        for _ in range(10):
            time.sleep(1.5)
        self.assert_passed(15, 1e-6)

    def test_event_times_out(self):
        self.assertFalse(threading.Event().wait(10))
        self.assert_passed(10, 1e-6)

    def test_event_is_set_by_a_thread(self):
        event = threading.Event()
        threading.Timer(5, event.set).start()
        self.assertTrue(event.wait(30))
        self.assert_passed(5, 1e-6)

    def test_asyncio(self):
        async def work():
            await asyncio.gather(*(asyncio.sleep(i) for i in range(1, 11)))
            with self.assertRaises(asyncio.TimeoutError):
                await asyncio.wait_for(asyncio.Event().wait(), 5)

        asyncio.run(work())
        self.assert_passed(15)

    def test_subprocess(self):
        subprocess.run([sys.executable, "-c", "import time; time.sleep(10)"], check=True)
        self.assert_passed(10, 0.1)

    def test_subprocess_times_out(self):
        with self.assertRaises(subprocess.TimeoutExpired):
            subprocess.run(["sleep", "100"], timeout=5)
        self.assert_passed(5, 0.1)
