/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A program that loads plug-ins. Built with -DPLUGIN, the plug-in; its destructor waits for a thread that has not yet
 * called what it calls then. Built with -DTLS, one of many libraries with thread-local variables.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#if defined(TLS)
__thread char bytes[100];
char *touch(void)
{
	bytes[0]++;
	return bytes;
}
#elif defined(PLUGIN)
static pthread_t thread;
static sem_t go;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_spinlock_t spin;

static void *run(void *unused)
{
	struct timespec soon = { 0, 1 };

	while (sem_wait(&go))
		;
	/* First calls of their kind, while the other thread is in dlclose. */
	free(realloc(malloc(10), 10000));
	pthread_rwlock_rdlock(&rwlock);
	pthread_rwlock_unlock(&rwlock);
	pthread_spin_init(&spin, 0);
	pthread_spin_lock(&spin);
	usleep(1); /* a report */
	pthread_spin_unlock(&spin);
	pthread_mutex_timedlock(&mutex, &soon);
	pthread_mutex_unlock(&mutex);
	clock_nanosleep(CLOCK_MONOTONIC, 0, &soon, NULL);
	return unused;
}

__attribute__((constructor)) static void begin(void)
{
	sem_init(&go, 0, 0);
	pthread_create(&thread, NULL, run, NULL);
}

__attribute__((destructor)) static void end(void)
{
	sem_post(&go);
	pthread_join(thread, NULL);
}
#else
static sem_t go;

static void *alloc(void *unused)
{
	while (sem_wait(&go))
		;
	for (int i = 0; i < 100; i++)
		free(malloc(i * 100));
	return unused;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	/* The arguments are libraries; this thread is older than each of them. */
	sem_init(&go, 0, 0);
	if (pthread_create(&thread, NULL, alloc, NULL))
		return 1;
	for (int i = 1; i < argc; i++) {
		void *library = dlopen(argv[i], RTLD_NOW);
		char *(*touch)(void);

		if (!library)
			return fprintf(stderr, "%s\n", dlerror()), 1;
		touch = (char *(*)(void))dlsym(library, "touch");
		if (touch)
			touch();
		else
			dlclose(library);
	}
	sem_post(&go);
	pthread_join(thread, NULL);
	puts("done");
	return 0;
}
#endif
