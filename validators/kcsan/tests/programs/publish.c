/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A thread fills boxes and publishes each by a pointer; another one reads what it finds there. The first argument says
 * how it is published, and the second one for how many milliseconds. Each box is filled once, so nothing races but what
 * may be delayed.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct box {
	long value;
	int kind;
};

enum { BOXES = 1 << 21 };

static struct box *boxes;
static _Atomic(struct box *) current;
static atomic_long version;
static atomic_int stop;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int is_locked;

static void relaxed(struct box *box)
{
	box->value = 7;
	atomic_store_explicit(&current, box, memory_order_relaxed);
}

/* A branch and two stores. */
static void branches(struct box *box)
{
	box->value = 7;
	if ((box - boxes) % 3)
		box->kind = 1;
	else
		box->kind = 2;
	atomic_store_explicit(&current, box, memory_order_relaxed);
}

/* The way out of the function does not come back. */
static void leaves(struct box *box)
{
	box->value = 7;
	if (box == boxes + 5) {
		atomic_fetch_add(&version, 1);
		return;
	}
	atomic_store_explicit(&current, box, memory_order_relaxed);
}

/* Another function is called on one of the ways, and it may order the store. */
static void may_lock(struct box *box)
{
	box->value = 7;
	if ((box - boxes) % 5)
		sched_yield();
	atomic_store_explicit(&current, box, memory_order_relaxed);
}

/* What orders the store of one turn comes before the publication of the next. */
static void next_turn(struct box *box)
{
	static int is_next;

	is_next = !is_next;
	if (is_next) {
		box->value = 7;
		pthread_mutex_lock(&mutex);
		pthread_mutex_unlock(&mutex);
		return;
	}
	atomic_store_explicit(&current, box - 1, memory_order_relaxed);
}

static void exchanges(struct box *box)
{
	box->value = 7;
	atomic_exchange_explicit(&current, box, memory_order_acquire);
}

static void release(struct box *box)
{
	box->value = 7;
	atomic_store_explicit(&current, box, memory_order_release);
}

static void fence(struct box *box)
{
	box->value = 7;
	atomic_thread_fence(memory_order_release);
	atomic_store_explicit(&current, box, memory_order_relaxed);
}

/* The version orders the store. */
static void other_release(struct box *box)
{
	box->value = 7;
	atomic_fetch_add_explicit(&version, 1, memory_order_release);
	atomic_store_explicit(&current, box, memory_order_relaxed);
}

/* The lock is in a library that is not instrumented. */
static void locked(struct box *box)
{
	box->value = 7;
	pthread_mutex_lock(&mutex);
	atomic_store_explicit(&current, box, memory_order_relaxed);
	pthread_mutex_unlock(&mutex);
}

static void locked_around(struct box *box)
{
	pthread_mutex_lock(&mutex);
	box->value = 7;
	atomic_store_explicit(&current, box, memory_order_relaxed);
	pthread_mutex_unlock(&mutex);
}

/* An instruction that the compiler does not know orders the store. */
static void assembler(struct box *box)
{
	box->value = 7;
	__asm__ volatile("lock; addl $0, (%%rsp)" ::: "memory", "cc");
	atomic_store_explicit(&current, box, memory_order_relaxed);
}

static const struct {
	const char *name;
	void (*publish)(struct box *);
	int is_locked;
} cases[] = {
	{ "relaxed", relaxed, 0 },
	{ "branches", branches, 0 },
	{ "leaves", leaves, 0 },
	{ "may-lock", may_lock, 0 },
	{ "next-turn", next_turn, 1 },
	{ "exchanges", exchanges, 0 },
	{ "release", release, 0 },
	{ "fence", fence, 0 },
	{ "other-release", other_release, 0 },
	{ "locked", locked, 1 },
	{ "locked-around", locked_around, 1 },
	{ "assembler", assembler, 0 },
};

static void *reads(void *unused)
{
	volatile long sum = 0;

	while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
		if (is_locked)
			pthread_mutex_lock(&mutex);
		atomic_load_explicit(&version, memory_order_acquire);
		struct box *box = atomic_load_explicit(&current, memory_order_acquire);
		if (box)
			sum += box->value + box->kind;
		if (is_locked)
			pthread_mutex_unlock(&mutex);
	}
	return unused;
}

static long ms_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - start->tv_sec) * 1000 + (now.tv_nsec - start->tv_nsec) / 1000000;
}

int main(int argc, char **argv)
{
	struct timespec start;
	pthread_t reader;

	if (argc < 3)
		return 2;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		if (strcmp(cases[i].name, argv[1]))
			continue;
		boxes = calloc(BOXES, sizeof(*boxes));
		is_locked = cases[i].is_locked;
		clock_gettime(CLOCK_MONOTONIC, &start);
		pthread_create(&reader, NULL, reads, NULL);
		for (long box = 0; box < BOXES && ms_since(&start) < atol(argv[2]); box++)
			cases[i].publish(&boxes[box]);
		atomic_store(&stop, 1);
		pthread_join(reader, NULL);
		free(boxes);
		return 0;
	}
	fprintf(stderr, "no case %s\n", argv[1]);
	return 2;
}
