/* poll, ppoll, select, pselect6. */
#include "table.h"
#include <poll.h>
#include <sys/select.h>

static int pipe_ends[2];

static void wake(void)
{
	if (write(pipe_ends[1], "x", 1) != 1)
		die("write");
}

static void drain(void)
{
	char byte;
	if (read(pipe_ends[0], &byte, 1) != 1)
		die("read");
}

static long by_poll(long long ns, long long *left)
{
	(void)left;
	struct pollfd entry = {pipe_ends[0], POLLIN, 0x55};
	long result = poll(&entry, 1, ns / MS);
	/* What the kernel writes when nothing is ready. */
	return result == 0 ? (entry.revents ? -100 : 0) : result;
}

static long nothing_by_poll(long long ns, long long *left)
{
	(void)left;
	return poll(NULL, 0, ns / MS);
}

static long by_ppoll(long long ns, long long *left)
{
	struct pollfd entry = {pipe_ends[0], POLLIN, 0x55};
	struct timespec t = timespec(ns);
	long result = syscall(SYS_ppoll, &entry, 1, &t, NULL, 8);
	*left = nanoseconds(&t);
	return result;
}

static long ppoll_invalid(long long ns, long long *left)
{
	(void)left;
	struct timespec t = {0, ns};
	return syscall(SYS_ppoll, NULL, 0, &t, NULL, 8);
}

/* Not every C library passes on the time that is left. */
static long by_libc_ppoll(long long ns, long long *left)
{
	(void)left;
	struct pollfd entry = {pipe_ends[0], POLLIN, 0};
	struct timespec t = timespec(ns);
	return ppoll(&entry, 1, &t, NULL);
}

/* SIGUSR1 is blocked but for the wait. */
static long by_ppoll_with_mask(long long ns, long long *left)
{
	struct pollfd entry = {pipe_ends[0], POLLIN, 0};
	struct timespec t = timespec(ns);
	sigset_t block, during;
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	sigprocmask(SIG_BLOCK, &block, &during);
	long result = syscall(SYS_ppoll, &entry, 1, &t, &during, 8);
	int error = errno;
	sigprocmask(SIG_UNBLOCK, &block, NULL);
	errno = error;
	*left = nanoseconds(&t);
	return result;
}

static long set_result(long result, const fd_set *set)
{
	if (result == 0 && FD_ISSET(pipe_ends[0], set))
		return -100;
	return result;
}

#ifdef SYS_select
static long by_select(long long ns, long long *left)
{
	fd_set set;
	FD_ZERO(&set);
	FD_SET(pipe_ends[0], &set);
	struct timeval t = timeval(ns);
	long result = syscall(SYS_select, pipe_ends[0] + 1, &set, NULL, NULL, &t);
	*left = nanoseconds_of(&t);
	return set_result(result, &set);
}
#endif

static long by_libc_select(long long ns, long long *left)
{
	(void)left;
	fd_set set;
	FD_ZERO(&set);
	FD_SET(pipe_ends[0], &set);
	struct timeval t = timeval(ns);
	return set_result(select(pipe_ends[0] + 1, &set, NULL, NULL, &t), &set);
}

static long by_pselect(long long ns, long long *left)
{
	fd_set set;
	FD_ZERO(&set);
	FD_SET(pipe_ends[0], &set);
	struct timespec t = timespec(ns);
	long result = syscall(SYS_pselect6, pipe_ends[0] + 1, &set, NULL, NULL, &t, NULL);
	*left = nanoseconds(&t);
	return set_result(result, &set);
}

static long sleep_by_select(long long ns, long long *left)
{
	(void)left;
	struct timeval t = timeval(ns);
	return select(0, NULL, NULL, NULL, &t);
}

static long bad_descriptor(long long ns, long long *left)
{
	(void)left;
	fd_set set;
	FD_ZERO(&set);
	FD_SET(pipe_ends[1] + 5, &set);
	struct timeval t = timeval(ns);
	return select(pipe_ends[1] + 6, &set, NULL, NULL, &t);
}

static long closed_in_poll(long long ns, long long *left)
{
	(void)left;
	struct pollfd entry = {pipe_ends[1] + 5, POLLIN, 0};
	return poll(&entry, 1, ns / MS);
}

int main(void)
{
	setup();
	if (pipe(pipe_ends))
		die("pipe");
	wait_rows("poll", by_poll, wake, drain);
	wait_row("poll", "endless", by_poll, -1 * MS, wake);
	drain();
	wait_row("poll", "very-negative", by_poll, -5000 * MS, wake);
	drain();
	wait_row("poll", "nothing", nothing_by_poll, LONG, NULL);
	wait_row("poll", "not-open", closed_in_poll, LONG, NULL);
	handle(SIGUSR1, 0);
	wait_row("poll", "endless-handler", by_poll, -1 * MS, send_usr1);
	wait_rows("ppoll", by_ppoll, wake, drain);
	wait_row("ppoll", "negative", by_ppoll, -LONG, NULL);
	wait_row("ppoll", "invalid", ppoll_invalid, SECOND, NULL);
	wait_rows("libc-ppoll", by_libc_ppoll, wake, drain);
	wait_rows("ppoll-mask", by_ppoll_with_mask, wake, drain);
#ifdef SYS_select
	wait_rows("select", by_select, wake, drain);
	wait_row("select", "negative", by_select, -LONG, NULL);
#endif
	wait_rows("libc-select", by_libc_select, wake, drain);
	wait_row("libc-select", "negative", by_libc_select, -LONG, NULL);
	wait_row("libc-select", "nothing", sleep_by_select, LONG, NULL);
	wait_row("libc-select", "not-open", bad_descriptor, LONG, NULL);
	wait_rows("pselect6", by_pselect, wake, drain);
	wait_row("pselect6", "negative", by_pselect, -LONG, NULL);
	return 0;
}
