/* Sleeps in a call on the sequencer, says how that ended, and after how many milliseconds of being
 * told to look at the clock: by a byte at standard input. */
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

static void report(const char *call, long result)
{
	dprintf(1, "%s %ld %s\n", call, result, result < 0 ? strerrorname_np(errno) : "");
}

int main(int argc, char **argv)
{
	struct snd_seq_event event = { .type = SNDRV_SEQ_EVENT_NOTEON };
	static struct snd_seq_event many[3000];
	struct snd_seq_queue_info queue = { .owner = 1 };
	struct snd_seq_port_info port = { .capability = 0x7f };
	int fd = open("/dev/snd/seq", O_RDWR);
	if (argc != 2 || fd < 0 || fork() != 0) {
		/* The child is not ended with the server, as the command itself is. */
		pause();
		return 1;
	}
	dprintf(1, "sleeps\n");
	switch (argv[1][0]) {
	case 'r':
		report("read", read(fd, &event, sizeof event));
		break;
	case 'p': {
		struct pollfd polled = { fd, POLLIN, 0 };
		poll(&polled, 1, -1);
		report("poll", polled.revents & POLLHUP);
		break;
	}
	case 'w':
		ioctl(fd, SNDRV_SEQ_IOCTL_CREATE_QUEUE, &queue);
		ioctl(fd, SNDRV_SEQ_IOCTL_CREATE_PORT, &port);
		for (int i = 0; i < 3000; i++) {
			many[i] = event;
			many[i].queue = queue.queue;
			many[i].time.tick = 1000000;
			many[i].dest = port.addr;
		}
		report("write", write(fd, many, sizeof many));
		break;
	}
	report("later", write(fd, &event, sizeof event));
	return 0;
}
