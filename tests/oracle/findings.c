/* Shows what docs/linux-findings.md describes, on the running kernel:
 *
 *     cc -static -pthread -o findings tests/oracle/findings.c
 *     tests/oracle/run --kernel 7.3 --cpus 2 --add ./findings:/bin/findings --module snd-virmidi -- findings
 *
 * Without an argument it shows all; an argument names one. It prints facts and asserts nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include <sound/asequencer.h>

enum { RECORD = sizeof(struct snd_seq_event), MOST_PORTS = 253 };

static double now(void) {
	struct timespec at;
	clock_gettime(CLOCK_MONOTONIC, &at);
	return at.tv_sec * 1e3 + at.tv_nsec / 1e6;
}

static void check(int result, const char *what) {
	if (result < 0) {
		printf("  %s: %s\n", what, strerror(errno));
		exit(1);
	}
}

static void request(int fd, unsigned long code, void *argument, const char *what) { check(ioctl(fd, code, argument), what); }

/* Opens a client. */
static int client(int flags, int *number) {
	int fd = open("/dev/snd/seq", O_RDWR | flags);
	check(fd, "open /dev/snd/seq");
	request(fd, SNDRV_SEQ_IOCTL_CLIENT_ID, number, "CLIENT_ID");
	return fd;
}

/* Makes a port that anybody may use. Returns its number. */
static int port(int fd, int number, unsigned flags, int queue) {
	struct snd_seq_port_info info = { .addr.client = number, .flags = flags, .time_queue = queue };
	info.capability = SNDRV_SEQ_PORT_CAP_READ | SNDRV_SEQ_PORT_CAP_WRITE | SNDRV_SEQ_PORT_CAP_SUBS_READ |
		SNDRV_SEQ_PORT_CAP_SUBS_WRITE;
	request(fd, SNDRV_SEQ_IOCTL_CREATE_PORT, &info, "CREATE_PORT");
	return info.addr.port;
}

static int queue(int fd) {
	struct snd_seq_queue_info info = { 0 };
	request(fd, SNDRV_SEQ_IOCTL_CREATE_QUEUE, &info, "CREATE_QUEUE");
	return info.queue;
}

/* Returns a note for a port, direct or at a tick of a queue. */
static struct snd_seq_event note(int number, int port, int queue, unsigned tick) {
	struct snd_seq_event event = { .type = SNDRV_SEQ_EVENT_NOTEON, .queue = queue, .time.tick = tick };
	event.dest.client = number;
	event.dest.port = port;
	return event;
}

static void *close_it(void *fd) {
	double begin = now();
	close(*(int *)fd);
	*(int *)fd = -1;
	printf("  close() took %.1f ms\n", now() - begin);
	return NULL;
}

/* Events in a queue whose use was given up keep close() from returning. */
static void close_with_events(void) {
	int owner_number, user_number, owner = client(0, &owner_number), user = client(0, &user_number);
	struct snd_seq_queue_client use = { .queue = queue(owner), .client = user_number, .used = 1 };
	struct snd_seq_event event = note(owner_number, port(owner, owner_number, 0, 0), use.queue, 1000000);
	request(user, SNDRV_SEQ_IOCTL_SET_QUEUE_CLIENT, &use, "SET_QUEUE_CLIENT");
	check(write(user, &event, RECORD), "write");
	use.used = 0;
	request(user, SNDRV_SEQ_IOCTL_SET_QUEUE_CLIENT, &use, "SET_QUEUE_CLIENT");
	pthread_t thread;
	pthread_create(&thread, NULL, close_it, &user);
	sleep(2);
	if (user >= 0)
		printf("  close() has not returned for 2 s; the owner deletes the queue\n");
	struct snd_seq_queue_info gone = { .queue = use.queue };
	request(owner, SNDRV_SEQ_IOCTL_DELETE_QUEUE, &gone, "DELETE_QUEUE");
	pthread_join(thread, NULL);
	close(owner);
}

/* After a SysEx, events of a virmidi port carry the address of the buffer that held it. */
static void address_of_a_sysex(void) {
	int number, fd = client(O_NONBLOCK, &number), own = port(fd, number, 0, 0);
	struct snd_seq_client_info info = { .client = -1 };
	struct snd_seq_port_subscribe connection = { .dest = { number, own } };
	while (ioctl(fd, SNDRV_SEQ_IOCTL_QUERY_NEXT_CLIENT, &info) == 0)
		if (strstr(info.name, " 0-0"))
			break;
	connection.sender.client = info.client;
	int midi = open("/dev/snd/midiC0D0", O_WRONLY);
	if (midi < 0 || ioctl(fd, SNDRV_SEQ_IOCTL_SUBSCRIBE_PORT, &connection) < 0) {
		printf("  needs the module snd-virmidi\n");
		return;
	}
	static const unsigned char bytes[] = { 0xf0, 1, 2, 3, 0xf7, 0xf8, 0xc0, 5 };
	check(write(midi, bytes, sizeof bytes), "write to virmidi");
	usleep(200000);
	unsigned char buffer[1024];
	ssize_t count = read(fd, buffer, sizeof buffer);
	for (ssize_t at = 0; at + RECORD <= count;) {
		struct snd_seq_event event;
		memcpy(&event, buffer + at, RECORD);
		printf("  type %3d, data", event.type);
		for (int byte = 0; byte < 12; byte++)
			printf(" %02x", event.data.raw8.d[byte]);
		printf("\n");
		at += RECORD;
		if ((event.flags & SNDRV_SEQ_EVENT_LENGTH_MASK) == SNDRV_SEQ_EVENT_LENGTH_VARIABLE)
			at += (event.data.ext.len + RECORD - 1) / RECORD * RECORD;
	}
	close(midi);
	close(fd);
}

/* A direct event that finds the FIFO of a time-stamping port full. */
static void full_stamping_port(void) {
	int number, writer_number, fd = client(O_NONBLOCK, &number), writer = client(O_NONBLOCK, &writer_number);
	struct snd_seq_event event = note(number, 0, SNDRV_SEQ_QUEUE_DIRECT, 0);
	event.dest.port = port(fd, number, SNDRV_SEQ_PORT_FLG_TIMESTAMP, queue(fd));
	struct snd_seq_client_pool pool = { .client = number };
	request(fd, SNDRV_SEQ_IOCTL_GET_CLIENT_POOL, &pool, "GET_CLIENT_POOL");
	int taken = 0;
	for (int sent = 0; sent < pool.input_pool + 100; sent++)
		taken += write(writer, &event, RECORD) == RECORD;
	printf("  %d events fit; of %d writes %d succeed\n", pool.input_pool, pool.input_pool + 100, taken);
	close(writer);
	close(fd);
}

/* Closing a client with many ports, and an open elsewhere meanwhile. */
static void close_with_ports(void) {
	int number, fd = client(0, &number);
	for (int made = 0; made < MOST_PORTS; made++)
		port(fd, number, 0, 0);
	pthread_t thread;
	pthread_create(&thread, NULL, close_it, &fd);
	usleep(20000);
	double begin = now();
	int other = client(0, &number);
	printf("  an open elsewhere, 20 ms after the close began, took %.1f ms\n", now() - begin);
	pthread_join(thread, NULL);
	close(other);
}

static void *read_it(void *fd) {
	struct snd_seq_event event;
	check(read(*(int *)fd, &event, RECORD), "read");
	return NULL;
}

static void *resize_it(void *fd) {
	struct snd_seq_client_pool pool = { 0 };
	ioctl(*(int *)fd, SNDRV_SEQ_IOCTL_CLIENT_ID, &pool.client);
	ioctl(*(int *)fd, SNDRV_SEQ_IOCTL_GET_CLIENT_POOL, &pool);
	pool.input_pool = 100;
	request(*(int *)fd, SNDRV_SEQ_IOCTL_SET_CLIENT_POOL, &pool, "SET_CLIENT_POOL");
	return NULL;
}

static void *wake_it(void *address) {
	int number, fd = client(0, &number);
	struct snd_seq_event event = note(((int *)address)[0], ((int *)address)[1], SNDRV_SEQ_QUEUE_DIRECT, 0);
	sleep(2);
	check(write(fd, &event, RECORD), "write");
	close(fd);
	return NULL;
}

/* Reading the list of clients while a request of some client waits. */
static void clients_beside_a_request(void) {
	int number, fd = client(0, &number), address[2] = { number, port(fd, number, 0, 0) };
	pthread_t reader, resizer, waker;
	pthread_create(&waker, NULL, wake_it, address);
	pthread_create(&reader, NULL, read_it, &fd);
	usleep(200000);
	pthread_create(&resizer, NULL, resize_it, &fd);
	usleep(200000);
	double begin = now();
	char text[4096];
	int clients = open("/proc/asound/seq/clients", O_RDONLY);
	check(clients, "open /proc/asound/seq/clients");
	while (read(clients, text, sizeof text) > 0) {}
	printf("  reading /proc/asound/seq/clients beside a SET_CLIENT_POOL that waits took %.1f ms\n", now() - begin);
	close(clients);
	pthread_join(reader, NULL);
	pthread_join(resizer, NULL);
	pthread_join(waker, NULL);
	close(fd);
}

static const struct {
	const char *name;
	void (*show)(void);
} findings[] = {
	{ "close-with-events", close_with_events },
	{ "address-of-a-sysex", address_of_a_sysex },
	{ "full-stamping-port", full_stamping_port },
	{ "close-with-ports", close_with_ports },
	{ "clients-beside-a-request", clients_beside_a_request },
};

int main(int count, char **arguments) {
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (unsigned each = 0; each < sizeof findings / sizeof *findings; each++)
		if (count < 2 || strcmp(arguments[1], findings[each].name) == 0) {
			printf("%s\n", findings[each].name);
			findings[each].show();
		}
	return 0;
}
