/* timerfd: what settime, gettime, read and poll say. */
#include "table.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

static clockid_t clock_in_use = CLOCK_MONOTONIC;
static int fd = -1;

static int set(int flags, long long value, long long interval)
{
	struct itimerspec t = {timespec(interval), timespec(value)};
	return timerfd_settime(fd, flags, &t, NULL);
}

static long long left_of(void)
{
	struct itimerspec t;
	if (timerfd_gettime(fd, &t))
		return -errno;
	return nanoseconds(&t.it_value);
}

/* Returns the count, or -1. */
static long read_count(void)
{
	uint64_t count = 77;
	long result = read(fd, &count, 8);
	return result == 8 ? (long)count : -1;
}

static void make(int flags)
{
	if (fd >= 0)
		close(fd);
	fd = timerfd_create(clock_in_use, flags);
	if (fd < 0)
		die("timerfd_create");
}

static void re_arm(void) { set(0, EARLY, 0); }
static void disarm_and_arm(void)
{
	set(0, 0, 0);
	nap(EARLY);
	set(0, EARLY, 0);
}

static long by_read(long long ns, long long *left)
{
	(void)left;
	set(0, ns, 0);
	return read_count();
}

static long by_poll(long long ns, long long *left)
{
	set(0, ns, 0);
	struct pollfd entry = {fd, POLLIN, 0};
	long result = poll(&entry, 1, -1);
	*left = left_of();
	return result == 1 ? read_count() : result;
}

static long absolute(long long ns, long long *left)
{
	make(0);
	set(TFD_TIMER_ABSTIME, now_of(clock_in_use) + ns, 0);
	long result = read_count();
	*left = left_of();
	return result;
}

static void settings(void)
{
	struct itimerspec t, old;
	make(TFD_NONBLOCK);
	begin();
	call_row("timerfd/unarmed", read_count());
	row("timerfd/unarmed-left", 0, 0, left_of());
	set(0, LONG, EARLY);
	row("timerfd/armed-left", 0, 0, left_of());
	nap(EARLY);
	t = (struct itimerspec){timespec(EARLY), timespec(LATER)};
	call_row("timerfd/settime", timerfd_settime(fd, 0, &t, &old));
	row("timerfd/old-value", 0, 0, nanoseconds(&old.it_value));
	row("timerfd/old-interval", 0, 0, nanoseconds(&old.it_interval));
	nap(LATER + 2 * EARLY + EARLY / 2);
	row("timerfd/ticks-left", 0, 0, left_of());
	/* Looking at the time left does not take ticks away. */
	call_row("timerfd/ticks", read_count());
	call_row("timerfd/no-tick", read_count());
	nap(EARLY);
	call_row("timerfd/tick", read_count());
	nap(EARLY);
	/* Setting takes them away. */
	set(0, LATER, 0);
	call_row("timerfd/set-anew", read_count());
	nap(LATER);
	set(0, 0, 0);
	call_row("timerfd/disarmed", read_count());
	row("timerfd/disarmed-left", 0, 0, left_of());
	t = (struct itimerspec){timespec(0), {0, SECOND}};
	call_row("timerfd/invalid", timerfd_settime(fd, 0, &t, NULL));
	t = (struct itimerspec){timespec(0), {-1, 0}};
	call_row("timerfd/negative", timerfd_settime(fd, 0, &t, NULL));
	call_row("timerfd/bad-flags", timerfd_settime(fd, 64, &t, NULL));
	call_row("timerfd/bad-clock", timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0));
	call_row("timerfd/bad-create-flags", timerfd_create(CLOCK_MONOTONIC, 64));
	call_row("timerfd/not-open", timerfd_settime(800, 0, &old, NULL));
	int pipe_ends[2];
	if (pipe(pipe_ends))
		die("pipe");
	call_row("timerfd/not-a-timer", timerfd_settime(pipe_ends[0], 0, &old, NULL));
	call_row("timerfd/not-a-timer-gettime", timerfd_gettime(pipe_ends[0], &old));
	call_row("timerfd/short-read", read(fd, &t, 4));
	call_row("timerfd/long-read", read(fd, &t, 16));
	call_row("timerfd/cloexec", fcntl(timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC), F_GETFD));
}

static void shared_with_a_child(void)
{
	make(0);
	begin();
	pid_t pid = helper(EARLY, re_arm);
	set(0, 5 * SECOND, 0);
	/* The child's new setting ends this read. */
	call_row("timerfd/set-by-child", read_count());
	reap(pid);
	int copy = dup(fd);
	set(0, EARLY, 0);
	close(fd);
	fd = copy;
	call_row("timerfd/copy", read_count());
}

static void many(void)
{
	int poller = epoll_create1(0), timers[5];
	begin();
	for (int i = 0; i < 5; i++) {
		fd = timers[i] = timerfd_create(CLOCK_MONOTONIC, 0);
		set(0, (5 - i) * EARLY, 0);
		struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
		epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
	}
	for (int i = 0; i < 5; i++) {
		char name[40];
		struct epoll_event event;
		snprintf(name, sizeof name, "timerfd/many-%d", i);
		long result = epoll_wait(poller, &event, 1, 10000);
		row(name, result == 1 ? (long)event.data.u32 : result, 0, NONE);
		if (result == 1)
			close(timers[event.data.u32]);
	}
	close(poller);
	fd = -1;
}

static void exec_keeps_it(const char *own)
{
	make(0);
	begin();
	set(0, LATER, 0);
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		char number[12], start[24];
		snprintf(number, sizeof number, "%d", fd);
		snprintf(start, sizeof start, "%lld", began);
		nap(EARLY);
		execl(own, own, number, start, (char *)NULL);
		_exit(1);
	}
	reap(pid);
}

int main(int count, char **words)
{
	if (count == 3) {
		fd = atoi(words[1]);
		began = atoll(words[2]);
		row("timerfd/exec-left", 0, 0, left_of());
		call_row("timerfd/exec", read_count());
		return 0;
	}
	setup();
	make(0);
	disturbed_rows("timerfd-read", by_read, re_arm, NULL);
	wait_row("timerfd-read", "disarmed", by_read, LONG, disarm_and_arm);
	disturbed_rows("timerfd-poll", by_poll, re_arm, NULL);
	static const struct { const char *name; clockid_t clock; } clocks[] = {
		{"monotonic", CLOCK_MONOTONIC}, {"realtime", CLOCK_REALTIME}, {"boottime", CLOCK_BOOTTIME},
	};
	for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++) {
		char name[64];
		clock_in_use = clocks[i].clock;
		snprintf(name, sizeof name, "timerfd-%s-absolute", clocks[i].name);
		wait_row(name, "time-out", absolute, LONG, NULL);
		wait_row(name, "past", absolute, -LONG, NULL);
	}
	clock_in_use = CLOCK_MONOTONIC;
	settings();
	shared_with_a_child();
	many();
	exec_keeps_it(words[0]);
	return 0;
}
