/* Waits that only glibc has. */
#include "table.h"
#include <pthread.h>
#include <semaphore.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static sem_t semaphore;
static int go;

static void thread_row(const char *name, int error) { row(name, error ? -1 : 0, error, NONE); }

static void *sleeper(void *nothing)
{
	nap(LONG);
	return nothing;
}

static void *signaller(void *nothing)
{
	nap(EARLY);
	pthread_mutex_lock(&mutex);
	go = 1;
	pthread_cond_signal(&condition);
	pthread_mutex_unlock(&mutex);
	return nothing;
}

static void *keeper(void *nothing)
{
	pthread_mutex_lock(&mutex);
	sem_post(&semaphore);
	nap(LONG);
	pthread_mutex_unlock(&mutex);
	return nothing;
}

int main(void)
{
	pthread_t thread;
	sem_init(&semaphore, 0, 0);
	pthread_create(&thread, NULL, sleeper, NULL);
	begin();
	struct timespec t = timespec(now_of(CLOCK_REALTIME) + EARLY);
	thread_row("pthread_timedjoin_np/time-out", pthread_timedjoin_np(thread, NULL, &t));
	t = timespec(now_of(CLOCK_MONOTONIC) + LONG);
	thread_row("pthread_clockjoin_np/woken", pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &t));

	pthread_mutex_lock(&mutex);
	begin();
	t = timespec(now_of(CLOCK_MONOTONIC) + LONG);
	thread_row("pthread_cond_clockwait/time-out", pthread_cond_clockwait(&condition, &mutex, CLOCK_MONOTONIC, &t));
	begin();
	t = timespec(now_of(CLOCK_REALTIME) - LONG);
	thread_row("pthread_cond_clockwait/past", pthread_cond_clockwait(&condition, &mutex, CLOCK_REALTIME, &t));
	pthread_create(&thread, NULL, signaller, NULL);
	begin();
	t = timespec(now_of(CLOCK_MONOTONIC) + LONG);
	int error = 0;
	while (!go && !error)
		error = pthread_cond_clockwait(&condition, &mutex, CLOCK_MONOTONIC, &t);
	thread_row("pthread_cond_clockwait/woken", error);
	pthread_mutex_unlock(&mutex);
	pthread_join(thread, NULL);

	begin();
	t = timespec(now_of(CLOCK_MONOTONIC) + LONG);
	call_row("sem_clockwait/time-out", sem_clockwait(&semaphore, CLOCK_MONOTONIC, &t));
	pthread_create(&thread, NULL, keeper, NULL);
	sem_wait(&semaphore);
	begin();
	t = timespec(now_of(CLOCK_MONOTONIC) + EARLY);
	thread_row("pthread_mutex_clocklock/time-out", pthread_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &t));
	t = timespec(now_of(CLOCK_MONOTONIC) + LONG);
	thread_row("pthread_mutex_clocklock/woken", pthread_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &t));
	pthread_join(thread, NULL);
	return 0;
}
