/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The model of seed2.rs in C, where the flags are bit-fields.
 *
 *   kcsan-cc -g -O1 -pthread -o seed2 validators/kcsan/examples/seed2.c
 *   ./seed2          # the bug
 *   ./seed2 fixed    # silent
 */
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

static struct {
	pthread_mutex_t owner_lock, check_lock;
	/* One word, two locks. */
	unsigned char locked : 1;
	unsigned char klocked : 1;
	unsigned char check_blocked : 1;
	/* The fix: a word for each. */
	bool own_locked, own_check_blocked;
} queue = {
	.owner_lock = PTHREAD_MUTEX_INITIALIZER,
	.check_lock = PTHREAD_MUTEX_INITIALIZER,
};

static bool fixed;
static struct timespec begin;

/* Locks the queue for its owner and unlocks it again. */
__attribute__((noinline)) static void control_queue(void)
{
	pthread_mutex_lock(&queue.owner_lock);
	if (fixed)
		queue.own_locked = !queue.own_locked;
	else
		queue.locked = !queue.locked;
	pthread_mutex_unlock(&queue.owner_lock);
}

/* Looks for due events, as the timer does. */
__attribute__((noinline)) static void check_queue(void)
{
	pthread_mutex_lock(&queue.check_lock);
	if (fixed)
		queue.own_check_blocked = !queue.own_check_blocked;
	else
		queue.check_blocked = !queue.check_blocked;
	pthread_mutex_unlock(&queue.check_lock);
}

/* Run for a second. */
static bool is_over(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - begin.tv_sec) * 1000000000LL + now.tv_nsec - begin.tv_nsec > 1000000000LL;
}

static void *owner(void *unused)
{
	while (!is_over())
		control_queue();
	return unused;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	fixed = argc > 1 && !strcmp(argv[1], "fixed");
	clock_gettime(CLOCK_MONOTONIC, &begin);
	if (pthread_create(&thread, NULL, owner, NULL))
		return 1;
	while (!is_over())
		check_queue();
	pthread_join(thread, NULL);
	return 0;
}
