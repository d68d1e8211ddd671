/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Where interrupts were last switched, as reports say it: the lines with a name in a comment. The argument names the
 * case. Linked with the libraries of registrations.c. */
#define _GNU_SOURCE
#include "lockdep.h"
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int jack_set_process_callback(void *, int (*)(uint32_t, void *), void *);

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static sem_t free_at_once;

__attribute__((noinline)) static void allocates(void)
{
	free(malloc(100));
}

static void *marks(void *unused)
{
	lockdep_hardirq_enter("process"); /* enters */
	allocates();
	lockdep_hardirq_exit(); /* leaves */
	lockdep_irqsave(); /* saves */
	allocates();
	lockdep_irqrestore(); /* restores */
	lockdep_irqsave(); /* saves again */
	allocates();
	lockdep_irq_enable(); /* enables */
	lockdep_hardirq_enter("process"); /* enters again */
	allocates();
	lockdep_hardirq_exit();
	return unused;
}

static void *waits(void *unused)
{
	struct sched_param priority = { .sched_priority = 1 };

	pthread_setschedparam(pthread_self(), SCHED_FIFO, &priority);
	poll(NULL, 0, 1); /* polls */
	allocates();
	sem_wait(&free_at_once); /* waits */
	allocates();
	sem_wait(&free_at_once);
	return unused;
}

static int on_jack(uint32_t frames, void *data)
{ /* is called */
	(void)data;
	allocates();
	return frames != 64;
}

/* Jumps to the function that takes the mutex, which returns to whoever has called this one. */
static int jumps(uint32_t frames, void *data)
{
	(void)frames;
	return pthread_mutex_lock(data);
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";
	pthread_t thread;

	sem_init(&free_at_once, 0, 100);
	if (!strcmp(word, "callback"))
		return jack_set_process_callback(NULL, on_jack, NULL);
	if (!strcmp(word, "jump"))
		return jack_set_process_callback(NULL, jumps, &mutex);
	if (pthread_create(&thread, NULL, strcmp(word, "marks") ? waits : marks, NULL))
		return 1;
	return pthread_join(thread, NULL);
}
