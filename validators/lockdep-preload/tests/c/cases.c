/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The argument names a case. Each defect has a twin without the defect, whose name begins with "no-". */
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lockdep.h"

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static pthread_spinlock_t spin;

static void pair(pthread_mutex_t *first, pthread_mutex_t *second)
{
	pthread_mutex_lock(first);
	pthread_mutex_lock(second);
	pthread_mutex_unlock(second);
	pthread_mutex_unlock(first);
}

struct queue {
	pthread_mutex_t lock;
};

static struct queue *queue_new(void)
{
	struct queue *queue = malloc(sizeof(*queue));

	pthread_mutex_init(&queue->lock, NULL);
	return queue;
}

/* An audio thread of a program that knows nothing of lockdep. */
static void *audio(void *defect)
{
	pthread_setname_np(pthread_self(), "audio-cb");
	for (int turn = 0; turn < 3; turn++) {
		poll(NULL, 0, 1);
		if (!strcmp(defect, "malloc-between-waits"))
			free(malloc(100));
		if (!strcmp(defect, "mutex-between-waits"))
			pair(&a, &b);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";
	const int is_clean = !strncmp(word, "no-", 3);
	const char *which = is_clean ? word + 3 : word;
	char byte = 0;

	pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE);
	if (!strcmp(which, "inversion")) {
		pair(&a, &b);
		pair(is_clean ? &a : &b, is_clean ? &b : &a);
	} else if (!strcmp(which, "recursion")) {
		struct queue *one = queue_new(), *two = queue_new();

		if (is_clean)
			pair(&one->lock, &a);
		else
			pair(&one->lock, &two->lock);
		pthread_mutex_destroy(&one->lock);
		pthread_mutex_destroy(&two->lock);
		free(one);
		free(two);
	} else if (!strcmp(which, "balance")) {
		pthread_mutex_lock(&a);
		pthread_mutex_unlock(&a);
		if (!is_clean)
			pthread_mutex_unlock(&a);
	} else if (!strcmp(which, "freed")) {
		struct queue *queue = queue_new();

		pthread_mutex_lock(&queue->lock);
		if (is_clean)
			pthread_mutex_unlock(&queue->lock);
		free(queue);
	} else if (!strcmp(which, "sleep")) {
		LOCKDEP(lockdep_hardirq_enter("callback"));
		if (!is_clean && read(-1, &byte, 1) == 0)
			return 1;
		LOCKDEP(lockdep_hardirq_exit());
	} else if (!strcmp(which, "malloc")) {
		LOCKDEP(lockdep_hardirq_enter("callback"));
		if (!is_clean)
			free(malloc(100));
		LOCKDEP(lockdep_hardirq_exit());
	} else if (!strcmp(which, "wait-context")) {
		pthread_spin_lock(&spin);
		if (!is_clean)
			pthread_mutex_lock(&a), pthread_mutex_unlock(&a);
		pthread_spin_unlock(&spin);
	} else if (!strcmp(which, "inconsistent")) {
		LOCKDEP(lockdep_hardirq_enter("callback"));
		pthread_spin_lock(&spin);
		pthread_spin_unlock(&spin);
		LOCKDEP(lockdep_hardirq_exit());
		if (is_clean)
			LOCKDEP(lockdep_irqsave());
		pthread_spin_lock(&spin);
		pthread_spin_unlock(&spin);
		if (is_clean)
			LOCKDEP(lockdep_irqrestore());
	} else if (!strcmp(which, "leaving")) {
		LOCKDEP(lockdep_task_enter("request"));
		pthread_mutex_lock(&a);
		if (is_clean)
			pthread_mutex_unlock(&a);
		LOCKDEP(lockdep_task_exit());
	} else if (!strcmp(which, "recursive-mutex")) {
		pthread_mutexattr_t attributes;
		pthread_mutex_t mutex;

		pthread_mutexattr_init(&attributes);
		pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
		pthread_mutex_init(&mutex, &attributes);
		pair(&mutex, &mutex);
	} else {
		pthread_t thread;

		if (pthread_create(&thread, NULL, audio, (void *)word))
			return 1;
		return pthread_join(thread, NULL);
	}
	return 0;
}
