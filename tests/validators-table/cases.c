/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The same defects with pthreads, for tools that look at C programs. */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t c = PTHREAD_MUTEX_INITIALIZER;
static pthread_spinlock_t spin, other;

static void pair(pthread_mutex_t *first, pthread_mutex_t *second)
{
	pthread_mutex_lock(first);
	pthread_mutex_lock(second);
	pthread_mutex_unlock(second);
	pthread_mutex_unlock(first);
}

static void once(pthread_spinlock_t *lock)
{
	pthread_spin_lock(lock);
	pthread_spin_unlock(lock);
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";

	pthread_spin_init(&spin, 0);
	pthread_spin_init(&other, 0);
	if (!strcmp(word, "inversion")) {
		pair(&a, &b);
		pair(&b, &a);
	} else if (!strcmp(word, "inversion-of-classes")) {
		pthread_mutex_t pairs[2][2];

		for (int i = 0; i < 2; i++)
			for (int j = 0; j < 2; j++)
				pthread_mutex_init(&pairs[i][j], NULL);
		pair(&pairs[0][0], &pairs[0][1]);
		pair(&pairs[1][1], &pairs[1][0]);
	} else if (!strcmp(word, "chain-of-three")) {
		pair(&a, &b);
		pair(&b, &c);
		pair(&c, &a);
	} else if (!strcmp(word, "recursion-of-a-class") || !strcmp(word, "two-processes-1")) {
		pair(&a, &b);
	} else if (!strcmp(word, "two-processes-2")) {
		pair(&b, &a);
	} else if (!strcmp(word, "inconsistent")) {
		once(&spin);
		once(&spin);
	} else if (!strcmp(word, "safe-to-unsafe")) {
		once(&spin);
		once(&other);
		pthread_spin_lock(&spin);
		once(&other);
		pthread_spin_unlock(&spin);
	} else if (!strcmp(word, "mutex-in-spin-lock")) {
		pthread_spin_lock(&spin);
		pthread_mutex_lock(&a);
		pthread_mutex_unlock(&a);
		pthread_spin_unlock(&spin);
	} else if (!strcmp(word, "free-mutex-in-callback")) {
		pthread_mutex_lock(&a);
		pthread_mutex_unlock(&a);
	} else if (!strcmp(word, "allocation-in-callback")) {
		free(malloc(100));
	} else if (!strcmp(word, "system-call-in-callback")) {
		sched_yield();
	} else if (!strcmp(word, "unlock-not-held")) {
		pthread_mutex_unlock(&a);
	} else if (!strcmp(word, "held-lock-freed")) {
		pthread_mutex_t *lock = malloc(sizeof(*lock));

		pthread_mutex_init(lock, NULL);
		pthread_mutex_lock(lock);
		pthread_mutex_destroy(lock);
		free(lock);
	} else if (!strcmp(word, "callback-keeps-lock")) {
		pthread_spin_lock(&spin);
	}
	return 0;
}
