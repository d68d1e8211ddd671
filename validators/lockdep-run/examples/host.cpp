/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A host that loads a plug-in and calls it from a real-time thread. It knows nothing of lockdep. */
#include <dlfcn.h>
#include <pthread.h>
#include <time.h>

#include <atomic>
#include <cstdio>
#include <thread>

#include "plugin.h"

static std::atomic<bool> done;

static void *audio(void *argument)
{
	auto plugin = static_cast<Plugin *>(argument);
	pthread_setname_np(pthread_self(), "audio");
	/* Without the right to it, the thread goes on as an ordinary one. */
	sched_param urgent = {};
	urgent.sched_priority = 50;
	pthread_setschedparam(pthread_self(), SCHED_FIFO, &urgent);
	float frames[512] = {};
	for (int block = 0; block < 200; block++) {
		timespec period = {0, 1000000};
		clock_nanosleep(CLOCK_MONOTONIC, 0, &period, nullptr);
		/* Blocks get longer, as with a host that renders. */
		plugin->process(frames, block < 100 ? 128 : 512);
	}
	done = true;
	return nullptr;
}

int main(int argc, char **argv)
{
	void *library = dlopen(argc > 1 ? argv[1] : "./plugin.so", RTLD_NOW);
	if (!library) {
		std::fprintf(stderr, "%s\n", dlerror());
		return 1;
	}
	auto make = reinterpret_cast<Plugin *(*)()>(dlsym(library, "make_plugin"));
	Plugin *plugin = make();
	pthread_t thread;
	pthread_create(&thread, nullptr, audio, plugin);
	for (float gain = 0; !done; gain += 0.01f) {
		plugin->set_gain(gain);
		std::this_thread::sleep_for(std::chrono::milliseconds(1));
	}
	pthread_join(thread, nullptr);
	delete plugin;
	return 0;
}
