/* epoll_wait, epoll_pwait, epoll_pwait2. */
#include "table.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>

#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif

static int source, poller;

static void wake(void)
{
	uint64_t one = 1;
	if (write(source, &one, 8) != 8)
		die("write");
}

static void ignored_then_wake(void)
{
	send_winch();
	nap(LATER - EARLY);
	wake();
}

static void drain(void)
{
	uint64_t count;
	if (read(source, &count, 8) != 8)
		die("read");
}

static long by_wait(long long ns, long long *left)
{
	(void)left;
	struct epoll_event event;
	return epoll_wait(poller, &event, 1, ns / MS);
}

static long by_pwait(long long ns, long long *left)
{
	(void)left;
	struct epoll_event event;
	sigset_t mask;
	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	return epoll_pwait(poller, &event, 1, ns / MS, &mask);
}

static long by_pwait2(long long ns, long long *left)
{
	struct epoll_event event;
	struct timespec t = timespec(ns);
	long result = syscall(SYS_epoll_pwait2, poller, &event, 1, &t, NULL, 8);
	*left = nanoseconds(&t);
	return result;
}

static long pwait2_invalid(long long ns, long long *left)
{
	(void)left;
	struct epoll_event event;
	struct timespec t = {0, ns};
	return syscall(SYS_epoll_pwait2, poller, &event, 1, &t, NULL, 8);
}

static long no_room(long long ns, long long *left)
{
	(void)left;
	struct epoll_event event;
	return epoll_wait(poller, &event, 0, ns / MS);
}

static long no_poller(long long ns, long long *left)
{
	(void)left;
	struct epoll_event event;
	return epoll_wait(source, &event, 1, ns / MS);
}

int main(void)
{
	setup();
	source = eventfd(0, 0);
	poller = epoll_create1(0);
	struct epoll_event event = {.events = EPOLLIN};
	if (source < 0 || poller < 0 || epoll_ctl(poller, EPOLL_CTL_ADD, source, &event))
		die("epoll");
	wait_rows("epoll_wait", by_wait, wake, drain);
	wait_row("epoll_wait", "endless", by_wait, -1 * MS, wake);
	drain();
	handle(SIGUSR1, 0);
	wait_row("epoll_wait", "endless-handler", by_wait, -1 * MS, send_usr1);
	wait_row("epoll_wait", "endless-ignored", by_wait, -1 * MS, ignored_then_wake);
	drain();
	wait_row("epoll_wait", "no-room", no_room, LONG, NULL);
	wait_row("epoll_wait", "no-poller", no_poller, LONG, NULL);
	wait_rows("epoll_pwait", by_pwait, wake, drain);
	wait_rows("epoll_pwait2", by_pwait2, wake, drain);
	wait_row("epoll_pwait2", "negative", by_pwait2, -LONG, NULL);
	wait_row("epoll_pwait2", "invalid", pwait2_invalid, SECOND, NULL);
	return 0;
}
