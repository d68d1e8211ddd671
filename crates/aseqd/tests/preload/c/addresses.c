/* Addresses that lead nowhere: an error, never the end of the program, and no event is lost. What is asserted
   here is what Linux 6.12 does. */
#include "client.h"
#include <sys/sendfile.h>

/* Volatile, or the compiler sees that they lead nowhere. */
static char *volatile bad = (char *)8, *volatile kernels = (char *)0xffff800000000000;

/* The end of a piece of memory, behind which there is none. */
static char *edge(void)
{
	char *pages = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(pages != MAP_FAILED && mprotect(pages + 4096, 2 * 4096, PROT_NONE) == 0);
	return pages + 4096;
}

static char *read_only(void)
{
	char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(page != MAP_FAILED);
	return page;
}

#define FAILS(call, number) CHECK((call) == -1 && errno == (number))

static void paths(void)
{
	struct stat s;
	char *volatile places[] = { bad, kernels, edge(), NULL };
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		char *path = places[i];
		FAILS(open(path, O_RDWR), EFAULT);
		FAILS(open(path, O_RDWR | O_CREAT, 0600), EFAULT);
		FAILS(openat(AT_FDCWD, path, O_RDONLY), EFAULT);
		FAILS(creat(path, 0600), EFAULT);
		FAILS(access(path, R_OK), EFAULT);
		FAILS(faccessat(AT_FDCWD, path, R_OK, 0), EFAULT);
		FAILS(stat(path, &s), EFAULT);
		FAILS(lstat(path, &s), EFAULT);
		CHECK(fopen(path, "r") == NULL && errno == EFAULT);
		CHECK(fopen(path, "w") == NULL && errno == EFAULT);
	}
	/* One that ends at the edge is a path; one that goes beyond is none. */
	char *end = edge();
	memcpy(end - sizeof SEQ, SEQ, sizeof SEQ);
	int fd = open(end - sizeof SEQ, O_RDWR);
	CHECK(fd >= 0 && client_of(fd) > 0 && access(end - sizeof SEQ, F_OK) == 0);
	memcpy(end - sizeof SEQ + 1, SEQ, sizeof SEQ - 1);
	FAILS(open(end - sizeof SEQ + 1, O_RDWR), EFAULT);
	FAILS(open(end - sizeof SEQ + 1, O_RDWR | O_CREAT, 0600), EFAULT);
	FAILS(stat(end - sizeof SEQ + 1, &s), EFAULT);
	/* The answer has no place. */
	char *volatile rooms[] = { bad, kernels, edge(), edge() - 8, read_only() };
	for (size_t i = 0; i < sizeof rooms / sizeof *rooms; i++) {
		void *room = rooms[i];
		FAILS(stat(SEQ, room), EFAULT);
		FAILS(lstat("/proc/asound/timers", room), EFAULT);
		FAILS(stat("/", room), EFAULT);
		FAILS(fstatat(AT_FDCWD, SEQ, room, 0), EFAULT);
		FAILS(statx(AT_FDCWD, SEQ, 0, STATX_BASIC_STATS, room), EFAULT);
	}
	FAILS(access(SEQ, 8), EINVAL);
	FAILS(fstatat(AT_FDCWD, SEQ, &s, 0x8000), EINVAL);
	FAILS(fstatat(AT_FDCWD, SEQ, (void *)bad, 0x8000), EINVAL);
	FAILS(statx(AT_FDCWD, SEQ, 0x8000, STATX_BASIC_STATS, (void *)bad), EINVAL);
	FAILS(statx(AT_FDCWD, SEQ, 0, 0x80000000, (void *)bad), EINVAL);
	errno = 77;
	CHECK(stat(SEQ, &s) == 0 && access(SEQ, F_OK) == 0 && errno == 77);
	CHECK(open(SEQ, O_RDWR) >= 0 && errno == 77);
}

static void writes(void)
{
	int fd = open_seq(O_RDWR | O_NONBLOCK), reader = open_seq(O_RDONLY);
	struct snd_seq_addr port = port_of(fd);
	event_t event = note(port, 1), got[4];
	char *end = edge();
	FAILS(write(fd, bad, 0), EINVAL);
	FAILS(write(fd, bad, 27), EINVAL);
	FAILS(write(fd, bad, 28), EFAULT);
	FAILS(write(fd, kernels, 0), EFAULT);
	FAILS(write(fd, kernels, 27), EFAULT);
	FAILS(write(reader, bad, 28), EBADF);
	FAILS(write(fd, end - 20, 27), EINVAL);
	memcpy(end - 20, &event, 20);
	FAILS(write(fd, end - 20, 28), EFAULT);
	memcpy(end - 28, &event, 28);
	CHECK(write(fd, end - 28, 55) == 28);
	CHECK(write(fd, end - 28, 56) == 28);
	CHECK(read(fd, got, sizeof got) == 56);
	/* A bad record before the edge is bad, whatever comes behind it. */
	event.type = 200;
	memcpy(end - 28, &event, 28);
	FAILS(write(fd, end - 28, 56), EINVAL);
	/* Data that go beyond the edge. */
	event = note(port, 1);
	event.type = SNDRV_SEQ_EVENT_SYSEX;
	event.flags = SNDRV_SEQ_EVENT_LENGTH_VARIABLE;
	event.data.ext.len = 100;
	memcpy(end - 28, &event, 28);
	FAILS(write(fd, end - 28, 128), EFAULT);
	FAILS(write(fd, end - 28, 127), EINVAL);
	/* Data are read only of the types that have data. */
	for (int type = 0; type < 256; type++) {
		event.type = type;
		memcpy(end - 28, &event, 28);
		FAILS(write(fd, end - 28, 128), type >= 130 && type <= 139 ? EFAULT : EINVAL);
	}
	FAILS(ioctl(fd, SNDRV_SEQ_IOCTL_CLIENT_ID, bad), EFAULT);
	FAILS(ioctl(fd, SNDRV_SEQ_IOCTL_SYSTEM_INFO, read_only()), EFAULT);
	int timer = open(TIMER, O_RDWR);
	FAILS(write(timer, bad, 28), EINVAL);
	FAILS(write(timer, kernels, 28), EINVAL);
	FAILS(writev(timer, (void *)bad, 1), EINVAL);
}

static void reads(void)
{
	int fd = open_seq(O_RDWR | O_NONBLOCK), writer = open_seq(O_WRONLY);
	struct snd_seq_addr port = port_of(fd);
	event_t got[4];
	char *volatile end = edge(), *volatile constant = read_only();
	CHECK(read(fd, bad, 27) == 0 && read(fd, bad, 0) == 0);
	FAILS(read(fd, bad, 28), EAGAIN);
	FAILS(read(fd, kernels, 0), EFAULT);
	FAILS(read(fd, kernels, 28), EFAULT);
	FAILS(read(writer, bad, 28), EBADF);
	FAILS(read(writer, kernels, 28), EBADF);
	send_number(fd, port, 1);
	send_number(fd, port, 2);
	for (int round = 0; round < 3; round++) {
		CHECK(read(fd, bad, 27) == 0);
		FAILS(read(fd, bad, 28), EFAULT);
		FAILS(read(fd, bad, 50000), EFAULT);
		FAILS(read(fd, constant, 28), EFAULT);
		FAILS(read(fd, end - 27, 28), EFAULT);
		FAILS(read(fd, end - 27, 5000), EFAULT);
		CHECK(revents(fd, 0) == (POLLIN | POLLOUT));
	}
	CHECK(read(fd, end - 28, 28) == 28 && number_of((event_t *)(end - 28)) == 1);
	CHECK(read(fd, got, sizeof got) == 28 && number_of(got) == 2);
	/* What comes to the edge stays; what was before it is gone. */
	for (unsigned i = 1; i <= 3; i++)
		send_number(fd, port, i);
	FAILS(read(fd, end - 56, 100), EFAULT);
	CHECK(read(fd, got, sizeof got) == 28 && number_of(got) == 3);
	send_number(fd, port, 4);
	CHECK(read(fd, end - 28, 100) == 28);
	FAILS(read(fd, end - 28, 100), EAGAIN);
	CHECK(revents(fd, 0) == POLLOUT);
	/* Memory that was good, and is none any more. */
	char *pages = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	send_number(fd, port, 5);
	CHECK(read(fd, pages, 4 * 4096) == 28);
	send_number(fd, port, 6);
	CHECK(munmap(pages, 4 * 4096) == 0);
	FAILS(read(fd, pages, 4 * 4096), EFAULT);
	CHECK(read(fd, got, sizeof got) == 28 && number_of(got) == 6);
	/* An event with data, across the edge. */
	char long_event[28 + 100];
	event_t event = note(port, 7);
	event.type = SNDRV_SEQ_EVENT_SYSEX;
	event.flags = SNDRV_SEQ_EVENT_LENGTH_VARIABLE;
	event.data.ext.len = 100;
	memcpy(long_event, &event, 28);
	CHECK(write(fd, long_event, sizeof long_event) == sizeof long_event);
	FAILS(read(fd, end - 28, 200), EFAULT);
	CHECK(read(fd, got, sizeof got) == -1 && errno == EAGAIN && revents(fd, 0) & POLLIN);
	char room[200];
	CHECK(read(fd, room, sizeof room) == 28 + 112);
}

/* A read that waits finds out only when something has come. */
static int waiting;
static void *send_later(void *port)
{
	nap(0.1);
	send_number(waiting, *(struct snd_seq_addr *)port, 9);
	return NULL;
}

static void waits(void)
{
	int fd = open_seq(O_RDWR);
	struct snd_seq_addr port = port_of(fd);
	pthread_t thread;
	event_t got;
	waiting = open_seq(O_RDWR);
	CHECK(pthread_create(&thread, NULL, send_later, &port) == 0);
	double start = now();
	FAILS(read(fd, bad, 28), EFAULT);
	CHECK(now() - start > 0.05);
	CHECK(read(fd, &got, sizeof got) == sizeof got && number_of(&got) == 9);
	CHECK(pthread_join(thread, NULL) == 0);
}

static void vectors(void)
{
	int fd = open_seq(O_RDWR | O_NONBLOCK), reader = open_seq(O_RDONLY), writer = open_seq(O_WRONLY);
	struct snd_seq_addr port = port_of(fd);
	event_t event = note(port, 1), got[4];
	struct iovec parts[3] = { { got, 28 }, { bad, 28 }, { got + 1, 28 } };
	volatile int negative = -1;
	struct iovec *volatile none = (void *)bad, *volatile cut = (void *)(edge() - 24);
	FAILS(readv(fd, none, 1), EFAULT);
	CHECK(readv(fd, none, 0) == 0);
	FAILS(readv(fd, none, negative), EINVAL);
	FAILS(readv(fd, none, 1025), EINVAL);
	FAILS(readv(fd, cut, 2), EFAULT);
	FAILS(writev(fd, none, 1), EFAULT);
	FAILS(writev(fd, cut, 2), EFAULT);
	FAILS(writev(fd, none, 1025), EINVAL);
	FAILS(readv(writer, none, 1), EBADF);
	FAILS(writev(reader, none, 1), EBADF);
	for (unsigned i = 1; i <= 3; i++)
		send_number(fd, port, i);
	CHECK(readv(fd, parts, 3) == 28 && number_of(got) == 1);
	CHECK(read(fd, got, sizeof got) == 56 && number_of(got) == 2);
	send_number(fd, port, 1);
	parts[1].iov_base = kernels;
	FAILS(readv(fd, parts, 3), EFAULT);
	parts[1] = (struct iovec){ got + 2, -1UL };
	FAILS(readv(fd, parts, 3), EINVAL);
	FAILS(writev(fd, parts, 3), EINVAL);
	parts[1].iov_len = 28;
	/* readv and writev by other names. */
	send_number(fd, port, 2);
	CHECK(preadv2(fd, parts, 1, -1, 0) == 28 && number_of(got) == 1);
	CHECK(preadv2(fd, parts, 1, -1, RWF_HIPRI) == 28 && number_of(got) == 2);
	CHECK(revents(fd, 0) == POLLOUT);
	FAILS(preadv2(fd, parts, 1, -1, 0), EAGAIN);
	FAILS(preadv2(fd, parts, 1, -2, 0), EINVAL);
	FAILS(preadv2(fd, parts, 1, 0, 0), ESPIPE);
	FAILS(preadv2(fd, parts, 1, -1, RWF_NOWAIT), EOPNOTSUPP);
	FAILS(preadv2(fd, none, 1, -1, RWF_NOWAIT), EFAULT);
	FAILS(preadv(fd, parts, 1, 0), ESPIPE);
	FAILS(pread(fd, got, 28, 0), ESPIPE);
	got[0] = event;
	CHECK(pwritev2(fd, parts, 1, -1, 0) == 28);
	FAILS(pwritev2(fd, parts, 1, -1, RWF_APPEND), EOPNOTSUPP);
	FAILS(pwritev2(fd, parts, 1, 0, 0), ESPIPE);
	FAILS(pwrite(fd, got, 28, 0), ESPIPE);
	CHECK(read(fd, got, sizeof got) == 28);
}

/* No way of a socket's reaches what tells polls of the file. */
static void no_socket(void)
{
	int fd = open_seq(O_RDWR | O_NONBLOCK), pipes[2], file = open("/proc/self/exe", O_RDONLY);
	struct snd_seq_addr port = port_of(fd);
	char bytes[64] = "";
	struct iovec part = { bytes, sizeof bytes };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	struct mmsghdr messages = { .msg_hdr = message };
	event_t got;
	CHECK(pipe(pipes) == 0 && write(pipes[1], bytes, 10) == 10);
	send_number(fd, port, 1);
	FAILS(recv(fd, bytes, 28, MSG_DONTWAIT), ENOTSOCK);
	FAILS(recvfrom(fd, bytes, 28, MSG_DONTWAIT, NULL, NULL), ENOTSOCK);
	FAILS(recvmsg(fd, &message, MSG_DONTWAIT), ENOTSOCK);
	FAILS(recvmsg(fd, (void *)bad, 0), ENOTSOCK);
	FAILS(recvmmsg(fd, &messages, 1, MSG_DONTWAIT, NULL), ENOTSOCK);
	FAILS(send(fd, bytes, 28, MSG_DONTWAIT), ENOTSOCK);
	FAILS(sendto(fd, bytes, 28, MSG_DONTWAIT, NULL, 0), ENOTSOCK);
	FAILS(sendmsg(fd, &message, MSG_DONTWAIT), ENOTSOCK);
	FAILS(sendmmsg(fd, &messages, 1, MSG_DONTWAIT), ENOTSOCK);
	FAILS(shutdown(fd, SHUT_RDWR), ENOTSOCK);
	FAILS(splice(fd, NULL, pipes[1], NULL, 28, SPLICE_F_NONBLOCK), EINVAL);
	FAILS(splice(pipes[0], NULL, fd, NULL, 10, SPLICE_F_NONBLOCK), EINVAL);
	FAILS(sendfile(fd, file, NULL, 28), EINVAL);
	FAILS(sendfile(pipes[1], fd, NULL, 28), EINVAL);
	CHECK(revents(fd, 0) == (POLLIN | POLLOUT));
	CHECK(read(fd, &got, sizeof got) == sizeof got && number_of(&got) == 1);
	CHECK(revents(fd, 0) == POLLOUT);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} cases[] = { { "paths", paths }, { "writes", writes },	  { "reads", reads },
		      { "waits", waits }, { "vectors", vectors }, { "no_socket", no_socket } };
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		if (argc == 2 && !strcmp(argv[1], cases[i].name)) {
			cases[i].run();
			puts("done");
			return 0;
		}
	}
	return 2;
}
