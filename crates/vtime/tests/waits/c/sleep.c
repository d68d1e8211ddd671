/* nanosleep, clock_nanosleep. */
#include "table.h"

static long relative(long long ns, long long *left)
{
	struct timespec t = timespec(ns), rest = {-7, 0};
	long result = nanosleep(&t, &rest);
	if (rest.tv_sec != -7)
		*left = nanoseconds(&rest);
	return result;
}

static clockid_t clock_in_use;
static int flags_in_use;

static long clocked(long long ns, long long *left)
{
	struct timespec t = timespec(flags_in_use ? now_of(clock_in_use) + ns : ns), rest = {-7, 0};
	long result = syscall(SYS_clock_nanosleep, clock_in_use, flags_in_use, &t, &rest);
	if (rest.tv_sec != -7)
		*left = nanoseconds(&rest);
	return result;
}

static long no_place_for_the_rest(long long ns, long long *left)
{
	(void)left;
	struct timespec t = timespec(ns);
	return nanosleep(&t, NULL);
}

static long invalid(long long ns, long long *left)
{
	(void)left;
	struct timespec t = {0, ns};
	return nanosleep(&t, NULL);
}

static long bad_address(long long ns, long long *left)
{
	(void)left;
	return syscall(SYS_nanosleep, (void *)ns, NULL);
}

static long bad_clock(long long ns, long long *left)
{
	(void)left;
	struct timespec t = timespec(ns);
	return syscall(SYS_clock_nanosleep, 77, 0, &t, NULL);
}

static long same_place(long long ns, long long *left)
{
	struct timespec t = timespec(ns);
	long result = nanosleep(&t, &t);
	*left = nanoseconds(&t);
	return result;
}

/* Goes on with what remains until nothing does, as sleep loops do. */
static long whole(long long ns, long long *left)
{
	(void)left;
	struct timespec t = timespec(ns);
	while (nanosleep(&t, &t) < 0)
		;
	return 0;
}

int main(void)
{
	setup();
	wait_rows("nanosleep", relative, NULL, NULL);
	wait_row("nanosleep", "negative", relative, -LONG, NULL);
	wait_row("nanosleep", "invalid", invalid, SECOND, NULL);
	wait_row("nanosleep", "invalid-negative", invalid, -1, NULL);
	wait_row("nanosleep", "bad-address", bad_address, 16, NULL);
	handle(SIGUSR1, 0);
	wait_row("nanosleep", "no-rest", no_place_for_the_rest, LONG, send_usr1);
	wait_row("nanosleep", "same-place", same_place, LONG, send_usr1);
	wait_row("nanosleep", "loop", whole, LONG, send_usr1);
	static const struct { const char *name; clockid_t clock; } clocks[] = {
		{"monotonic", CLOCK_MONOTONIC}, {"realtime", CLOCK_REALTIME}, {"boottime", CLOCK_BOOTTIME}, {"tai", CLOCK_TAI},
	};
	for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++) {
		char name[64];
		clock_in_use = clocks[i].clock;
		flags_in_use = 0;
		snprintf(name, sizeof name, "clock_nanosleep-%s", clocks[i].name);
		wait_rows(name, clocked, NULL, NULL);
		wait_row(name, "negative", clocked, -LONG, NULL);
		flags_in_use = TIMER_ABSTIME;
		snprintf(name, sizeof name, "clock_nanosleep-%s-absolute", clocks[i].name);
		wait_rows(name, clocked, NULL, NULL);
		wait_row(name, "past", clocked, -LONG, NULL);
	}
	wait_row("clock_nanosleep", "bad-clock", bad_clock, LONG, NULL);
	begin();
	usleep(120000);
	call_row("usleep/time-out", 0);
	begin();
	call_row("sleep/time-out", sleep(1));
	handle(SIGUSR1, 0);
	pid_t pid = helper(EARLY, send_usr1);
	begin();
	call_row("sleep/handler", sleep(2));
	reap(pid);
	return 0;
}
