/* Three processes that sleep in a call on the sequencer: read, write and poll. Each says when, on
 * CLOCK_MONOTONIC in nanoseconds, and how it ended. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include <sound/asequencer.h>

static struct snd_seq_event events[3000];

static void child(char call)
{
	struct snd_seq_queue_info queue = { .owner = 1 };
	struct snd_seq_port_info port = { .capability = 0x7f };
	struct timespec now;
	long result = -1;
	int fd = open("/dev/snd/seq", O_RDWR);

	if (fd < 0)
		_exit(1);
	ioctl(fd, SNDRV_SEQ_IOCTL_CREATE_QUEUE, &queue);
	ioctl(fd, SNDRV_SEQ_IOCTL_CREATE_PORT, &port);
	for (int i = 0; i < 3000; i++)
		events[i] = (struct snd_seq_event) { .type = SNDRV_SEQ_EVENT_NOTEON, .queue = queue.queue,
						     .time.tick = 1000000, .dest = port.addr };
	dprintf(1, "sleeps\n");
	if (call == 'r') {
		result = read(fd, events, sizeof events[0]);
	} else if (call == 'w') {
		/* More than the pool holds. */
		result = write(fd, events, sizeof events);
		/* What fitted was taken; the rest must not be. */
		if (result > 0)
			result = write(fd, events, sizeof events);
	} else {
		struct pollfd polled = { fd, POLLIN, 0 };
		poll(&polled, 1, -1);
		result = read(fd, events, sizeof events[0]);
	}
	int number = errno;
	clock_gettime(CLOCK_MONOTONIC, &now);
	dprintf(1, "%c %lld %s\n", call, now.tv_sec * 1000000000LL + now.tv_nsec,
		result < 0 ? strerrorname_np(number) : "no error");
	_exit(0);
}

int main(void)
{
	/* Children, since the command itself is ended with the server. */
	for (const char *call = "rwp"; *call; call++)
		if (fork() == 0)
			child(*call);
	pause();
	return 0;
}
