/* SPDX-License-Identifier: MIT OR Apache-2.0 */
// A small host: it loads a plug-in and runs it in a real-time thread. It knows nothing of lockdep.
//
// The first argument is the plug-in. The second one says how the thread becomes a real-time one: "self" (by itself),
// "attributes" (of pthread_create), "other" (the main thread changes it), "inherited" (from its creator), or "never".
#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <time.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <string>

using Process = void (*)(int turn);
using Count = int (*)();

static Process process;
static std::string how;
static std::atomic<bool> is_ready;
static int turns;

static void make_real_time(pthread_t thread)
{
	sched_param priority {};
	priority.sched_priority = 10;
	pthread_setschedparam(thread, SCHED_FIFO, &priority);
}

static void *run(void *)
{
	if (how == "self")
		make_real_time(pthread_self());
	while (!is_ready)
		sched_yield();
	timespec next;
	clock_gettime(CLOCK_MONOTONIC, &next);
	for (int turn = 0; turn < turns; turn++) {
		next.tv_nsec += 2000000;
		if (next.tv_nsec >= 1000000000) {
			next.tv_nsec -= 1000000000;
			next.tv_sec++;
		}
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, nullptr);
		process(turn);
	}
	return nullptr;
}

static pthread_t start(bool is_real_time)
{
	pthread_t thread;
	pthread_attr_t attributes;
	sched_param priority {};

	pthread_attr_init(&attributes);
	if (is_real_time) {
		priority.sched_priority = 10;
		pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED);
		pthread_attr_setschedpolicy(&attributes, SCHED_FIFO);
		pthread_attr_setschedparam(&attributes, &priority);
	}
	if (pthread_create(&thread, &attributes, run, nullptr))
		pthread_create(&thread, nullptr, run, nullptr); // without the right
	return thread;
}

static void *creator(void *)
{
	make_real_time(pthread_self());
	pthread_t threads[2];
	for (pthread_t &thread : threads)
		pthread_create(&thread, nullptr, run, nullptr);
	for (pthread_t thread : threads)
		pthread_join(thread, nullptr);
	return nullptr;
}

int main(int argc, char **argv)
{
	void *plugin = argc > 2 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND) : nullptr;
	if (!plugin) {
		std::fprintf(stderr, "no plug-in: %s\n", argc > 2 ? dlerror() : "no name");
		return 1;
	}
	how = argv[2];
	process = reinterpret_cast<Process>(dlsym(plugin, "process"));
	turns = reinterpret_cast<Count>(dlsym(plugin, "turns"))();
	pthread_t thread;
	if (how == "inherited") {
		is_ready = true;
		pthread_create(&thread, nullptr, creator, nullptr);
	} else {
		thread = start(how == "attributes");
		if (how == "other")
			make_real_time(thread);
		is_ready = true;
	}
	pthread_join(thread, nullptr);
	std::puts("done");
	return 0;
}
