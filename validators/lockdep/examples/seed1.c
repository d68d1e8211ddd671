/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The model of seed1/model.rs for C: one cause, three reports.
 *
 *   cc -g -Ivalidators/lockdep-preload -o seed1 validators/lockdep/examples/seed1.c -lpthread
 *   LD_PRELOAD=target/debug/liblockdep_preload.so ./seed1          # the bug
 *   LD_PRELOAD=target/debug/liblockdep_preload.so ./seed1 fixed    # silent
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stddef.h>
#include <string.h>

#include "lockdep.h"

struct timer {
	pthread_spinlock_t lock;
	unsigned long ticks;
};

static struct timer hrtimer, user_timer;
static pthread_mutex_t card_mutex = PTHREAD_MUTEX_INITIALIZER;
static int fixed;

/* One line makes all timers: they are one class. */
static void timer_init(struct timer *timer)
{
	pthread_spin_init(&timer->lock, PTHREAD_PROCESS_PRIVATE);
}

/* A thread that waits for a driver has interrupts on after the wait. */
static void request_card(int card)
{
	pthread_mutex_lock(&card_mutex);
	pthread_mutex_unlock(&card_mutex);
	LOCKDEP(lockdep_irq_enable());
	(void)card;
}

static const char *find_client(int number, int may_load)
{
	if (may_load && number >= 16)
		request_card((number - 16) / 4);
	return number == 0 ? "System" : NULL;
}

static void deliver_event(int destination)
{
	/* The fix: delivery never loads. */
	(void)find_client(destination, !fixed);
}

static void check_queue(void)
{
	deliver_event(40);
}

static void hrtimer_callback(void)
{
	LOCKDEP(lockdep_hardirq_enter("hrtimer_callback"));
	pthread_spin_lock(&hrtimer.lock);
	hrtimer.ticks++;
	pthread_spin_unlock(&hrtimer.lock);
	LOCKDEP(lockdep_hardirq_exit());
}

/* The callbacks of a user's timer run in a worker, with interrupts off and without the lock. */
static void *timer_work(void *unused)
{
	(void)unused;
	pthread_setname_np(pthread_self(), "kworker/0:1H");
	LOCKDEP(lockdep_task_enter("timer_work"));
	LOCKDEP(lockdep_irqsave());
	pthread_spin_lock(&user_timer.lock);
	pthread_spin_unlock(&user_timer.lock);
	check_queue();
	pthread_spin_lock(&user_timer.lock);
	user_timer.ticks++;
	pthread_spin_unlock(&user_timer.lock);
	LOCKDEP(lockdep_irqrestore());
	LOCKDEP(lockdep_task_exit());
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t worker;

	fixed = argc > 1 && !strcmp(argv[1], "fixed");
	timer_init(&hrtimer);
	timer_init(&user_timer);
	hrtimer_callback();
	if (pthread_create(&worker, NULL, timer_work, NULL))
		return 1;
	return pthread_join(worker, NULL);
}
