/* A wait of 60 s on CLOCK_MONOTONIC, as std::condition_variable::wait_for makes it. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

int main(void)
{
	pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
	struct timespec began, limit, ended;
	clock_gettime(CLOCK_MONOTONIC, &began);
	limit = began;
	limit.tv_sec += 60;
	pthread_mutex_lock(&mutex);
	while (pthread_cond_clockwait(&condition, &mutex, CLOCK_MONOTONIC, &limit) != ETIMEDOUT)
		;
	clock_gettime(CLOCK_MONOTONIC, &ended);
	printf("%lld\n", (ended.tv_sec - began.tv_sec) * 1000000000LL + ended.tv_nsec - began.tv_nsec);
	return 0;
}
