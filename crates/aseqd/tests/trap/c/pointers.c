/* Calls with bad pointers, lengths and numbers, on a file of the sequencer and on its path; and calls that
 * are for sockets. Says what each returns, and that no event was lost by it. */
#define _GNU_SOURCE
#pragma GCC diagnostic ignored "-Wstringop-overflow"
#pragma GCC diagnostic ignored "-Wstringop-overread"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include <sound/asequencer.h>
#include <sound/asound.h>

typedef struct snd_seq_event event_t;

static int seq, reader;
static struct snd_seq_addr port;
/* The compiler shall not know them. */
static volatile unsigned long bad_address = 8, null;
static char *edge, *readonly, *forbidden;

static void say(const char *what, long result)
{
	printf("%-36s %ld%s%s\n", what, result, result < 0 ? " " : "", result < 0 ? strerrorname_np(errno) : "");
	fflush(stdout);
}

/* How many events wait at the reader; takes them. */
static int unread(void)
{
	event_t event;
	int count = 0, number = -1;
	while (read(reader, &event, sizeof event) == (ssize_t)sizeof event) {
		if ((int)event.data.raw32.d[0] <= number)
			printf("out of order\n");
		number = event.data.raw32.d[0];
		count++;
	}
	struct pollfd polled = { reader, POLLIN, 0 };
	poll(&polled, 1, 0);
	if (polled.revents)
		printf("a poll finds 0x%x\n", polled.revents);
	return count;
}

static void fill(int count)
{
	for (int i = 0; i < count; i++) {
		event_t event = { .type = SNDRV_SEQ_EVENT_USR0, .queue = SNDRV_SEQ_QUEUE_DIRECT, .dest = port };
		event.data.raw32.d[0] = i;
		if (write(seq, &event, sizeof event) != (ssize_t)sizeof event)
			perror("write");
	}
}

/* An event whose data is not there, of any type. */
static char *without_data(int type)
{
	event_t event = { .type = type, .flags = SNDRV_SEQ_EVENT_LENGTH_VARIABLE, .queue = SNDRV_SEQ_QUEUE_DIRECT, .dest = port };
	event.data.ext.len = 28;
	return memcpy(edge + 4096 - sizeof event, &event, sizeof event);
}

/* A packet to nobody, of which 28 bytes are there. Without UMP it is an event. */
static char *packet(void)
{
	event_t event = { .type = SNDRV_SEQ_EVENT_NOTEON, .flags = 1 << 5, .queue = SNDRV_SEQ_QUEUE_DIRECT, .dest = { 99, 0 } };
	return memcpy(edge + 4096 - sizeof event, &event, sizeof event);
}

/* A read that goes wrong, and what is left of two events. */
#define READS(name, call) \
	do { \
		fill(2); \
		say(name, call); \
		printf("%-36s %d\n", "  left", unread()); \
	} while (0)

#define BAD ((void *)bad_address)
#define NOTHING ((void *)null)
#define SAY(call) say(#call, (long)(call))

int main(void)
{
	char buffer[256] = { 0 };
	struct stat stat_buffer;
	const char *path = "/dev/snd/seq";
	int file = open("/proc/self/exe", O_RDONLY), pair[2];
	seq = open(path, O_WRONLY | O_NONBLOCK);
	reader = open(path, O_RDWR | O_NONBLOCK);
	if (seq < 0 || reader < 0 || pipe2(pair, O_NONBLOCK) < 0) {
		perror(path);
		return 1;
	}
	struct snd_seq_port_info info = { .capability = SNDRV_SEQ_PORT_CAP_WRITE };
	int client = -1;
	ioctl(reader, SNDRV_SEQ_IOCTL_CLIENT_ID, &client);
	info.addr.client = client;
	if (ioctl(reader, SNDRV_SEQ_IOCTL_CREATE_PORT, &info) != 0)
		perror("port");
	port = info.addr;
	edge = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	readonly = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	forbidden = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	/* Last, so that nothing is put there. */
	munmap(edge + 4096, 4096);
	struct iovec good = { buffer, 56 }, bad = { BAD, 56 }, mixed[2] = { { buffer, 28 }, { BAD, 28 } },
		     negative = { buffer, (size_t)-1 }, empty = { BAD, 0 };

	READS("read, nowhere", read(reader, BAD, 56));
	READS("read, null", read(reader, NOTHING, 56));
	READS("read, over the edge", read(reader, edge + 4096 - 28, 56));
	READS("read, edge in an event", read(reader, edge + 4096 - 40, 56));
	READS("read, into read-only memory", read(reader, readonly, 56));
	READS("read, into forbidden memory", read(reader, forbidden, 56));
	READS("read, too short", read(reader, buffer, 27));
	READS("read, too short and nowhere", read(reader, BAD, 27));
	READS("read, kernel address", read(reader, (void *)-4096L, 56));
	READS("read, huge", read(reader, buffer, -1UL));
	READS("readv, vector nowhere", readv(reader, BAD, 1));
	READS("readv, vector over the edge", readv(reader, (void *)(edge + 4096 - 8), 1));
	READS("readv, piece nowhere", readv(reader, &bad, 1));
	READS("readv, second piece nowhere", readv(reader, mixed, 2));
	READS("readv, negative length", readv(reader, &negative, 1));
	READS("readv, negative count", readv(reader, &good, -1));
	READS("readv, 1025 pieces", readv(reader, &good, 1025));
	READS("readv, no pieces", readv(reader, BAD, 0));
	READS("readv, empty piece nowhere", readv(reader, &empty, 1));
	READS("preadv2, at -1", syscall(SYS_preadv2, reader, &good, 1, -1L, -1L, 0));
	READS("preadv2, at -1, nowhere", syscall(SYS_preadv2, reader, &bad, 1, -1L, -1L, 0));
	READS("preadv2, at -1, vector nowhere", syscall(SYS_preadv2, reader, BAD, 1, -1L, -1L, 0));
	READS("preadv2, at -1, RWF_HIPRI", syscall(SYS_preadv2, reader, &good, 1, -1L, -1L, RWF_HIPRI));
	READS("preadv2, at -1, RWF_NOWAIT", syscall(SYS_preadv2, reader, &good, 1, -1L, -1L, RWF_NOWAIT));
	READS("preadv2, at -1, unknown flag", syscall(SYS_preadv2, reader, &good, 1, -1L, -1L, 1 << 30));
	READS("preadv2, at 0", syscall(SYS_preadv2, reader, &good, 1, 0L, 0L, 0));
	READS("preadv2, at -2", syscall(SYS_preadv2, reader, &good, 1, -2L, -1L, 0));
	READS("pread", pread(reader, buffer, 56, 0));
	READS("preadv", preadv(reader, &good, 1, 0));
	READS("recv", recv(reader, buffer, 56, 0));
	READS("recv, MSG_DONTWAIT", recv(reader, buffer, 56, MSG_DONTWAIT));
	READS("recvmsg", recvmsg(reader, &(struct msghdr){ .msg_iov = &good, .msg_iovlen = 1 }, 0));
	READS("recvmmsg", syscall(SYS_recvmmsg, reader, &(struct mmsghdr){ { .msg_iov = &good, .msg_iovlen = 1 }, 0 }, 1, 0, NULL));
	READS("send", send(reader, buffer, 28, 0));
	READS("sendmsg", sendmsg(reader, &(struct msghdr){ .msg_iov = &good, .msg_iovlen = 1 }, 0));
	READS("sendmmsg", syscall(SYS_sendmmsg, reader, &(struct mmsghdr){ { .msg_iov = &good, .msg_iovlen = 1 }, 0 }, 1, 0));
	READS("shutdown", shutdown(reader, SHUT_RDWR));
	READS("getsockname", getsockname(reader, (void *)buffer, &(socklen_t){ 100 }));
	READS("getpeername", getpeername(reader, (void *)buffer, &(socklen_t){ 100 }));
	READS("getsockopt", getsockopt(reader, SOL_SOCKET, SO_TYPE, buffer, &(socklen_t){ 4 }));
	READS("setsockopt", setsockopt(reader, SOL_SOCKET, SO_RCVLOWAT, &(int){ 9 }, 4));
	READS("bind", bind(reader, (void *)buffer, 2));
	READS("connect", connect(reader, (void *)buffer, 2));
	READS("listen", listen(reader, 1));
	READS("accept", accept(reader, NULL, NULL));
	READS("accept4", accept4(reader, NULL, NULL, SOCK_NONBLOCK));
	READS("sendfile from it", sendfile(pair[1], reader, NULL, 28));
	READS("sendfile to it", sendfile(reader, file, NULL, 28));
	READS("splice from it", splice(reader, NULL, pair[1], NULL, 28, SPLICE_F_NONBLOCK));
	READS("splice to it", splice(pair[0], NULL, reader, NULL, 28, SPLICE_F_NONBLOCK));
	READS("tee from it", tee(reader, pair[1], 28, SPLICE_F_NONBLOCK));
	READS("vmsplice", vmsplice(reader, &good, 1, SPLICE_F_NONBLOCK));
	READS("copy_file_range", copy_file_range(reader, NULL, file, NULL, 28, 0));
	READS("lseek", lseek(reader, 0, SEEK_CUR));
	READS("mmap", mmap(NULL, 4096, PROT_READ, MAP_SHARED, reader, 0) == MAP_FAILED ? -1 : 0);
	READS("ftruncate", ftruncate(reader, 0));
	READS("fsync", fsync(reader));
	READS("fchdir", fchdir(reader));
	READS("getdents64", syscall(SYS_getdents64, reader, buffer, sizeof buffer));
	READS("fstat", fstat(reader, &stat_buffer));

	SAY(read(seq, buffer, 28));
	SAY(readv(seq, &good, 1));
	SAY(write(seq, BAD, 28));
	SAY(write(seq, BAD, 27));
	SAY(write(seq, NOTHING, 28));
	SAY(write(seq, BAD, 0));
	SAY(write(seq, buffer, 27));
	SAY(write(seq, (void *)-4096L, 28));
	SAY(write(seq, forbidden, 28));
	SAY(writev(seq, BAD, 1));
	SAY(writev(seq, &bad, 1));
	SAY(writev(seq, &negative, 1));
	SAY(writev(seq, &good, 1025));
	SAY(writev(seq, &good, -1));
	SAY(writev(seq, BAD, 0));
	SAY(syscall(SYS_pwritev2, seq, &bad, 1, -1L, -1L, 0));
	SAY(syscall(SYS_pwritev2, seq, BAD, 1, -1L, -1L, 0));
	SAY(syscall(SYS_pwritev2, seq, &good, 1, 0L, 0L, 0));
	SAY(syscall(SYS_pwritev2, seq, &good, 1, -1L, -1L, RWF_DSYNC));
	SAY(pwrite(seq, buffer, 28, 0));
	SAY(write(seq, without_data(0), 56));
	SAY(write(seq, without_data(6), 56));
	SAY(write(seq, without_data(129), 56));
	SAY(write(seq, without_data(130), 56));
	SAY(write(seq, without_data(130), 55));
	SAY(write(seq, without_data(139), 56));
	SAY(write(seq, without_data(140), 56));
	SAY(write(seq, without_data(200), 56));
	SAY(write(seq, without_data(255), 56));
	SAY(write(seq, packet(), 32));

	SAY(ioctl(seq, SNDRV_SEQ_IOCTL_PVERSION, BAD));
	SAY(ioctl(seq, SNDRV_SEQ_IOCTL_CLIENT_ID, NULL));
	SAY(ioctl(seq, SNDRV_SEQ_IOCTL_CLIENT_ID, readonly));
	SAY(ioctl(seq, SNDRV_SEQ_IOCTL_SYSTEM_INFO, BAD));
	SAY(ioctl(seq, SNDRV_SEQ_IOCTL_GET_CLIENT_INFO, BAD));
	SAY(ioctl(seq, SNDRV_SEQ_IOCTL_SET_CLIENT_INFO, BAD));
	SAY(ioctl(seq, SNDRV_SEQ_IOCTL_CREATE_PORT, BAD));
	SAY(ioctl(seq, SNDRV_SEQ_IOCTL_CREATE_PORT, edge + 4096 - 8));
	SAY(ioctl(seq, SNDRV_SEQ_IOCTL_SUBSCRIBE_PORT, BAD));
	SAY(ioctl(seq, SNDRV_SEQ_IOCTL_CREATE_QUEUE, BAD));
	SAY(ioctl(seq, SNDRV_SEQ_IOCTL_GET_QUEUE_TEMPO, BAD));
	SAY(ioctl(seq, SNDRV_SEQ_IOCTL_QUERY_NEXT_CLIENT, BAD));
	SAY(ioctl(seq, SNDRV_SEQ_IOCTL_REMOVE_EVENTS, BAD));
	SAY(ioctl(seq, SNDRV_SEQ_IOCTL_RUNNING_MODE, BAD));
	SAY(ioctl(seq, 0x5401 /* TCGETS */, BAD));
	SAY(ioctl(seq, 0x541b /* FIONREAD */, BAD));
	SAY(ioctl(seq, 0x5421 /* FIONBIO */, BAD));
	SAY(ioctl(seq, 0x5452 /* FIOASYNC */, BAD));
	SAY(ioctl(seq, 0x8901 /* FIOSETOWN */, BAD));

	SAY(open(BAD, O_RDONLY));
	SAY(open(NOTHING, O_RDONLY));
	SAY(open(edge + 4095, O_RDONLY));
	SAY(openat(AT_FDCWD, BAD, O_RDONLY));
	SAY(syscall(SYS_openat2, AT_FDCWD, path, BAD, 24));
	SAY(syscall(SYS_openat2, AT_FDCWD, BAD, BAD, 24));
	SAY(syscall(SYS_openat2, AT_FDCWD, path, buffer, 8));
	SAY(access(BAD, R_OK));
	SAY(syscall(SYS_faccessat, AT_FDCWD, BAD, R_OK));
	SAY(syscall(SYS_faccessat2, AT_FDCWD, BAD, R_OK, 0));
	SAY(stat(BAD, &stat_buffer));
	SAY(syscall(SYS_newfstatat, AT_FDCWD, path, BAD, 0));
	SAY(syscall(SYS_newfstatat, AT_FDCWD, path, readonly, 0));
	SAY(syscall(SYS_newfstatat, AT_FDCWD, BAD, BAD, 0));
	SAY(syscall(SYS_fstat, reader, BAD));
	SAY(syscall(SYS_statx, AT_FDCWD, path, 0, STATX_ALL, BAD));
	SAY(syscall(SYS_statx, AT_FDCWD, BAD, 0, STATX_ALL, buffer));
	SAY(readlink(BAD, buffer, 8));
	SAY(readlink(path, buffer, 8));
	SAY(readlink(path, BAD, 8));
	SAY(readlink(path, buffer, 0));
	SAY(dup3(reader, reader, 0));
	SAY(dup3(reader, 900, 1));
	SAY(fcntl(reader, F_DUPFD, -1));
	SAY(fcntl(reader, F_DUPFD, 1 << 30));
	unread();
	return 0;
}
