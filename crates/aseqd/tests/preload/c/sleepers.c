/* Calls that sleep in many threads, in programs that are killed, and when the server dies. */
#include "client.h"

/* Many threads, each with a file, and one file for all. */
enum { THREADS = 24, EACH = 1500 };
static int common;
static struct snd_seq_addr common_port;
static atomic_int taken;
static void *thread_main(void *number)
{
	int fd = open_seq(O_RDWR);
	struct snd_seq_addr port = port_of(fd);
	event_t event;
	for (unsigned i = 0; i < EACH; i++) {
		send_number(fd, port, i);
		CHECK(revents(fd, 0) & POLLIN);
		CHECK(read(fd, &event, sizeof event) == sizeof event && number_of(&event) == i);
		if (i % 50 == (unsigned)(long)number % 50) {
			/* Each sends one and takes one, anybody's. */
			send_number(fd, common_port, i);
			CHECK(read(common, &event, sizeof event) == sizeof event);
			taken++;
		}
	}
	CHECK(revents(fd, 0) == POLLOUT);
	CHECK(close(fd) == 0);
	return NULL;
}

static void threads(void)
{
	pthread_t all[THREADS];
	common = open_seq(O_RDWR);
	common_port = port_of(common);
	for (long i = 0; i < THREADS; i++)
		CHECK(pthread_create(all + i, NULL, thread_main, (void *)i) == 0);
	for (int i = 0; i < THREADS; i++)
		CHECK(pthread_join(all[i], NULL) == 0);
	CHECK(taken == THREADS * EACH / 50);
	CHECK(revents(common, 0) == POLLOUT);
}

/* More calls that sleep than there are places for. */
static void *sleeper(void *fd)
{
	event_t event;
	CHECK(read(*(int *)fd, &event, sizeof event) == sizeof event);
	taken++;
	return NULL;
}

static void many_sleepers(void)
{
	enum { SLEEPERS = 100 };
	pthread_t all[SLEEPERS];
	int fd = open_seq(O_RDWR), other = open_seq(O_RDWR);
	struct snd_seq_addr port = port_of(fd);
	for (int i = 0; i < SLEEPERS; i++)
		CHECK(pthread_create(all + i, NULL, sleeper, &fd) == 0);
	nap(0.3);
	for (int i = 0; i < SLEEPERS; i++)
		send_number(other, port, i);
	for (int i = 0; i < SLEEPERS; i++)
		CHECK(pthread_join(all[i], NULL) == 0);
	CHECK(taken == SLEEPERS && revents(fd, 0) == POLLOUT);
}

/* Killed while it calls: its client goes. */
static void killed(void)
{
	int watcher = open_seq(O_RDWR), status;
	for (int round = 0; round < 50; round++) {
		int ends[2];
		int id;
		CHECK(pipe(ends) == 0);
		pid_t child = fork();
		CHECK(child >= 0);
		if (child == 0) {
			int fd = open_seq(O_RDWR);
			struct snd_seq_addr port = port_of(fd);
			event_t event;
			id = client_of(fd);
			CHECK(write(ends[1], &id, sizeof id) == sizeof id);
			if (round % 2)
				read(fd, &event, sizeof event);
			for (;;) {
				send_number(fd, port, 1);
				read(fd, &event, sizeof event);
			}
		}
		CHECK(read(ends[0], &id, sizeof id) == sizeof id);
		nap(round * 0.0002);
		CHECK(exists(watcher, id));
		CHECK(kill(child, SIGKILL) == 0 && waitpid(child, &status, 0) == child);
		CHECK(!exists(watcher, id));
		close(ends[0]);
		close(ends[1]);
	}
}

/* The server is killed: everybody is told at once. */
static int server_fds[3];
static atomic_int told;
static double when[3];
static void *in_read(void *unused)
{
	event_t event;
	(void)unused;
	CHECK(read(server_fds[0], &event, sizeof event) == -1 && errno == ENODEV);
	when[0] = now();
	told++;
	return NULL;
}

static void *in_write(void *unused)
{
	struct snd_seq_addr port = { client_of(server_fds[1]), 0 };
	event_t event = later(port, 0);
	(void)unused;
	while (write(server_fds[1], &event, sizeof event) == sizeof event)
		;
	CHECK(errno == ENODEV);
	when[1] = now();
	told++;
	return NULL;
}

static void *in_poll(void *unused)
{
	struct pollfd p = { .fd = server_fds[2], .events = POLLIN };
	(void)unused;
	CHECK(poll(&p, 1, 20000) == 1 && (p.revents & POLLHUP));
	when[2] = now();
	told++;
	return NULL;
}

/* In seconds: less than any timeout, and more than a busy machine takes. */
#define AT_ONCE 10

static void server_dies(pid_t server)
{
	pthread_t threads[3];
	event_t event;
	int id;
	for (int i = 0; i < 3; i++) {
		server_fds[i] = open_seq(O_RDWR);
		port_of(server_fds[i]);
	}
	CHECK(stopped_queue(server_fds[1]) == 0);
	CHECK(pthread_create(threads, NULL, in_read, NULL) == 0);
	CHECK(pthread_create(threads + 1, NULL, in_write, NULL) == 0);
	CHECK(pthread_create(threads + 2, NULL, in_poll, NULL) == 0);
	nap(0.3);
	CHECK(told == 0);
	double start = now();
	CHECK(kill(server, SIGKILL) == 0);
	for (int i = 0; i < 3; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	for (int i = 0; i < 3; i++)
		CHECK(when[i] - start < AT_ONCE);
	start = now();
	CHECK(ioctl(server_fds[0], SNDRV_SEQ_IOCTL_CLIENT_ID, &id) == -1 && errno == ENODEV);
	CHECK(read(server_fds[0], &event, sizeof event) == -1 && errno == ENODEV);
	CHECK(write(server_fds[0], &event, sizeof event) == -1 && errno == ENODEV);
	CHECK(open(SEQ, O_RDWR) == -1 && errno == ENODEV);
	CHECK(fopen("/proc/asound/timers", "r") == NULL && errno == ENODEV);
	CHECK(close(server_fds[0]) == 0);
	CHECK(now() - start < AT_ONCE);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} cases[] = { { "threads", threads }, { "many_sleepers", many_sleepers }, { "killed", killed } };
	if (argc == 3 && !strcmp(argv[1], "server_dies")) {
		server_dies(atoi(argv[2]));
		puts("done");
		return 0;
	}
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		if (argc == 2 && !strcmp(argv[1], cases[i].name)) {
			cases[i].run();
			puts("done");
			return 0;
		}
	}
	return 2;
}
