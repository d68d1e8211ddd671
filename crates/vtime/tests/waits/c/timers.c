/* timer_create and its kin: signals, time left, overruns. Also setitimer, getitimer and alarm. */
#include "table.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static clockid_t clock_in_use = CLOCK_MONOTONIC;
static int timer;

static void make(int notify, int signal, int value)
{
	struct sigevent event = {.sigev_notify = notify, .sigev_signo = signal, .sigev_value.sival_int = value};
	if (notify == SIGEV_THREAD_ID)
		event.sigev_notify_thread_id = syscall(SYS_gettid);
	if (syscall(SYS_timer_create, clock_in_use, &event, &timer))
		die("timer_create");
}

static int set(int flags, long long value, long long interval)
{
	struct itimerspec t = {timespec(interval), timespec(value)};
	return syscall(SYS_timer_settime, timer, flags, &t, NULL);
}

static long long left_of(void)
{
	struct itimerspec t;
	if (syscall(SYS_timer_gettime, timer, &t))
		return -errno;
	return nanoseconds(&t.it_value);
}

static void drop(void) { syscall(SYS_timer_delete, timer); }

/* Waits for SIGUSR2, which is blocked. Returns its value if all that it says is right. */
static long take(siginfo_t *info)
{
	sigset_t wanted;
	sigemptyset(&wanted);
	sigaddset(&wanted, SIGUSR2);
	if (sigwaitinfo(&wanted, info) != SIGUSR2)
		return -1;
	if (info->si_code != SI_TIMER)
		return -2;
	if (info->si_timerid != timer)
		return -3;
	return info->si_value.sival_int;
}

static void signal_row(const char *name, int notify, int flags, long long value)
{
	siginfo_t info;
	make(notify, SIGUSR2, 4711);
	begin();
	set(flags, flags ? now_of(clock_in_use) + value : value, 0);
	long result = take(&info);
	row(name, result, result == -1 ? errno : 0, left_of());
	drop();
}

static void by_signal(void)
{
	static const struct { const char *name; clockid_t clock; } clocks[] = {
		{"monotonic", CLOCK_MONOTONIC}, {"realtime", CLOCK_REALTIME}, {"boottime", CLOCK_BOOTTIME}, {"tai", CLOCK_TAI},
	};
	for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++) {
		char name[64];
		clock_in_use = clocks[i].clock;
		snprintf(name, sizeof name, "timer-%s/time-out", clocks[i].name);
		signal_row(name, SIGEV_SIGNAL, 0, LONG);
		snprintf(name, sizeof name, "timer-%s/thread", clocks[i].name);
		signal_row(name, SIGEV_THREAD_ID, 0, LONG);
		snprintf(name, sizeof name, "timer-%s/absolute", clocks[i].name);
		signal_row(name, SIGEV_SIGNAL, TIMER_ABSTIME, LONG);
		snprintf(name, sizeof name, "timer-%s/past", clocks[i].name);
		signal_row(name, SIGEV_SIGNAL, TIMER_ABSTIME, -LONG);
	}
	clock_in_use = CLOCK_MONOTONIC;
}

static void settings(void)
{
	struct itimerspec t, old;
	siginfo_t info;
	begin();
	make(SIGEV_NONE, 0, 0);
	row("timer/unarmed-left", 0, 0, left_of());
	set(0, LONG, EARLY);
	row("timer/armed-left", 0, 0, left_of());
	nap(EARLY);
	t = (struct itimerspec){timespec(EARLY), timespec(LATER)};
	call_row("timer/settime", syscall(SYS_timer_settime, timer, 0, &t, &old));
	row("timer/old-value", 0, 0, nanoseconds(&old.it_value));
	row("timer/old-interval", 0, 0, nanoseconds(&old.it_interval));
	nap(LATER + EARLY / 2);
	row("timer/none-left", 0, 0, left_of());
	set(0, EARLY, 0);
	nap(LATER);
	row("timer/over-left", 0, 0, left_of());
	drop();

	make(SIGEV_SIGNAL, SIGUSR2, 1);
	set(0, EARLY, EARLY);
	set(0, 0, 0);
	row("timer/disarmed-left", 0, 0, left_of());
	drop();

	/* A signal that is pending already is not sent again: those are overruns. */
	make(SIGEV_SIGNAL, SIGUSR2, 1);
	set(0, EARLY, EARLY);
	nap(4 * EARLY + EARLY / 2);
	long result = take(&info);
	row("timer/overrun", result, 0, NONE);
	row("timer/overrun-info", info.si_overrun, 0, NONE);
	call_row("timer/getoverrun", syscall(SYS_timer_getoverrun, timer));
	result = take(&info);
	row("timer/next", result, 0, left_of());
	row("timer/next-overrun", info.si_overrun, 0, NONE);
	drop();
	call_row("timer/deleted", syscall(SYS_timer_delete, timer));
	call_row("timer/settime-deleted", syscall(SYS_timer_settime, timer, 0, &old, NULL));
	call_row("timer/gettime-deleted", syscall(SYS_timer_gettime, timer, &old));
	call_row("timer/getoverrun-deleted", syscall(SYS_timer_getoverrun, timer));

	make(SIGEV_SIGNAL, SIGUSR2, 1);
	t = (struct itimerspec){timespec(0), {0, SECOND}};
	call_row("timer/invalid", syscall(SYS_timer_settime, timer, 0, &t, NULL));
	t = (struct itimerspec){timespec(0), {-1, 0}};
	call_row("timer/negative", syscall(SYS_timer_settime, timer, 0, &t, NULL));
	call_row("timer/bad-clock", syscall(SYS_timer_create, 77, NULL, &timer));
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = 99};
	call_row("timer/bad-signal", syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer));
	event = (struct sigevent){.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR2};
	event.sigev_notify_thread_id = 1;
	call_row("timer/bad-thread", syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer));
	call_row("timer/bad-address", syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, NULL));
	drop();

	/* Without an event: SIGALRM, whose value is the timer's number. */
	sigset_t set_of;
	sigemptyset(&set_of);
	sigaddset(&set_of, SIGALRM);
	sigprocmask(SIG_BLOCK, &set_of, NULL);
	syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, &timer);
	set(0, EARLY, 0);
	begin();
	result = sigwaitinfo(&set_of, &info);
	row("timer/default", result, 0, NONE);
	row("timer/default-value", info.si_value.sival_int == timer && info.si_code == SI_TIMER, 0, NONE);
	drop();
	sigprocmask(SIG_UNBLOCK, &set_of, NULL);
}

static long sleeping(long long ns, long long *left)
{
	struct timespec t = timespec(ns), rest = {-7, 0};
	long result = nanosleep(&t, &rest);
	if (rest.tv_sec != -7)
		*left = nanoseconds(&rest);
	return result;
}

static void interrupts(void)
{
	handle(SIGUSR1, 0);
	make(SIGEV_SIGNAL, SIGUSR1, 1);
	set(0, EARLY, 0);
	wait_row("timer", "handler", sleeping, LONG, NULL);
	set(0, EARLY, EARLY);
	begin();
	for (int i = 0; i < 5; i++)
		nap(EARLY + EARLY / 4);
	row("timer/handlers", 0, 0, NONE);
	drop();
	handle(SIGALRM, 0);
	alarm(1);
	wait_row("alarm", "handler", sleeping, 5 * SECOND, NULL);
	row("alarm/over", alarm(0), 0, NONE);
	alarm(7);
	nap(EARLY);
	/* Linux rounds to the nearest second, musl up. */
	row("alarm/left", alarm(3), 0, NONE);
	nap(1200 * MS);
	row("alarm/rounded", alarm(0), 0, NONE);
}

static long long real_left(void)
{
	struct itimerval t;
	if (getitimer(ITIMER_REAL, &t))
		return -1;
	return nanoseconds_of(&t.it_value);
}

static void itimers(void)
{
	struct itimerval t = {timeval(0), timeval(EARLY)}, old;
	setitimer(ITIMER_REAL, &t, NULL);
	wait_row("setitimer", "handler", sleeping, LONG, NULL);
	begin();
	t = (struct itimerval){timeval(EARLY), timeval(LATER)};
	setitimer(ITIMER_REAL, &t, NULL);
	row("setitimer/armed-left", 0, 0, real_left());
	nap(EARLY);
	row("setitimer/half-left", 0, 0, real_left());
	nap(3 * EARLY + EARLY / 2);
	row("setitimer/ticks", 0, 0, real_left());
	t = (struct itimerval){timeval(0), timeval(0)};
	call_row("setitimer/stop", setitimer(ITIMER_REAL, &t, &old));
	row("setitimer/old-value", 0, 0, nanoseconds_of(&old.it_value));
	row("setitimer/old-interval", 0, 0, nanoseconds_of(&old.it_interval));
	row("setitimer/stopped-left", 0, 0, real_left());
	t = (struct itimerval){timeval(0), {0, 1000000}};
	call_row("setitimer/invalid", setitimer(ITIMER_REAL, &t, NULL));
	t = (struct itimerval){timeval(0), {-1, 0}};
	call_row("setitimer/negative", setitimer(ITIMER_REAL, &t, NULL));
	call_row("setitimer/bad-timer", setitimer(9, &t, NULL));
	call_row("getitimer/bad-timer", getitimer(9, &t));
	/* The real-time timer of setitimer is alarm's. */
	t = (struct itimerval){timeval(0), timeval(9 * SECOND)};
	setitimer(ITIMER_REAL, &t, NULL);
	row("setitimer/by-alarm", alarm(0), 0, NONE);
	/* The child gets no timer of its parent, and the parent keeps it. */
	t = (struct itimerval){timeval(0), timeval(LATER)};
	begin();
	setitimer(ITIMER_REAL, &t, NULL);
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0)
		_exit(real_left() != 0);
	int status;
	while (waitpid(pid, &status, 0) < 0)
		;
	row("setitimer/child", status, 0, real_left());
	nap(LONG);
	row("setitimer/parent", 0, 0, NONE);
}

static void exec(const char *own)
{
	struct itimerval t = {timeval(0), timeval(LATER)};
	make(SIGEV_SIGNAL, SIGUSR1, 1);
	begin();
	setitimer(ITIMER_REAL, &t, NULL);
	set(0, LONG, 0);
	nap(EARLY);
	char start[24], number[12];
	snprintf(start, sizeof start, "%lld", began);
	snprintf(number, sizeof number, "%d", timer);
	/* Not before the new program has its handler. */
	sigset_t alarm_alone;
	sigemptyset(&alarm_alone);
	sigaddset(&alarm_alone, SIGALRM);
	sigprocmask(SIG_BLOCK, &alarm_alone, NULL);
	fflush(stdout);
	execl(own, own, start, number, (char *)NULL);
	die("execl");
}

int main(int count, char **words)
{
	if (count == 3) {
		/* An exec keeps setitimer's timer and deletes the others. */
		began = atoll(words[1]);
		timer = atoi(words[2]);
		sigset_t alarm_alone;
		handle(SIGALRM, 0);
		sigemptyset(&alarm_alone);
		sigaddset(&alarm_alone, SIGALRM);
		sigprocmask(SIG_UNBLOCK, &alarm_alone, NULL);
		row("exec/setitimer-left", 0, 0, real_left());
		row("exec/timer-left", 0, 0, left_of());
		nap(LONG);
		row("exec/setitimer", 0, 0, NONE);
		return 0;
	}
	setup();
	sigset_t set_of;
	sigemptyset(&set_of);
	sigaddset(&set_of, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set_of, NULL);
	by_signal();
	settings();
	interrupts();
	itimers();
	exec(words[0]);
	return 0;
}
