/* A client of the sequencer that says what a case wants said. Included by each file of cases. */
#define _GNU_SOURCE
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <sound/asequencer.h>

#define SEQ "/dev/snd/seq"
#define TIMER "/dev/snd/timer"
typedef struct snd_seq_event event_t;

#define CHECK(condition) \
	do { \
		int seen_ = errno; \
		if (!(condition)) \
			failed(__FILE__, __LINE__, #condition, seen_); \
	} while (0)

__attribute__((unused, noreturn)) static void failed(const char *file, int line, const char *what, int number)
{
	fprintf(stderr, "%s:%d: %s (errno %d: %s)\n", file, line, what, number, strerror(number));
	_exit(1);
}

__attribute__((unused)) static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

__attribute__((unused)) static int client_of(int fd)
{
	int id = -1;
	CHECK(ioctl(fd, SNDRV_SEQ_IOCTL_CLIENT_ID, &id) == 0);
	return id;
}

__attribute__((unused)) static struct snd_seq_addr port_of(int fd)
{
	struct snd_seq_port_info port;
	memset(&port, 0, sizeof port);
	port.addr.client = client_of(fd);
	port.capability = SNDRV_SEQ_PORT_CAP_READ | SNDRV_SEQ_PORT_CAP_WRITE |
			  SNDRV_SEQ_PORT_CAP_SUBS_READ | SNDRV_SEQ_PORT_CAP_SUBS_WRITE;
	strcpy(port.name, "port");
	CHECK(ioctl(fd, SNDRV_SEQ_IOCTL_CREATE_PORT, &port) == 0);
	return port.addr;
}

__attribute__((unused)) static int open_seq(int flags)
{
	int fd = open(SEQ, flags);
	CHECK(fd >= 0);
	return fd;
}

/* A note to that port at once, with a number in it. */
__attribute__((unused)) static event_t note(struct snd_seq_addr dest, unsigned number)
{
	event_t event;
	memset(&event, 0, sizeof event);
	event.type = SNDRV_SEQ_EVENT_USR0;
	event.queue = SNDRV_SEQ_QUEUE_DIRECT;
	event.dest = dest;
	event.data.raw32.d[0] = number;
	return event;
}

__attribute__((unused)) static unsigned number_of(const event_t *event)
{
	return event->data.raw32.d[0];
}

__attribute__((unused)) static void send_number(int fd, struct snd_seq_addr dest, unsigned number)
{
	event_t event = note(dest, number);
	CHECK(write(fd, &event, sizeof event) == sizeof event);
}

__attribute__((unused)) static int revents(int fd, int timeout)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };
	int ready = poll(&p, 1, timeout);
	CHECK(ready >= 0);
	return p.revents;
}

/* A queue whose events wait for ever: it is not started. */
__attribute__((unused)) static int stopped_queue(int fd)
{
	struct snd_seq_queue_info info;
	memset(&info, 0, sizeof info);
	info.owner = client_of(fd);
	info.locked = 1;
	CHECK(ioctl(fd, SNDRV_SEQ_IOCTL_CREATE_QUEUE, &info) == 0);
	return info.queue;
}

__attribute__((unused)) static event_t later(struct snd_seq_addr dest, int queue)
{
	event_t event = note(dest, 0);
	event.queue = queue;
	event.time.tick = 1000000;
	return event;
}

/* Fills the output pool; how many events it took. */
__attribute__((unused)) static int fill(int fd, struct snd_seq_addr dest, int queue)
{
	event_t event = later(dest, queue);
	int count = 0;
	while (write(fd, &event, sizeof event) == sizeof event)
		count++;
	CHECK(errno == EAGAIN);
	return count;
}

__attribute__((unused)) static void remove_output(int fd)
{
	struct snd_seq_remove_events remove;
	memset(&remove, 0, sizeof remove);
	remove.remove_mode = SNDRV_SEQ_REMOVE_OUTPUT;
	CHECK(ioctl(fd, SNDRV_SEQ_IOCTL_REMOVE_EVENTS, &remove) == 0);
}

__attribute__((unused)) static void remove_input(int fd)
{
	struct snd_seq_remove_events remove;
	memset(&remove, 0, sizeof remove);
	remove.remove_mode = SNDRV_SEQ_REMOVE_INPUT;
	CHECK(ioctl(fd, SNDRV_SEQ_IOCTL_REMOVE_EVENTS, &remove) == 0);
}

__attribute__((unused)) static void on_signal(int number, void (*handler)(int), int flags)
{
	struct sigaction action;
	memset(&action, 0, sizeof action);
	action.sa_handler = handler;
	action.sa_flags = flags;
	CHECK(sigaction(number, &action, NULL) == 0);
}

/* Is there a client with that number? */
__attribute__((unused)) static int exists(int fd, int client)
{
	struct snd_seq_client_info info;
	memset(&info, 0, sizeof info);
	info.client = client;
	return ioctl(fd, SNDRV_SEQ_IOCTL_GET_CLIENT_INFO, &info) == 0;
}

__attribute__((unused)) static void nap(double seconds)
{
	struct timespec t = { (time_t)seconds, (long)((seconds - (time_t)seconds) * 1e9) };
	while (nanosleep(&t, &t) != 0)
		;
}
