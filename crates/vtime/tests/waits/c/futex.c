/* futex: WAIT, WAIT_BITSET, LOCK_PI, LOCK_PI2, WAIT_REQUEUE_PI, and futex_waitv. */
#include "table.h"

/* The numbers of linux/futex.h, which musl's compiler does not find. */
enum {
	FUTEX_WAIT = 0,
	FUTEX_WAKE = 1,
	FUTEX_LOCK_PI = 6,
	FUTEX_UNLOCK_PI = 7,
	FUTEX_WAIT_BITSET = 9,
	FUTEX_WAIT_REQUEUE_PI = 11,
	FUTEX_CMP_REQUEUE_PI = 12,
	FUTEX_LOCK_PI2 = 13,
	FUTEX_CLOCK_REALTIME = 256,
};
#define FUTEX_BITSET_MATCH_ANY 0xffffffffu
#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

struct waiter {
	uint64_t val, uaddr;
	uint32_t flags, reserved;
};

static uint32_t *word, *second;

static long futex(uint32_t *address, int op, uint32_t value, const void *time, uint32_t *other, uint32_t bits)
{
	return syscall(SYS_futex, address, op, value, time, other, bits);
}

static void wake(void) { futex(word, FUTEX_WAKE, 1, NULL, NULL, 0); }

static void change(void)
{
	*word = 1;
	futex(word, FUTEX_WAKE, 1, NULL, NULL, 0);
}
static void change_back(void) { *word = 0; }

static long by_wait(long long ns, long long *left)
{
	(void)left;
	struct timespec t = timespec(ns);
	return futex(word, FUTEX_WAIT, 0, &t, NULL, 0);
}

static long by_bitset(long long ns, long long *left)
{
	(void)left;
	struct timespec t = timespec(now_of(CLOCK_MONOTONIC) + ns);
	return futex(word, FUTEX_WAIT_BITSET, 0, &t, NULL, FUTEX_BITSET_MATCH_ANY);
}

static long by_bitset_realtime(long long ns, long long *left)
{
	(void)left;
	struct timespec t = timespec(now_of(CLOCK_REALTIME) + ns);
	return futex(word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &t, NULL, FUTEX_BITSET_MATCH_ANY);
}

static long by_waitv(long long ns, long long *left)
{
	(void)left;
	struct timespec t = timespec(now_of(CLOCK_MONOTONIC) + ns);
	struct waiter waiters[2] = {{0, (uintptr_t)second, 2, 0}, {0, (uintptr_t)word, 2, 0}};
	return syscall(SYS_futex_waitv, waiters, 2, 0, &t, CLOCK_MONOTONIC);
}

static long by_waitv_realtime(long long ns, long long *left)
{
	(void)left;
	struct timespec t = timespec(now_of(CLOCK_REALTIME) + ns);
	struct waiter waiters[1] = {{0, (uintptr_t)word, 2, 0}};
	return syscall(SYS_futex_waitv, waiters, 1, 0, &t, CLOCK_REALTIME);
}

static long other_value(long long ns, long long *left)
{
	(void)left;
	struct timespec t = timespec(ns);
	return futex(word, FUTEX_WAIT, 5, &t, NULL, 0);
}

static long invalid(long long ns, long long *left)
{
	(void)left;
	struct timespec t = {0, ns};
	return futex(word, FUTEX_WAIT, 0, &t, NULL, 0);
}

/* A child holds the lock for as long as `held` says, then gives it to whoever waits. */
static uint32_t *lock;
static volatile int *taken;

static pid_t holder(long long held)
{
	*lock = 0;
	*taken = 0;
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		signal(SIGUSR1, SIG_DFL);
		if (futex(lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0))
			_exit(1);
		*taken = 1;
		futex((uint32_t *)taken, FUTEX_WAKE, 1, NULL, NULL, 0);
		nap(held);
		futex(lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
		_exit(0);
	}
	while (!*taken)
		futex((uint32_t *)taken, FUTEX_WAIT, 0, NULL, NULL, 0);
	return pid;
}

static int lock_operation, lock_clock;

static long by_lock(long long ns, long long *left)
{
	(void)left;
	struct timespec t = timespec(now_of(lock_clock) + ns);
	long result = futex(lock, lock_operation, 0, &t, NULL, 0);
	if (result == 0) {
		/* Counts as woken; the next row needs the lock free. */
		futex(lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
	}
	return result;
}

static void lock_row(const char *wait, const char *kind, long long ns, long long held, void (*act)(void))
{
	pid_t pid = holder(held);
	wait_row(wait, kind, by_lock, ns, act);
	kill(pid, SIGKILL);
	reap(pid);
}

static void lock_rows(const char *name)
{
	lock_row(name, "time-out", LONG, 5 * SECOND, NULL);
	lock_row(name, "woken", LONG, EARLY, NULL);
	handle(SIGUSR1, 0);
	lock_row(name, "handler", LONG, 5 * SECOND, send_usr1);
	handle(SIGUSR1, SA_RESTART);
	lock_row(name, "restart", LONG, 5 * SECOND, send_usr1);
	signal(SIGUSR1, SIG_DFL);
	lock_row(name, "ignored", LONG, 5 * SECOND, send_winch);
	lock_row(name, "stopped", LONG, 5 * SECOND, stop_until_later);
	lock_row(name, "overslept", LONG, 5 * SECOND, stop_beyond);
	lock_row(name, "past", -LONG, 5 * SECOND, NULL);
	*lock = 0;
	wait_row(name, "free", by_lock, LONG, NULL);
	wait_row(name, "free-past", by_lock, -LONG, NULL);
}

static int requeue_realtime;

static long by_requeue(long long ns, long long *left)
{
	(void)left;
	clockid_t clock = requeue_realtime ? CLOCK_REALTIME : CLOCK_MONOTONIC;
	struct timespec t = timespec(now_of(clock) + ns);
	int op = FUTEX_WAIT_REQUEUE_PI | (requeue_realtime ? FUTEX_CLOCK_REALTIME : 0);
	long result = futex(word, op, 0, &t, lock, 0);
	if (result == 0)
		futex(lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
	return result;
}

static void requeue(void)
{
	/* One is woken, and owns the lock. */
	syscall(SYS_futex, word, FUTEX_CMP_REQUEUE_PI, 1, (void *)0, lock, 0);
}

int main(void)
{
	setup();
	word = shared(4096);
	second = word + 8;
	lock = word + 16;
	taken = (volatile int *)(word + 24);
	wait_rows("futex-wait", by_wait, wake, NULL);
	wait_row("futex-wait", "negative", by_wait, -LONG, NULL);
	wait_row("futex-wait", "invalid", invalid, SECOND, NULL);
	wait_row("futex-wait", "other-value", other_value, LONG, NULL);
	wait_row("futex-wait", "changed", by_wait, LONG, change);
	change_back();
	wait_rows("futex-bitset", by_bitset, wake, NULL);
	wait_row("futex-bitset", "past", by_bitset, -LONG, NULL);
	wait_rows("futex-bitset-realtime", by_bitset_realtime, wake, NULL);
	wait_row("futex-bitset-realtime", "past", by_bitset_realtime, -LONG, NULL);
	wait_rows("futex_waitv", by_waitv, wake, NULL);
	wait_row("futex_waitv", "past", by_waitv, -LONG, NULL);
	wait_rows("futex_waitv-realtime", by_waitv_realtime, wake, NULL);
	lock_operation = FUTEX_LOCK_PI;
	lock_clock = CLOCK_REALTIME;
	lock_rows("futex-lock_pi");
	lock_operation = FUTEX_LOCK_PI2;
	lock_clock = CLOCK_MONOTONIC;
	lock_rows("futex-lock_pi2");
	*lock = 0;
	wait_rows("futex-requeue_pi", by_requeue, requeue, NULL);
	wait_row("futex-requeue_pi", "past", by_requeue, -LONG, NULL);
	requeue_realtime = 1;
	wait_rows("futex-requeue_pi-realtime", by_requeue, requeue, NULL);
	return 0;
}
