#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Behind the open, O_NONBLOCK is set if it was not, and else cleared. */
#define CHANGES 0x40000000

/* One call. Calls with the same stretch are made at once, each by a thread of its own. */
struct op {
	int stretch;
	int process; /* 0 to 2 */
	enum { OPEN, OPEN_TIMER, CREATE, CLOSE, REQUEST, WRITE, READ, POLL, WAIT } kind;
	int file, opens; /* by number, in the order of the calls that open them; -1: none */
	unsigned long code; /* of a request; the flags of an open, and CHANGES; the nanoseconds of a wait */
	const char *data;
	long len;
	int how; /* of a poll: 0 returns at once, 1 sleeps in poll, 2 in epoll, 3 for an edge */
	int pointer; /* -1 good, 0 null, 1 unmapped, 2 read-only, 3 + N: N bytes are there */
	long cut; /* of a read or write: the length of the first of two parts; 0: it is one part */
	long signal, kill, cancel; /* after how many ticks of 60 us; -1: never */
	long fail; /* which allocation of the kernel fails; 0: none */
	int copy; /* 1: on a duplicate of the descriptor; 2: a child has closed its copy first */
};

static const struct op ops[] = {
	/* OPS */
};

#define OPS ((int)(sizeof(ops) / sizeof(ops[0])))
#define FILES 1 /* FILES */
#define TICK_NS 60000
/* Where nothing has happened for so long, calls that sleep get a signal. */
#define IDLE_NS 400000000L
#define PAGE 65536

enum { OPEN_YET, DONE };
static struct shared {
	atomic_int state[OPS], idle[OPS], dead[3];
} *shared;

static int files[FILES], edges[FILES];
static int closed; /* takes the place of a file that was closed: every call on it is EBADF */
static pthread_t threads[OPS];
static int has_thread[OPS];

static long since(const struct timespec *began)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - began->tv_sec) * 1000000000L + now.tv_nsec - began->tv_nsec;
}

/* Prints what came of a call: its number, its value or error, and the bytes that came back. */
static void finish(int number, long value, int error, const unsigned char *bytes, long len)
{
	char *line = malloc(2 * len + 100);
	int at;

	if (value < 0)
		at = sprintf(line, "%d error %d%s", number, error, shared->idle[number] ? " idle" : "");
	else
		at = sprintf(line, "%d %ld ", number, value);
	for (long byte = 0; value >= 0 && byte < len; byte++)
		at += sprintf(line + at, "%02x", bytes[byte]);
	line[at++] = '\n';
	if (write(1, line, at) != at)
		_exit(3);
	shared->state[number] = DONE;
}

/* Returns memory at which as much of a buffer is as the call says. */
static unsigned char *memory(const struct op *op, long *readable)
{
	long room = (op->len + PAGE) / PAGE * PAGE;
	unsigned char *base = mmap(NULL, room + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned char *at = base;
	long there = op->len;

	if (base == MAP_FAILED)
		_exit(3);
	if (op->pointer >= 3) {
		there = op->pointer - 3 < room ? op->pointer - 3 : room;
		at = base + room - there;
		if (there > op->len)
			there = op->len;
	}
	if (op->data && op->pointer != 0 && op->pointer != 1)
		memcpy(at, op->data, there);
	*readable = op->pointer == 0 || op->pointer == 1 ? 0 : there;
	mprotect(base + room, PAGE, PROT_NONE);
	if (op->pointer == 2)
		mprotect(base, room, PROT_READ);
	return op->pointer == 0 ? NULL : op->pointer == 1 ? base + room : at;
}

static int watch(int file, unsigned events)
{
	struct epoll_event event = { .events = events };
	int made = epoll_create1(EPOLL_CLOEXEC);

	if (made >= 0 && epoll_ctl(made, EPOLL_CTL_ADD, file, &event) < 0) {
		int error = errno == EPERM ? EBADF : errno;

		close(made);
		errno = error;
		return -1;
	}
	return made;
}

static long poll_file(const struct op *op, int file)
{
	struct pollfd fd = { .fd = file, .events = op->how ? POLLIN : POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM };
	struct epoll_event event;
	long done;

	if (op->how == 3)
		return epoll_wait(edges[op->file], &event, 1, -1) < 0 ? -1 : 1;
	if (op->how == 2) {
		int made = watch(file, EPOLLIN);

		if (made < 0)
			return -1;
		done = epoll_wait(made, &event, 1, -1);
		close(made);
		return done < 0 ? -1 : (event.events & EPOLLIN) != 0;
	}
	if (poll(&fd, 1, op->how ? -1 : 0) < 0)
		return -1;
	if (fd.revents & POLLNVAL) {
		errno = EBADF;
		return -1;
	}
	if (op->how)
		return fd.revents & POLLIN ? 1 : 0;
	done = (fd.revents & POLLIN ? 1 : 0) | (fd.revents & POLLOUT ? 2 : 0);
	if (!(done & 1) != !(fd.revents & POLLRDNORM) || !(done & 2) != !(fd.revents & POLLWRNORM))
		done |= 4; /* Linux sets both bits or none. */
	return done;
}

static void fail(long nth)
{
	int file = open("/proc/thread-self/fail-nth", O_WRONLY | O_CLOEXEC);
	char text[32];

	/* Only a kernel with fault injection has this file. */
	if (file < 0)
		return;
	sprintf(text, "%ld", nth);
	if (write(file, text, strlen(text)) < 0)
		perror("fail-nth");
	close(file);
}

static void close_in_child(int file)
{
	int child = fork();

	if (child == 0) {
		close(file);
		_exit(0);
	}
	while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
}

struct call {
	int number, file;
};

/* Makes a call. */
static void *make(void *argument)
{
	struct call call = *(struct call *)argument;
	const struct op *op = &ops[call.number];
	long value = -1, told = 0, readable = 0;
	int error, stays = 1, ignored, copy = -1;
	unsigned char *at = NULL;

	free(argument);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &ignored);
	if (op->kind == READ || op->kind == WRITE || op->kind == REQUEST || op->kind == CREATE)
		at = memory(op, &readable);
	if (op->kind == REQUEST && op->code == FIONBIO && op->pointer < 0) {
		/* The old STOP of timers: files stay as they are. */
		stays = fcntl(call.file, F_GETFL) & O_NONBLOCK ? 1 : 0;
		memcpy(at, &stays, sizeof(stays));
	}
	if (op->copy == 1 && call.file >= 0 && (copy = fcntl(call.file, F_DUPFD_CLOEXEC, 0)) >= 0)
		call.file = copy;
	if (op->copy == 2 && call.file >= 0)
		close_in_child(call.file);
	if (op->fail)
		fail(op->fail);
	if (op->cancel >= 0 && op->pointer < 0)
		pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &ignored);
	switch (op->kind) {
	case OPEN:
	case OPEN_TIMER:
		value = open(op->kind == OPEN ? "/dev/snd/seq" : "/dev/snd/timer", (int)(op->code & ~CHANGES));
		if (value >= 0 && op->code & CHANGES)
			fcntl(value, F_SETFL, fcntl(value, F_GETFL) ^ O_NONBLOCK);
		break;
	case CREATE:
	case REQUEST:
		value = ioctl(call.file, op->code, at);
		told = op->len;
		break;
	case WRITE:
		if (op->cut > 0 && op->pointer < 0) {
			struct iovec parts[2] = { { at, op->cut }, { at + op->cut, op->len - op->cut } };

			value = writev(call.file, parts, op->cut < op->len ? 2 : 1);
		} else {
			value = write(call.file, at, op->len);
		}
		break;
	case READ:
		if (op->cut > 0 && op->pointer < 0) {
			struct iovec parts[2] = { { at, op->cut }, { at + op->cut, op->len - op->cut } };

			value = readv(call.file, parts, op->cut < op->len ? 2 : 1);
		} else {
			value = read(call.file, at, op->len);
		}
		told = value > 0 ? value : 0;
		break;
	case POLL:
		value = poll_file(op, call.file);
		break;
	case WAIT:
	case CLOSE:
		break;
	}
	error = errno;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &ignored);
	if (op->fail)
		fail(0);
	if (copy >= 0)
		close(copy);
	if (value >= 0 && op->opens >= 0) {
		int made = value;

		if (op->kind == CREATE)
			memcpy(&made, at + 8, sizeof(made));
		files[op->opens] = made;
		value = 0;
	}
	finish(call.number, value, error, at, told < readable ? told : readable);
	return NULL;
}

/* Begins a call. */
static void begin(int number)
{
	const struct op *op = &ops[number];
	int file = op->file < 0 ? -1 : files[op->file];
	struct call *call;

	if (op->kind == WAIT) {
		struct timespec time = { op->code / 1000000000, op->code % 1000000000 };

		nanosleep(&time, NULL);
		finish(number, 0, 0, NULL, 0);
		return;
	}
	if (op->file >= 0 && file < 0) {
		finish(number, -1, EBADF, NULL, 0);
		return;
	}
	if (op->kind == CLOSE) {
		if (edges[op->file] >= 0)
			close(edges[op->file]);
		edges[op->file] = files[op->file] = -1;
		finish(number, dup3(closed, file, O_CLOEXEC) < 0 ? -1 : 0, errno, NULL, 0);
		return;
	}
	if (op->kind == POLL && op->how == 3 && edges[op->file] < 0) {
		struct epoll_event event;

		/* The first call takes the edges so far. */
		edges[op->file] = watch(file, EPOLLIN | EPOLLET);
		if (edges[op->file] >= 0)
			epoll_wait(edges[op->file], &event, 1, 0);
		finish(number, edges[op->file] < 0 ? -1 : 0, errno, NULL, 0);
		return;
	}
	call = malloc(sizeof(*call));
	*call = (struct call){ number, file };
	has_thread[number] = pthread_create(&threads[number], NULL, make, call) == 0;
	if (!has_thread[number])
		finish(number, -1, EAGAIN, NULL, 0);
}

static void end(int number)
{
	void *told = NULL;

	if (has_thread[number])
		pthread_join(threads[number], &told);
	has_thread[number] = 0;
	if (told == PTHREAD_CANCELED) {
		printf("%d lost\n", number);
		fflush(stdout);
		shared->state[number] = DONE;
	}
}

/* Makes the calls of a process, stretch by stretch with the others. */
static void run(int process, const int *pids)
{
	for (int stretch = 0; stretch <= ops[OPS - 1].stretch; stretch++) {
		int before = -1, signalled[OPS] = { 0 };
		struct timespec began, last;

		clock_gettime(CLOCK_MONOTONIC, &began);
		last = began;
		for (int number = 0; number < OPS; number++)
			if (ops[number].stretch == stretch && ops[number].process == process)
				begin(number);
		for (;;) {
			int left = 0, done = 0;
			int idle = since(&last) > IDLE_NS;
			long ticks = since(&began) / TICK_NS;

			for (int number = 0; number < OPS; number++) {
				const struct op *op = &ops[number];

				if (op->stretch != stretch)
					continue;
				if (shared->state[number] == DONE || shared->dead[op->process]) {
					done++;
					continue;
				}
				left++;
				if (process == 0 && op->process > 0 && op->kill >= 0 && ticks >= op->kill) {
					kill(pids[op->process], SIGKILL);
					waitpid(pids[op->process], NULL, 0);
					shared->dead[op->process] = 1;
				} else if (op->process != process || !has_thread[number]) {
					continue;
				} else if (process == 0 && op->cancel >= 0 && op->pointer < 0 && ticks >= op->cancel) {
					pthread_cancel(threads[number]);
					end(number);
				} else if (idle || (op->signal >= 0 && ticks >= op->signal && !signalled[number])) {
					if (idle && !signalled[number])
						shared->idle[number] = 1;
					signalled[number] = 1;
					pthread_kill(threads[number], SIGUSR1);
				}
			}
			if (idle || done != before)
				clock_gettime(CLOCK_MONOTONIC, &last);
			before = done;
			if (!left)
				break;
			usleep(20);
		}
		for (int number = 0; number < OPS; number++)
			if (ops[number].stretch == stretch)
				end(number);
	}
}

static void nothing(int number)
{
	(void)number;
}

/* Makes all calls once, in processes of their own. */
static void once(void)
{
	struct sigaction action = { .sa_handler = nothing };
	int pids[3] = { getpid(), 0, 0 }, process = 0;

	sigaction(SIGUSR1, &action, NULL);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	closed = open("/", O_PATH | O_CLOEXEC);
	for (int file = 0; file < FILES; file++)
		files[file] = edges[file] = -1;
	for (int other = 1; other < 3 && process == 0; other++) {
		int used = 0;

		for (int number = 0; number < OPS; number++)
			used |= ops[number].process == other;
		if (used && (pids[other] = fork()) == 0)
			process = other;
	}
	if (process == 0) {
		printf("pids %d %d %d\n", pids[0], pids[1], pids[2]);
		fflush(stdout);
	}
	run(process, pids);
	if (process != 0)
		_exit(0);
	while (wait(NULL) > 0)
		;
}

int main(int count, char **words)
{
	int rounds = count > 1 ? atoi(words[1]) : 1;

	/* Other orders come in other rounds. */
	for (int round = 1; round < rounds; round++) {
		int child = fork();

		if (child == 0) {
			once();
			_exit(0);
		}
		waitpid(child, NULL, 0);
	}
	once();
	return 0;
}
