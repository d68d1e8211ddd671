/* Clocks: how far each moves while the program sleeps, and what they refuse. */
#include "table.h"
#include <sys/times.h>
#include <sys/timex.h>

/* By how many steps of 10 ms something has moved less than CLOCK_MONOTONIC since the row began. Coarse clocks move in
 * steps of a tick. */
static long behind(long long moved)
{
	return (now_of(CLOCK_MONOTONIC) - began - moved + 5 * MS) / (10 * MS);
}

static void moves(const char *name, clockid_t clock)
{
	char text[64];
	begin();
	long long before = now_of(clock);
	nap(LONG);
	long result = behind(now_of(clock) - before);
	snprintf(text, sizeof text, "clock-%s/moves", name);
	row(text, result, 0, NONE);
}

/* Clocks of CPU time stand while the program sleeps, but for what falling asleep takes: much in a virtual machine that
 * gets few turns. */
static void stands(const char *name, clockid_t clock)
{
	char text[64];
	begin();
	long long before = now_of(clock);
	nap(LONG);
	long long moved = now_of(clock) - before;
	snprintf(text, sizeof text, "clock-%s/stands", name);
	row(text, moved / LONG, 0, NONE);
}

int main(void)
{
	struct timespec t;
	struct timeval before, after;
	setup();
	moves("monotonic", CLOCK_MONOTONIC);
	moves("realtime", CLOCK_REALTIME);
	moves("boottime", CLOCK_BOOTTIME);
	moves("tai", CLOCK_TAI);
	moves("raw", CLOCK_MONOTONIC_RAW);
	moves("monotonic-coarse", CLOCK_MONOTONIC_COARSE);
	moves("realtime-coarse", CLOCK_REALTIME_COARSE);
	stands("process", CLOCK_PROCESS_CPUTIME_ID);
	stands("thread", CLOCK_THREAD_CPUTIME_ID);

	begin();
	gettimeofday(&before, NULL);
	nap(LONG);
	gettimeofday(&after, NULL);
	row("gettimeofday/moves", behind(nanoseconds_of(&after) - nanoseconds_of(&before)), 0, NONE);
	begin();
	struct tms used;
	clock_t ticks = times(&used);
	nap(200 * MS);
	ticks = times(&used) - ticks;
	/* A tick of 10 ms may be counted or not at each end. */
	row("times/moves", labs(behind(ticks * 10 * MS)) <= 1, 0, NONE);
	begin();
	time_t seconds = time(NULL);
	gettimeofday(&before, NULL);
	row("time/agrees", before.tv_sec - seconds <= 1 && before.tv_sec >= seconds, 0, NONE);
#ifdef SYS_time
	row("time/call-agrees", syscall(SYS_time, NULL) - seconds <= 1, 0, NONE);
	long stored = 0;
	long result = syscall(SYS_time, &stored);
	row("time/stored", result == stored, 0, NONE);
#endif
	clock_gettime(CLOCK_REALTIME, &t);
	row("clocks/agree", llabs(nanoseconds(&t) - nanoseconds_of(&before)) < SECOND / 2, 0, NONE);

	begin();
	call_row("clock_gettime/bad-clock", syscall(SYS_clock_gettime, 77, &t));
	call_row("clock_gettime/bad-address", syscall(SYS_clock_gettime, CLOCK_MONOTONIC, 16));
	call_row("gettimeofday/nothing", syscall(SYS_gettimeofday, NULL, NULL));
	call_row("gettimeofday/bad-address", syscall(SYS_gettimeofday, 16, NULL));
	call_row("clock_getres/monotonic", clock_getres(CLOCK_MONOTONIC, &t));
	row("clock_getres/monotonic-value", nanoseconds(&t), 0, NONE);
	call_row("clock_getres/nothing", syscall(SYS_clock_getres, CLOCK_REALTIME, NULL));
	call_row("clock_getres/bad-clock", syscall(SYS_clock_getres, 77, &t));
	struct timex state = {0};
	row("adjtimex/reads", syscall(SYS_adjtimex, &state) >= 0, 0, NONE);
	clock_gettime(CLOCK_REALTIME, &t);
	row("adjtimex/agrees", llabs(state.time.tv_sec - t.tv_sec) <= 1, 0, NONE);
	return 0;
}
