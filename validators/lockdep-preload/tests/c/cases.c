/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The argument names a case. Each defect has a twin without the defect, whose name begins with "no-". */
#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lockdep.h"

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static pthread_spinlock_t spin;

static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;

static void pair(pthread_mutex_t *first, pthread_mutex_t *second)
{
	pthread_mutex_lock(first);
	pthread_mutex_lock(second);
	pthread_mutex_unlock(second);
	pthread_mutex_unlock(first);
}

struct queue {
	pthread_mutex_t lock;
	int length;
};

static struct queue *queue_new(void)
{
	struct queue *queue = malloc(sizeof(*queue));

	pthread_mutex_init(&queue->lock, NULL);
	return queue;
}

/* A wrapper that initialises locks which do not belong together, as portable programs have one. */
static void my_init(pthread_mutex_t *mutex)
{
	pthread_mutex_init(mutex, NULL);
}

static struct queue *node_new(void)
{
	struct queue *node = malloc(sizeof(*node));

	my_init(&node->lock);
	return node;
}

static void *keep(void *lock)
{
	pthread_mutex_lock(lock);
	return NULL;
}

/* Returns a mutex with a type and robustness. */
static pthread_mutex_t *mutex_of(int type, int robust)
{
	pthread_mutex_t *mutex = malloc(sizeof(*mutex));
	pthread_mutexattr_t attributes;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_settype(&attributes, type);
	pthread_mutexattr_setrobust(&attributes, robust);
	pthread_mutex_init(mutex, &attributes);
	return mutex;
}

/* A thread ends with a robust lock, and another one takes it over, by this call. */
static void orphaned(int (*take)(pthread_mutex_t *), int is_consistent)
{
	pthread_mutex_t *mutex = mutex_of(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST);
	pthread_t thread;

	pthread_create(&thread, NULL, keep, mutex);
	pthread_join(thread, NULL);
	if (take(mutex) != EOWNERDEAD)
		abort();
	if (is_consistent)
		pthread_mutex_consistent(mutex);
	pthread_mutex_unlock(mutex);
	if (is_consistent)
		pair(mutex, &a);
	else if (take(mutex) != ENOTRECOVERABLE)
		abort();
}

static int take_until(pthread_mutex_t *mutex)
{
	struct timespec soon;

	clock_gettime(CLOCK_REALTIME, &soon);
	soon.tv_sec += 60;
	return pthread_mutex_timedlock(mutex, &soon);
}

static void cleans_up(void *mutex)
{
	pthread_mutex_unlock(mutex);
}

/* Waits until it is cancelled: the cleanup handler has the lock. */
static void *is_cancelled(void *ready)
{
	pthread_mutex_lock(&a);
	pthread_cleanup_push(cleans_up, &a);
	*(volatile int *)ready = 1;
	for (;;)
		pthread_cond_wait(&condition, &a);
	pthread_cleanup_pop(1);
	return NULL;
}

static void on_signal(int number)
{
	(void)number;
	free(malloc(10));
}

static void on_clean_signal(int number)
{
	if (write(-1, &number, 1) == 0)
		abort();
}

static volatile int is_signalled;

static void *signals(void *unused)
{
	pthread_mutex_lock(&b);
	is_signalled = 1;
	pthread_cond_broadcast(&condition);
	pthread_mutex_unlock(&b);
	return unused;
}

/* Keeps a lock until the other thread has tried to destroy it. */
static void *holds(void *mutex)
{
	pthread_mutex_lock(mutex);
	is_signalled = 1;
	while (is_signalled)
		usleep(100);
	pthread_mutex_unlock(mutex);
	return NULL;
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

static void *asks(void *unused)
{
	struct sched_param priority = { .sched_priority = 1 };

	/* The request counts, also if it is refused. */
	pthread_setschedparam(pthread_self(), SCHED_FIFO, &priority);
	return unused;
}

/* Waits at a place of its own for each depth. */
__attribute__((noinline)) static int waits_deep(int depth)
{
	if (depth == 0)
		return poll(NULL, 0, 1);
	return waits_deep(depth - 1) + 1;
}

static void *waits_at_many_places(void *unused)
{
	size_t before;

	asks(NULL);
	waits_deep(0);
	before = mallinfo2().uordblks;
	for (int depth = 0; depth < 1000; depth++)
		waits_deep(depth);
	/* Each place would take 150 bytes at least. */
	return mallinfo2().uordblks > before + 100000 ? (void *)1 : unused;
}

static void *asks_and_plays(void *defect)
{
	asks(NULL);
	return audio(defect);
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
	} else if (!strcmp(which, "written-again")) {
		/* The library refuses a writer that has the lock, and readers may read twice. */
		static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;

		if (is_clean) {
			pthread_rwlock_rdlock(&lock);
			if (pthread_rwlock_rdlock(&lock))
				abort();
			pthread_rwlock_unlock(&lock);
		} else {
			pthread_rwlock_wrlock(&lock);
			if (pthread_rwlock_wrlock(&lock) != EDEADLK || pthread_rwlock_rdlock(&lock) != EDEADLK)
				abort();
		}
		pthread_rwlock_unlock(&lock);
		pthread_rwlock_wrlock(&lock);
		pthread_rwlock_unlock(&lock);
	} else if (!strcmp(which, "read-again")) {
		/* A writer may come in between, and of this kind of locks the second read waits for it. */
		pthread_rwlockattr_t attributes;
		pthread_rwlock_t lock;

		pthread_rwlockattr_init(&attributes);
		pthread_rwlockattr_setkind_np(&attributes, is_clean ? PTHREAD_RWLOCK_PREFER_WRITER_NP
								    : PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
		pthread_rwlock_init(&lock, &attributes);
		pthread_rwlock_rdlock(&lock);
		pthread_rwlock_rdlock(&lock);
		pthread_rwlock_unlock(&lock);
		pthread_rwlock_unlock(&lock);
		pthread_rwlock_destroy(&lock);
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
	} else if (!strcmp(which, "wrapped")) {
		/* Two locks of one line are nested; the wrapper alone is no reason. */
		struct queue *one = node_new(), *two = NULL;
		static pthread_mutex_t other;

		my_init(&other);
		pair(&one->lock, &other);
		for (int i = 0; !is_clean && i < argc; i++) {
			struct queue *next = node_new();

			if (two)
				for (int twice = 0; twice < 2; twice++)
					pair(&two->lock, &next->lock);
			two = next;
		}
	} else if (!strcmp(which, "exit")) {
		pthread_t thread;

		pthread_create(&thread, NULL, is_clean ? signals : keep, &a);
		pthread_join(thread, NULL);
	} else if (!strcmp(which, "destroyed")) {
		struct queue *queue = queue_new();

		pthread_mutex_destroy(&queue->lock);
		if (is_clean)
			pthread_mutex_init(&queue->lock, NULL);
		pthread_mutex_lock(&queue->lock);
	} else if (!strcmp(which, "signal")) {
		struct sigaction action = { .sa_handler = is_clean ? on_clean_signal : on_signal };

		sigaction(SIGUSR1, &action, NULL);
		raise(SIGUSR1);
	} else if (!strcmp(which, "waiting")) {
		pthread_t thread;

		if (!is_clean)
			pthread_mutex_lock(&a);
		pthread_mutex_lock(&b);
		pthread_create(&thread, NULL, signals, NULL);
		while (!is_signalled)
			pthread_cond_wait(&condition, &b);
		pthread_mutex_unlock(&b);
		if (!is_clean)
			pthread_mutex_unlock(&a);
		pthread_join(thread, NULL);
	} else if (!strcmp(which, "fork")) {
		if (!is_clean)
			pthread_mutex_lock(&a);
		if (fork() == 0)
			_exit(0);
		wait(NULL);
		if (!is_clean)
			pthread_mutex_unlock(&a);
	} else if (!strcmp(which, "trylock")) {
		pair(&a, &b);
		LOCKDEP(lockdep_hardirq_enter("callback"));
		if (!is_clean && !pthread_mutex_trylock(&a))
			pthread_mutex_unlock(&a);
		LOCKDEP(lockdep_hardirq_exit());
	} else if (!strcmp(which, "stdio")) {
		if (!is_clean)
			pthread_spin_lock(&spin);
		printf("%d\n", is_clean);
		if (!is_clean)
			pthread_spin_unlock(&spin);
	} else if (!strcmp(which, "timed")) {
		/* All of these take a lock, and all unlocks are balanced. */
		struct timespec soon;
		pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;

		clock_gettime(CLOCK_REALTIME, &soon);
		soon.tv_sec++;
		if (!pthread_mutex_clocklock(&a, CLOCK_REALTIME, &soon))
			pthread_mutex_unlock(&a);
		if (!pthread_mutex_timedlock(&a, &soon))
			pthread_mutex_unlock(&a);
		if (!pthread_rwlock_timedrdlock(&rwlock, &soon))
			pthread_rwlock_unlock(&rwlock);
		if (!pthread_rwlock_clockwrlock(&rwlock, CLOCK_REALTIME, &soon))
			pthread_rwlock_unlock(&rwlock);
		pthread_mutex_lock(&a);
		soon.tv_sec--;
		pthread_cond_clockwait(&condition, &a, CLOCK_REALTIME, &soon);
		pthread_mutex_unlock(&a);
		if (!is_clean)
			pthread_mutex_unlock(&a);
	} else if (!strcmp(which, "robust")) {
		orphaned(pthread_mutex_trylock, 1);
		orphaned(pthread_mutex_lock, 1);
		orphaned(pthread_mutex_lock, 0);
		orphaned(take_until, 1);
	} else if (!strcmp(which, "refused")) {
		/* Calls that fail take nothing, and release or destroy nothing. */
		pthread_mutex_t *mutex = mutex_of(PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_STALLED);

		pthread_mutex_lock(mutex);
		if (pthread_mutex_lock(mutex) != EDEADLK)
			abort();
		pthread_mutex_unlock(mutex);
		if (!is_clean)
			pthread_mutex_unlock(mutex);
		pair(mutex, &a);
		free(mutex);
	} else if (!strcmp(which, "cancelled")) {
		volatile int ready = 0;
		pthread_t thread;

		pthread_create(&thread, NULL, is_cancelled, (void *)&ready);
		while (!ready)
			usleep(100);
		/* The waiting thread has released it. */
		pthread_mutex_lock(&a);
		pthread_mutex_unlock(&a);
		pthread_cancel(thread);
		pthread_join(thread, NULL);
		if (!is_clean)
			pthread_mutex_unlock(&a);
	} else if (!strcmp(which, "busy")) {
		/* A lock that another thread holds is not destroyed, whoever tries. */
		pthread_t thread;
		pthread_mutex_t *mutex = mutex_of(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED);

		pthread_create(&thread, NULL, holds, mutex);
		while (!is_signalled)
			usleep(100);
		if (pthread_mutex_destroy(mutex) != EBUSY)
			abort();
		is_signalled = 0;
		pthread_join(thread, NULL);
		if (!is_clean)
			pthread_mutex_destroy(mutex);
		pair(mutex, &a);
	} else if (!strcmp(which, "after-real-time")) {
		/* The second thread gets the number of the first, which was a real-time thread. */
		pthread_t first, second;

		pthread_create(&first, NULL, asks, NULL);
		pthread_join(first, NULL);
		pthread_create(&second, NULL, is_clean ? audio : asks_and_plays, "malloc-between-waits");
		pthread_join(second, NULL);
		return second != first;
	} else if (!strcmp(which, "places")) {
		pthread_t thread;
		void *result;

		pthread_create(&thread, NULL, waits_at_many_places, NULL);
		pthread_join(thread, &result);
		return result != NULL;
	} else if (!strcmp(which, "sections")) {
		size_t before = 0;

		for (int round = 0; round < 10000; round++) {
			char name[8] = "process";

			LOCKDEP(lockdep_hardirq_enter(name));
			LOCKDEP(lockdep_hardirq_exit());
			if (round == 0)
				before = mallinfo2().uordblks;
		}
		/* Each round would take 16 bytes at least. */
		return mallinfo2().uordblks > before + 10000;
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
