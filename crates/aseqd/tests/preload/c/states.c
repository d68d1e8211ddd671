/* What polls find. */
#include "client.h"

static void poll_states(void)
{
	int fd = open_seq(O_RDWR | O_NONBLOCK);
	struct snd_seq_addr port = port_of(fd);
	int queue = stopped_queue(fd);
	event_t event;
	for (int round = 0; round < 100; round++) {
		CHECK(revents(fd, 0) == POLLOUT);
		send_number(fd, port, 1);
		CHECK(revents(fd, 0) == (POLLIN | POLLOUT));
		CHECK(fill(fd, port, queue) > 100);
		CHECK(revents(fd, 0) == POLLIN);
		CHECK(read(fd, &event, sizeof event) == sizeof event);
		CHECK(number_of(&event) == 1);
		CHECK(revents(fd, 0) == 0);
		CHECK(revents(fd, 1) == 0);
		if (round % 2) {
			fd_set in, out;
			struct timeval t = { 0, 0 };
			FD_ZERO(&in);
			FD_ZERO(&out);
			FD_SET(fd, &in);
			FD_SET(fd, &out);
			CHECK(select(fd + 1, &in, &out, NULL, &t) == 0);
			remove_output(fd);
			FD_SET(fd, &in);
			FD_SET(fd, &out);
			CHECK(select(fd + 1, &in, &out, NULL, &t) == 1 && FD_ISSET(fd, &out));
		} else {
			remove_output(fd);
		}
		CHECK(read(fd, &event, sizeof event) == -1 && errno == EAGAIN);
	}
	send_number(fd, port, 1);
	send_number(fd, port, 2);
	CHECK(revents(fd, 0) == (POLLIN | POLLOUT));
	remove_input(fd);
	CHECK(revents(fd, 0) == POLLOUT);
	close(fd);
}

static void epoll_states(void)
{
	int fd = open_seq(O_RDWR | O_NONBLOCK);
	struct snd_seq_addr port = port_of(fd);
	int queue = stopped_queue(fd);
	for (int edge = 0; edge < 2; edge++) {
		int epoll = epoll_create1(0);
		struct epoll_event wanted = { .events = EPOLLIN | EPOLLOUT }, got;
		event_t event;
		if (edge)
			wanted.events |= EPOLLET;
		CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &wanted) == 0);
		for (int round = 0; round < 20; round++) {
			if (!edge || round == 0) {
				CHECK(epoll_wait(epoll, &got, 1, 0) == 1 && got.events == EPOLLOUT);
			}
			CHECK(epoll_wait(epoll, &got, 1, 0) == !edge);
			send_number(fd, port, 1);
			CHECK(epoll_wait(epoll, &got, 1, 0) == 1 && got.events == (EPOLLIN | EPOLLOUT));
			CHECK(epoll_wait(epoll, &got, 1, 0) == !edge);
			CHECK(read(fd, &event, sizeof event) == sizeof event);
			fill(fd, port, queue);
			CHECK(epoll_wait(epoll, &got, 1, 0) == 0);
			remove_output(fd);
			CHECK(epoll_wait(epoll, &got, 1, 0) == 1 && got.events == EPOLLOUT);
		}
		close(epoll);
	}
}

static void *volatile nowhere = (void *)8;

/* Directions that a file is not open for. */
static void one_direction(void)
{
	int reader = open_seq(O_RDONLY | O_NONBLOCK), writer = open_seq(O_WRONLY | O_NONBLOCK);
	int both = open_seq(O_RDWR);
	event_t event;
	struct snd_seq_addr port = port_of(reader);
	CHECK((fcntl(reader, F_GETFL) & (O_ACCMODE | O_NONBLOCK)) == (O_RDONLY | O_NONBLOCK));
	CHECK((fcntl(writer, F_GETFL) & (O_ACCMODE | O_NONBLOCK)) == (O_WRONLY | O_NONBLOCK));
	CHECK((fcntl(both, F_GETFL) & (O_ACCMODE | O_NONBLOCK)) == O_RDWR);
	CHECK(revents(reader, 0) == 0);
	CHECK(revents(writer, 0) == POLLOUT);
	send_number(writer, port, 7);
	CHECK(revents(reader, 0) == POLLIN);
	CHECK(write(reader, &event, sizeof event) == -1 && errno == EBADF);
	CHECK(read(writer, &event, sizeof event) == -1 && errno == EBADF);
	CHECK(read(reader, &event, sizeof event) == sizeof event && number_of(&event) == 7);
	CHECK(revents(reader, 0) == 0);
	/* Pointers to nowhere. */
	send_number(both, port, 8);
	CHECK(read(reader, nowhere, sizeof event) == -1 && errno == EFAULT);
	CHECK(read(reader, &event, sizeof event) == sizeof event && number_of(&event) == 8);
	CHECK(write(both, nowhere, sizeof event) == -1 && errno == EFAULT);
	CHECK(ioctl(both, SNDRV_SEQ_IOCTL_CLIENT_ID, nowhere) == -1 && errno == EFAULT);
	CHECK(ioctl(both, SNDRV_SEQ_IOCTL_SYSTEM_INFO, nowhere) == -1 && errno == EFAULT);
	CHECK(ioctl(both, 0x12345678, &event) == -1 && errno == ENOTTY);
	CHECK(!isatty(both) && errno == ENOTTY);
	CHECK(lseek(both, 0, SEEK_SET) == -1 && errno == ESPIPE);
	CHECK(pread(both, &event, sizeof event, 0) == -1 && errno == ESPIPE);
	/* It still works. */
	send_number(both, port, 9);
	CHECK(read(reader, &event, sizeof event) == sizeof event && number_of(&event) == 9);
	errno = 4242;
	CHECK(revents(reader, 0) == 0);
	send_number(both, port, 10);
	CHECK(read(reader, &event, sizeof event) == sizeof event);
	CHECK(client_of(both) > 0 && errno == 4242);
}

static void overflow(void)
{
	int fd = open_seq(O_RDWR | O_NONBLOCK), writer = open_seq(O_RDWR);
	struct snd_seq_addr port = port_of(fd);
	struct snd_seq_client_pool pool;
	event_t event;
	memset(&pool, 0, sizeof pool);
	pool.client = client_of(fd);
	CHECK(ioctl(fd, SNDRV_SEQ_IOCTL_GET_CLIENT_POOL, &pool) == 0);
	for (int i = 0; i <= pool.input_pool; i++) {
		event = note(port, i);
		CHECK(write(writer, &event, sizeof event) == sizeof event || errno == ENOSPC || errno == EAGAIN || errno == ENOMEM);
	}
	CHECK(revents(fd, 0) == (POLLIN | POLLOUT));
	CHECK(read(fd, &event, sizeof event) == -1 && errno == ENOSPC);
	CHECK(revents(fd, 0) == POLLOUT);
	CHECK(read(fd, &event, sizeof event) == -1 && errno == EAGAIN);
	send_number(writer, port, 5);
	CHECK(read(fd, &event, sizeof event) == sizeof event && number_of(&event) == 5);
}

/* Many events in a call, by every way of writing. */
static void long_writes(void)
{
	int fd = open_seq(O_RDWR), out = open_seq(O_RDWR);
	struct snd_seq_addr port = port_of(fd);
	static event_t events[500], got[2000];
	for (int i = 0; i < 500; i++)
		events[i] = note(port, i);
	CHECK(write(out, events, 200 * sizeof *events) == 200 * sizeof *events);
	CHECK(read(fd, got, sizeof got) == 200 * sizeof *got);
	for (int i = 0; i < 200; i++)
		CHECK(number_of(got + i) == (unsigned)i);
	/* 500 are more than the reader has room for: the write is short, as on Linux, or drops. */
	struct snd_seq_client_pool pool;
	memset(&pool, 0, sizeof pool);
	pool.client = client_of(fd);
	CHECK(ioctl(fd, SNDRV_SEQ_IOCTL_GET_CLIENT_POOL, &pool) == 0);
	pool.input_pool = 2000;
	CHECK(ioctl(fd, SNDRV_SEQ_IOCTL_SET_CLIENT_POOL, &pool) == 0);
	CHECK(write(out, events, sizeof events) == sizeof events);
	CHECK(read(fd, got, sizeof got) == sizeof events);
	CHECK(memcmp(&got[499].data, &events[499].data, sizeof got[0].data) == 0);
	struct iovec parts[3] = { { events, 10 * sizeof *events },
				  { events + 10, sizeof *events },
				  { events + 11, 5 * sizeof *events } };
	CHECK(writev(out, parts, 3) == 16 * sizeof *events);
	parts[0].iov_base = got;
	parts[1].iov_base = got + 10;
	parts[2].iov_base = got + 11;
	CHECK(readv(fd, parts, 3) == 16 * sizeof *events);
	CHECK(number_of(got + 15) == 15);
	/* Nobody at the other end: three megabytes go, in several calls of ours. A record lies across
	   each border. */
	struct snd_seq_addr nobody = { 14, 0 };
	size_t count = 3 * 1024 * 1024 / sizeof(event_t) + 1;
	event_t *flood = malloc(count * sizeof *flood + 7);
	CHECK(flood != NULL);
	for (size_t i = 0; i < count; i++)
		flood[i] = note(nobody, i);
	CHECK(write(out, flood, count * sizeof *flood + 7) == (ssize_t)(count * sizeof *flood));
	/* A bad one in the third megabyte: all before it is taken, and the next write says why. */
	size_t bad = count - 1000;
	flood[bad].type = 255;
	flood[bad].flags = SNDRV_SEQ_EVENT_LENGTH_VARIABLE + 1;
	flood[bad].type = SNDRV_SEQ_EVENT_SYSEX;
	flood[bad].flags = 0;
	CHECK(write(out, flood, count * sizeof *flood) == (ssize_t)(bad * sizeof *flood));
	CHECK(write(out, flood + bad, sizeof *flood) == -1 && errno == EINVAL);
	CHECK(write(out, flood, 27) == -1 && errno == EINVAL);
	free(flood);
}

/* One thread fills the pool while another one empties it: when both have returned, a poll finds what is true. */
enum { MOMENTS = 3000 };
static int moment_fd, moment_queue;
static struct snd_seq_addr moment_port;
static pthread_barrier_t begin, end;
static void *fills(void *unused)
{
	event_t event = later(moment_port, moment_queue);
	(void)unused;
	for (int round = 0; round < MOMENTS; round++) {
		pthread_barrier_wait(&begin);
		CHECK(write(moment_fd, &event, sizeof event) == sizeof event);
		pthread_barrier_wait(&end);
	}
	return NULL;
}

static void full_for_a_moment(void)
{
	struct snd_seq_client_pool pool;
	pthread_t thread;
	int full = 0;
	memset(&pool, 0, sizeof pool);
	moment_fd = open_seq(O_RDWR | O_NONBLOCK);
	moment_port = port_of(moment_fd);
	moment_queue = stopped_queue(moment_fd);
	pool.client = client_of(moment_fd);
	pool.output_pool = pool.output_room = 1;
	CHECK(ioctl(moment_fd, SNDRV_SEQ_IOCTL_SET_CLIENT_POOL, &pool) == 0);
	CHECK(pthread_barrier_init(&begin, NULL, 2) == 0 && pthread_barrier_init(&end, NULL, 2) == 0);
	CHECK(pthread_create(&thread, NULL, fills, NULL) == 0);
	for (int round = 0; round < MOMENTS; round++) {
		int found;
		pthread_barrier_wait(&begin);
		remove_output(moment_fd);
		pthread_barrier_wait(&end);
		found = revents(moment_fd, 0);
		CHECK(ioctl(moment_fd, SNDRV_SEQ_IOCTL_GET_CLIENT_POOL, &pool) == 0);
		CHECK(found == (pool.output_free ? POLLOUT : 0));
		full += !pool.output_free;
		remove_output(moment_fd);
	}
	CHECK(pthread_join(thread, NULL) == 0);
	CHECK(full < MOMENTS);
	close(moment_fd);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} cases[] = { { "poll_states", poll_states },
		      { "epoll_states", epoll_states },
		      { "one_direction", one_direction },
		      { "overflow", overflow },
		      { "long_writes", long_writes },
		      { "full_for_a_moment", full_for_a_moment } };
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		if (argc == 2 && !strcmp(argv[1], cases[i].name)) {
			cases[i].run();
			puts("done");
			return 0;
		}
	}
	return 2;
}
