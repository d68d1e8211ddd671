/* What the programs of the table share: rows, helpers that disturb a wait, and the kinds of disturbance.
 *
 * A program prints one line a row:
 *
 *     NAME RESULT ERRNO LEFT SIGNALS ELAPSED
 *
 * LEFT is the remaining time that the wait has reported, in ns, or "-". SIGNALS is how many times a handler ran.
 * ELAPSED is the time of CLOCK_MONOTONIC that the row took, in ns. All times in the programs are multiples of 10 ms, so
 * that times measured on Linux can be rounded to the ones that were meant. */
#ifndef TABLE_H
#define TABLE_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MS 1000000LL
#define SECOND 1000000000LL
#define NONE LLONG_MIN

/* The waits of the table last LONG; what disturbs them comes after EARLY. A stop lasts until LATER, or beyond the end
 * of the wait. */
#define LONG (120 * MS)
#define EARLY (40 * MS)
#define LATER (80 * MS)
#define BEYOND (160 * MS)

static volatile sig_atomic_t signals;
static long long began;

static inline long long now_of(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return now.tv_sec * SECOND + now.tv_nsec;
}

static inline struct timespec timespec(long long ns)
{
	/* Normalised for negative times too. */
	struct timespec t = {ns / SECOND, ns % SECOND};
	if (t.tv_nsec < 0) {
		t.tv_sec--;
		t.tv_nsec += SECOND;
	}
	return t;
}

static inline struct timeval timeval(long long ns)
{
	struct timespec t = timespec(ns);
	return (struct timeval){t.tv_sec, t.tv_nsec / 1000};
}

static inline long long nanoseconds(const struct timespec *t) { return t->tv_sec * SECOND + t->tv_nsec; }
static inline long long nanoseconds_of(const struct timeval *t) { return t->tv_sec * SECOND + t->tv_usec * 1000LL; }

static inline const char *error_name(int error)
{
	static char number[16];
	switch (error) {
	case 0: return "-";
	case EAGAIN: return "EAGAIN";
	case EBADF: return "EBADF";
	case EFAULT: return "EFAULT";
	case EINPROGRESS: return "EINPROGRESS";
	case EINTR: return "EINTR";
	case EINVAL: return "EINVAL";
	case EDEADLK: return "EDEADLK";
	case EDOM: return "EDOM";
	case ENOSYS: return "ENOSYS";
	case ENOTSOCK: return "ENOTSOCK";
	case EOPNOTSUPP: return "EOPNOTSUPP";
	case EPERM: return "EPERM";
	case ESRCH: return "ESRCH";
	case ETIMEDOUT: return "ETIMEDOUT";
	}
	snprintf(number, sizeof number, "%d", error);
	return number;
}

static inline void begin(void)
{
	signals = 0;
	began = now_of(CLOCK_MONOTONIC);
}

static inline void row(const char *name, long result, int error, long long left)
{
	long long elapsed = now_of(CLOCK_MONOTONIC) - began;
	char text[32] = "-";
	if (left != NONE)
		snprintf(text, sizeof text, "%lld", left);
	printf("%s %ld %s %s %d %lld\n", name, result, error_name(error), text, (int)signals, elapsed);
	fflush(stdout);
}

/* A row of a call without remaining time: its errno is that of a result below 0. */
static inline void call_row(const char *name, long result) { row(name, result, result < 0 ? errno : 0, NONE); }

static inline void die(const char *what)
{
	perror(what);
	exit(1);
}

static inline void on_signal(int number)
{
	(void)number;
	signals++;
}

static inline void handle(int number, int flags)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = flags};
	sigaction(number, &action, NULL);
}

static inline void nap(long long ns)
{
	struct timespec t = timespec(ns);
	while (syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &t, &t) < 0)
		;
}

/* Starts a process that does something to this one after a while. */
static inline pid_t helper(long long after, void (*act)(void))
{
	fflush(stdout);
	pid_t pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		signal(SIGUSR1, SIG_DFL);
		nap(after);
		act();
		_exit(0);
	}
	return pid;
}

static inline void reap(pid_t pid)
{
	if (pid > 0)
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
}

static inline void send_usr1(void) { kill(getppid(), SIGUSR1); }
static inline void send_winch(void) { kill(getppid(), SIGWINCH); }
static inline void stop_until_later(void)
{
	kill(getppid(), SIGSTOP);
	nap(LATER - EARLY);
	kill(getppid(), SIGCONT);
}
static inline void stop_beyond(void)
{
	kill(getppid(), SIGSTOP);
	nap(BEYOND - EARLY);
	kill(getppid(), SIGCONT);
}

/* A wait of the table: waits for `ns` from now, says what remains (or NONE), returns the result and sets errno. */
typedef long (*wait_call)(long long ns, long long *left);

static inline void wait_row(const char *wait, const char *kind, wait_call call, long long ns, void (*act)(void))
{
	char name[80];
	snprintf(name, sizeof name, "%s/%s", wait, kind);
	long long left = NONE;
	pid_t pid = act ? helper(EARLY, act) : 0;
	begin();
	errno = 0;
	long result = call(ns, &left);
	int error = result < 0 ? errno : 0;
	row(name, result, error, left);
	reap(pid);
}

/* The rows that every wait has. `wake` makes the wait end by itself, in the helper's process. `undo` puts back what
 * that has changed, if anything. */
static inline void disturbed_rows(const char *wait, wait_call call, void (*wake)(void), void (*undo)(void))
{
	wait_row(wait, "time-out", call, LONG, NULL);
	if (wake) {
		wait_row(wait, "woken", call, LONG, wake);
		if (undo)
			undo();
	}
	handle(SIGUSR1, 0);
	wait_row(wait, "handler", call, LONG, send_usr1);
	handle(SIGUSR1, SA_RESTART);
	wait_row(wait, "restart", call, LONG, send_usr1);
	signal(SIGUSR1, SIG_DFL);
	wait_row(wait, "ignored", call, LONG, send_winch);
	wait_row(wait, "stopped", call, LONG, stop_until_later);
	wait_row(wait, "overslept", call, LONG, stop_beyond);
}

/* The same, and the row of a time-out of 0. */
static inline void wait_rows(const char *wait, wait_call call, void (*wake)(void), void (*undo)(void))
{
	disturbed_rows(wait, call, wake, undo);
	wait_row(wait, "zero", call, 0, NULL);
}

/* Memory that this process and its helpers share. */
static inline void *shared(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		die("mmap");
	return memory;
}

static inline void setup(void)
{
	/* The end of a helper must not be a signal of its own kind in the middle of a row. */
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
}
#endif
