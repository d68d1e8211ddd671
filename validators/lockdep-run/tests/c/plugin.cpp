/* SPDX-License-Identifier: MIT OR Apache-2.0 */
// A plug-in that makes another mistake in each turn. Built with -DCLEAN it makes none.
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <chrono>
#include <condition_variable>
#include <fstream>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

static std::mutex mutex;
static std::shared_mutex shared;
static std::condition_variable condition;
static std::vector<int> events;
static std::string text;
static volatile void *keep;
static float gain = 1;

#define MISTAKE extern "C" __attribute__((noinline)) void

MISTAKE new_object() { keep = new float[64]; }
MISTAKE delete_object() { delete[] static_cast<float *>(const_cast<void *>(keep)); }
MISTAKE grow_vector() { events.resize(events.size() + 100); }
MISTAKE grow_string() { text.append(100, 'x'); }
MISTAKE aligned_memory() { keep = std::aligned_alloc(64, 640); }
MISTAKE lock_mutex() { std::lock_guard guard(mutex); }
MISTAKE lock_shared() { std::shared_lock guard(shared); }
MISTAKE wait_condition()
{
	static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
	static pthread_mutex_t own = PTHREAD_MUTEX_INITIALIZER;
	timespec past { 1, 0 };
	pthread_mutex_lock(&own);
	pthread_cond_timedwait(&never, &own, &past);
	pthread_mutex_unlock(&own);
}
MISTAKE wait_semaphore()
{
	sem_t one;
	sem_init(&one, 0, 1);
	sem_wait(&one);
}
MISTAKE sleep_for() { std::this_thread::sleep_for(std::chrono::microseconds(10)); }
MISTAKE sleep_short() { usleep(1); }
MISTAKE wait_poll() { poll(nullptr, 0, 1); }
MISTAKE print() { std::printf("gain %f\n", static_cast<double>(gain)); }
MISTAKE open_file() { close(open("/dev/null", O_RDONLY)); }
MISTAKE write_stream() { std::ofstream("/dev/null") << "x" << std::flush; }
MISTAKE write_file()
{
	static const int file = open("/dev/null", O_WRONLY);
	if (write(file, "x", 1) < 0)
		std::abort();
}
MISTAKE control() { int size; ioctl(1, FIONREAD, &size); }
MISTAKE map_memory() { munmap(mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 4096); }
MISTAKE make_thread() { std::thread([] {}).join(); }
MISTAKE throw_error()
{
	try {
		throw std::runtime_error("x");
	} catch (const std::exception &) {
	}
}
MISTAKE load_library() { dlopen("libm.so.6", RTLD_NOW | RTLD_NOLOAD); }
MISTAKE send_message() { send(-1, "x", 1, 0); }

using Mistake = void (*)();

static const Mistake mistakes[] = {
#ifndef CLEAN
	new_object, delete_object, grow_vector, grow_string, aligned_memory, lock_mutex, lock_shared, wait_condition,
	wait_semaphore, sleep_for, sleep_short, wait_poll, print, open_file, write_stream, write_file, control,
	map_memory, make_thread, throw_error, load_library, send_message,
#endif
	[] { gain *= 0.5f; },
};

// RealtimeSanitizer checks what is marked.
#ifdef MARKED
#define REAL_TIME [[clang::nonblocking]]
#else
#define REAL_TIME
#endif

extern "C" int turns() { return 3 * std::size(mistakes); }

// What is allowed: clocks, arithmetic, calls that do not wait.
extern "C" void process(int turn) REAL_TIME
{
	char byte;
	timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	poll(nullptr, 0, 0);
	recv(-1, &byte, 1, MSG_DONTWAIT);
	mistakes[turn % std::size(mistakes)]();
}
