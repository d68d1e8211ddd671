/* Bugs that Linux had where a program's memory and signals meet the devices, by their number in the catalogue of known
 * bugs: `known_bugs memory`, `known_bugs mapping`, `known_bugs signals`. Prints "ok", or what is wrong. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <sound/asequencer.h>
#include <sound/asound.h>

#define CHECK(condition) check(condition, #condition, __LINE__)

static void check(int holds, const char *what, int line)
{
	if (holds)
		return;
	printf("line %d: %s (%s)\n", line, what, strerror(errno));
	exit(1);
}

static int opened(const char *path)
{
	int fd = open(path, O_RDWR | O_NONBLOCK);

	CHECK(fd >= 0);
	return fd;
}

static void select_timer(int fd, int device)
{
	struct snd_timer_select select = { .id = { SNDRV_TIMER_CLASS_GLOBAL, 0, -1, device, 0 } };

	CHECK(ioctl(fd, SNDRV_TIMER_IOCTL_SELECT, &select) == 0);
}

/* K40: calls with a bad address fail, and the device goes on. */
static void memory(void)
{
	static const unsigned long requests[] = {
		SNDRV_SEQ_IOCTL_PVERSION, SNDRV_SEQ_IOCTL_CLIENT_ID, SNDRV_SEQ_IOCTL_SYSTEM_INFO,
		SNDRV_SEQ_IOCTL_RUNNING_MODE, SNDRV_SEQ_IOCTL_GET_CLIENT_INFO, SNDRV_SEQ_IOCTL_SET_CLIENT_INFO,
		SNDRV_SEQ_IOCTL_CREATE_PORT, SNDRV_SEQ_IOCTL_DELETE_PORT, SNDRV_SEQ_IOCTL_GET_PORT_INFO,
		SNDRV_SEQ_IOCTL_SET_PORT_INFO, SNDRV_SEQ_IOCTL_SUBSCRIBE_PORT, SNDRV_SEQ_IOCTL_UNSUBSCRIBE_PORT,
		SNDRV_SEQ_IOCTL_CREATE_QUEUE, SNDRV_SEQ_IOCTL_DELETE_QUEUE, SNDRV_SEQ_IOCTL_GET_QUEUE_INFO,
		SNDRV_SEQ_IOCTL_SET_QUEUE_INFO, SNDRV_SEQ_IOCTL_GET_QUEUE_STATUS, SNDRV_SEQ_IOCTL_GET_QUEUE_TEMPO,
		SNDRV_SEQ_IOCTL_SET_QUEUE_TEMPO, SNDRV_SEQ_IOCTL_GET_CLIENT_POOL, SNDRV_SEQ_IOCTL_SET_CLIENT_POOL,
		SNDRV_SEQ_IOCTL_REMOVE_EVENTS, SNDRV_SEQ_IOCTL_QUERY_SUBS, SNDRV_SEQ_IOCTL_QUERY_NEXT_CLIENT,
		SNDRV_SEQ_IOCTL_QUERY_NEXT_PORT,
	};
	struct snd_seq_port_info port = { .capability = 0x7f };
	struct snd_seq_system_info system;
	int fd = opened("/dev/snd/seq");
	char *bad = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(bad != MAP_FAILED);
	for (int round = 0; round < 20; round++) {
		for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
			CHECK(ioctl(fd, requests[i], bad) == -1 && errno == EFAULT);
		CHECK(write(fd, bad, 28) == -1 && errno == EFAULT);
	}
	int client;

	CHECK(ioctl(fd, SNDRV_SEQ_IOCTL_CLIENT_ID, &client) == 0);
	port.addr.client = client;
	CHECK(ioctl(fd, SNDRV_SEQ_IOCTL_CREATE_PORT, &port) == 0);
	CHECK(port.addr.port == 0);
	CHECK(ioctl(fd, SNDRV_SEQ_IOCTL_SYSTEM_INFO, &system) == 0);
	CHECK(system.cur_queues == 0);
	struct snd_seq_event event = { .type = SNDRV_SEQ_EVENT_ECHO, .queue = SNDRV_SEQ_QUEUE_DIRECT, .dest = port.addr };
	CHECK(write(fd, &event, sizeof event) == sizeof event);
	CHECK(read(fd, bad, sizeof event) == -1 && errno == EFAULT);
	/* The device still delivers; whether the first event is kept depends on the door. */
	CHECK(write(fd, &event, sizeof event) == sizeof event);
	CHECK(read(fd, &event, sizeof event) == sizeof event);
}

static char *_Atomic page;
static atomic_bool over;

static void *map_and_unmap(void *unused)
{
	while (!over) {
		CHECK(mprotect(page, 4096, PROT_NONE) == 0);
		CHECK(mprotect(page, 4096, PROT_READ | PROT_WRITE) == 0);
	}
	return unused;
}

/* K45: requests of the timer device whose buffer comes and goes. */
static void mapping(void)
{
	int fd = opened("/dev/snd/timer");
	long done = 0, failed = 0;
	pthread_t thread;

	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(page != MAP_FAILED);
	CHECK(pthread_create(&thread, NULL, map_and_unmap, NULL) == 0);
	for (int round = 0; round < 200000 && (round < 2000 || !done || !failed); round++) {
		unsigned long request = round % 2 ? SNDRV_TIMER_IOCTL_GINFO : SNDRV_TIMER_IOCTL_NEXT_DEVICE;
		int result = ioctl(fd, request, page);

		/* The thread may be in between, and the id in the page may be any. */
		CHECK(result == 0 || errno == EFAULT || errno == ENODEV || errno == EINVAL);
		if (result == -1 && errno == EFAULT)
			failed++;
		else
			done++;
	}
	over = 1;
	CHECK(pthread_join(thread, NULL) == 0);
	CHECK(done > 0 && failed > 0);
	select_timer(fd, SNDRV_TIMER_GLOBAL_SYSTEM);
}

static atomic_long signals_caught;

static void caught(int number)
{
	(void)number;
	signals_caught++;
}

static void *toggle(void *file)
{
	int fd = *(int *)file;
	int flags = fcntl(fd, F_GETFL);

	while (!over) {
		/* A door whose descriptors cannot send signals refuses or ignores it. */
		(void)fcntl(fd, F_SETOWN, getpid());
		(void)fcntl(fd, F_SETFL, flags | O_ASYNC);
		(void)fcntl(fd, F_SETFL, flags);
	}
	return file;
}

/* K47 and K48: a timer ticks while its descriptor's O_ASYNC changes. */
static void signals(void)
{
	struct snd_timer_params params = { .flags = SNDRV_TIMER_PSFLG_AUTO, .ticks = 1, .filter = 1 << SNDRV_TIMER_EVENT_TICK };
	struct snd_timer_tread record;
	int fd = opened("/dev/snd/timer"), on = 1, ticks = 0;
	pthread_t thread;

	signal(SIGIO, caught);
	CHECK(ioctl(fd, SNDRV_TIMER_IOCTL_TREAD, &on) == 0);
	select_timer(fd, SNDRV_TIMER_GLOBAL_SYSTEM);
	CHECK(ioctl(fd, SNDRV_TIMER_IOCTL_PARAMS, &params) == 0);
	CHECK(ioctl(fd, SNDRV_TIMER_IOCTL_START) == 0);
	CHECK(pthread_create(&thread, NULL, toggle, &fd) == 0);
	for (int tries = 0; tries < 10000 && ticks < 50; tries++) {
		ssize_t count = read(fd, &record, sizeof record);

		CHECK(count == sizeof record || (count == -1 && (errno == EAGAIN || errno == EINTR)));
		if (count > 0)
			ticks++;
		else
			usleep(1000);
	}
	over = 1;
	CHECK(pthread_join(thread, NULL) == 0);
	CHECK(ticks == 50);
	CHECK(ioctl(fd, SNDRV_TIMER_IOCTL_STOP) == 0);
	CHECK(close(fd) == 0);
}

int main(int argc, char **argv)
{
	const char *which = argc == 2 ? argv[1] : "";

	if (!strcmp(which, "memory"))
		memory();
	else if (!strcmp(which, "mapping"))
		mapping();
	else if (!strcmp(which, "signals"))
		signals();
	else
		return 2;
	puts("ok");
	return 0;
}
