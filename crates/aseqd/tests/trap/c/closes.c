/* Clients that are closed one after the other end in that order, with the announcements that Linux has for it;
 * those that are closed at once, by close_range or by the end of their process, the last one first. */
#include "../../preload/c/client.h"
#include <sys/syscall.h>

#define CLIENTS 12

static int watcher;

/* These clients have ended, in their order or the other way round. */
static void ended(const int *clients, int count, int last_first)
{
	for (int seen = 0; seen < count;) {
		int at = last_first ? count - 1 - seen : seen;
		struct pollfd polled = { watcher, POLLIN, 0 };
		event_t event;
		CHECK(poll(&polled, 1, 20000) == 1);
		CHECK(read(watcher, &event, sizeof event) == (ssize_t)sizeof event);
		if (event.type != SNDRV_SEQ_EVENT_CLIENT_EXIT)
			continue;
		if (event.data.addr.client != clients[at]) {
			fprintf(stderr, "client %d ended, and not %d\n", event.data.addr.client, clients[at]);
			_exit(1);
		}
		seen++;
	}
}

int main(void)
{
	int files[CLIENTS], clients[CLIENTS], numbers[2];
	struct snd_seq_port_subscribe subscribe = { .sender = { 0, SNDRV_SEQ_PORT_SYSTEM_ANNOUNCE } };
	watcher = open_seq(O_RDWR);
	subscribe.dest = port_of(watcher);
	CHECK(ioctl(watcher, SNDRV_SEQ_IOCTL_SUBSCRIBE_PORT, &subscribe) == 0);
	for (int round = 0; round < 60; round++) {
		int count = 2 + round % (CLIENTS - 1);
		if (round % 3 == 2) {
			/* They are the child's, and end with it. */
			CHECK(pipe(numbers) == 0);
			if (fork() == 0) {
				for (int i = 0; i < count; i++) {
					clients[i] = client_of(open_seq(O_RDWR));
					CHECK(write(numbers[1], &clients[i], sizeof clients[i]) > 0);
				}
				_exit(0);
			}
			for (int i = 0; i < count; i++)
				CHECK(read(numbers[0], &clients[i], sizeof clients[i]) > 0);
			CHECK(wait(NULL) > 0);
			close(numbers[0]);
			close(numbers[1]);
			ended(clients, count, 1);
			continue;
		}
		for (int i = 0; i < count; i++) {
			files[i] = open_seq(O_RDWR);
			clients[i] = client_of(files[i]);
		}
		if (round % 3)
			CHECK(syscall(SYS_close_range, files[0], files[count - 1], 0) == 0);
		else
			for (int i = 0; i < count; i++)
				close(files[i]);
		ended(clients, count, round % 3);
	}
	puts("done");
	return 0;
}
