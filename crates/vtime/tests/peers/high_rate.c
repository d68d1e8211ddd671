/* Two threads that hand over 3,000 times, each time after a sleep of 10 ms: 30 s. */
#include <pthread.h>
#include <stdio.h>
#include <time.h>

enum { TURNS = 3000 };
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static int turns;

static long long now(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void *giver(void *nothing)
{
	for (int i = 0; i < TURNS; i++) {
		nanosleep(&(struct timespec){0, 10000000}, NULL);
		pthread_mutex_lock(&mutex);
		turns++;
		pthread_cond_signal(&condition);
		pthread_mutex_unlock(&mutex);
	}
	return nothing;
}

int main(void)
{
	pthread_t thread;
	long long began = now(CLOCK_MONOTONIC);
	pthread_create(&thread, NULL, giver, NULL);
	pthread_mutex_lock(&mutex);
	while (turns < TURNS) {
		/* At most a second: the other thread is quicker. */
		long long limit = now(CLOCK_REALTIME) + 1000000000LL;
		struct timespec t = {limit / 1000000000, limit % 1000000000};
		pthread_cond_timedwait(&condition, &mutex, &t);
	}
	pthread_mutex_unlock(&mutex);
	printf("%lld\n", now(CLOCK_MONOTONIC) - began);
	return 0;
}
