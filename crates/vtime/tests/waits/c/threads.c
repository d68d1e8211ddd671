/* The C library's waits between threads, as programs call them. */
#include "table.h"
#include <pthread.h>
#include <semaphore.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER, monotonic_condition;
static pthread_rwlock_t readers = PTHREAD_RWLOCK_INITIALIZER;
static pthread_barrier_t both;
static sem_t semaphore;
static int go;

static void thread_row(const char *name, int error) { row(name, error ? -1 : 0, error, NONE); }

static void *signaller(void *which)
{
	nap(EARLY);
	pthread_mutex_lock(&mutex);
	go = 1;
	pthread_cond_signal(which);
	pthread_mutex_unlock(&mutex);
	return NULL;
}

static void *poster(void *nothing)
{
	(void)nothing;
	nap(EARLY);
	sem_post(&semaphore);
	return NULL;
}

static void *keeper(void *nothing)
{
	(void)nothing;
	pthread_mutex_lock(&mutex);
	pthread_rwlock_wrlock(&readers);
	pthread_barrier_wait(&both);
	nap(EARLY);
	pthread_rwlock_unlock(&readers);
	pthread_mutex_unlock(&mutex);
	return NULL;
}

static void *sleeper(void *nothing)
{
	nap(LONG);
	return nothing;
}

static void conditions(const char *name, pthread_cond_t *which, clockid_t clock)
{
	char text[64];
	pthread_t thread;
	pthread_mutex_lock(&mutex);
	begin();
	struct timespec t = timespec(now_of(clock) + LONG);
	snprintf(text, sizeof text, "%s/time-out", name);
	thread_row(text, pthread_cond_timedwait(which, &mutex, &t));
	begin();
	t = timespec(now_of(clock) - LONG);
	snprintf(text, sizeof text, "%s/past", name);
	thread_row(text, pthread_cond_timedwait(which, &mutex, &t));
	go = 0;
	pthread_create(&thread, NULL, signaller, which);
	begin();
	t = timespec(now_of(clock) + LONG);
	int error = 0;
	while (!go && !error)
		error = pthread_cond_timedwait(which, &mutex, &t);
	snprintf(text, sizeof text, "%s/woken", name);
	thread_row(text, error);
	pthread_mutex_unlock(&mutex);
	pthread_join(thread, NULL);
}

static void locks(void)
{
	pthread_t thread;
	struct timespec t;
	pthread_barrier_init(&both, NULL, 2);
	for (int kind = 0; kind < 4; kind++) {
		static const char *const names[] = {"pthread_mutex_timedlock/time-out", "pthread_mutex_timedlock/woken",
						    "pthread_rwlock_timedrdlock/time-out", "pthread_rwlock_timedrdlock/woken"};
		pthread_create(&thread, NULL, keeper, NULL);
		pthread_barrier_wait(&both);
		begin();
		t = timespec(now_of(CLOCK_REALTIME) + (kind & 1 ? LONG : EARLY / 2));
		int error = kind < 2 ? pthread_mutex_timedlock(&mutex, &t) : pthread_rwlock_timedrdlock(&readers, &t);
		thread_row(names[kind], error);
		if (!error) {
			if (kind < 2)
				pthread_mutex_unlock(&mutex);
			else
				pthread_rwlock_unlock(&readers);
		}
		pthread_join(thread, NULL);
	}
	sem_init(&semaphore, 0, 0);
	begin();
	t = timespec(now_of(CLOCK_REALTIME) + LONG);
	call_row("sem_timedwait/time-out", sem_timedwait(&semaphore, &t));
	pthread_create(&thread, NULL, poster, NULL);
	begin();
	t = timespec(now_of(CLOCK_REALTIME) + LONG);
	call_row("sem_timedwait/woken", sem_timedwait(&semaphore, &t));
	pthread_join(thread, NULL);
	begin();
	t = timespec(now_of(CLOCK_REALTIME) - LONG);
	call_row("sem_timedwait/past", sem_timedwait(&semaphore, &t));
	begin();
	pthread_create(&thread, NULL, sleeper, NULL);
	thread_row("pthread_join/woken", pthread_join(thread, NULL));
}

static void timer_thread(union sigval value)
{
	pthread_mutex_lock(&mutex);
	go = value.sival_int;
	pthread_cond_signal(&condition);
	pthread_mutex_unlock(&mutex);
}

static void timers(void)
{
	timer_t timer;
	struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = timer_thread,
				 .sigev_value.sival_int = 9};
	if (timer_create(CLOCK_MONOTONIC, &event, &timer))
		die("timer_create");
	go = 0;
	struct itimerspec t = {{0, 0}, timespec(LONG)};
	pthread_mutex_lock(&mutex);
	begin();
	timer_settime(timer, 0, &t, NULL);
	while (!go)
		pthread_cond_wait(&condition, &mutex);
	row("timer-thread/time-out", go, 0, NONE);
	pthread_mutex_unlock(&mutex);
	timer_delete(timer);
}

static int order[8], orders;
static void *one_of_many(void *number)
{
	nap((8 - (long)number) * EARLY);
	pthread_mutex_lock(&mutex);
	order[orders++] = (int)(long)number;
	pthread_mutex_unlock(&mutex);
	return NULL;
}

static void many(void)
{
	pthread_t threads[8];
	long digits = 0;
	begin();
	for (long i = 0; i < 8; i++)
		pthread_create(threads + i, NULL, one_of_many, (void *)i);
	for (int i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < 8; i++)
		digits = digits * 10 + order[i];
	row("threads/order", digits, 0, NONE);
}

int main(void)
{
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&monotonic_condition, &attributes);
	conditions("pthread_cond_timedwait", &condition, CLOCK_REALTIME);
	conditions("pthread_cond_timedwait-monotonic", &monotonic_condition, CLOCK_MONOTONIC);
	locks();
	timers();
	many();
	return 0;
}
