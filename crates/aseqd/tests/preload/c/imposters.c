/* Sockets of others that look like files of ours. */
#include "client.h"
#include <stddef.h>
#include <sys/un.h>

enum { NOBODY = 65534 };

/* A socket bound to the name of this file, but for its nonce: by the end of that, every name is another's. */
static int imposter(int fd)
{
	struct sockaddr_un name;
	socklen_t length = sizeof name;
	CHECK(syscall(SYS_getpeername, fd, &name, &length) == 0);
	CHECK(length > 10 && name.sun_path[0] == 0 && !memcmp(name.sun_path + 1, "aseqd/", 6));
	char *last = (char *)&name + length - 4;
	*last = *last == '0' ? '1' : '0';
	int bound = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK(bound >= 0 && bind(bound, (struct sockaddr *)&name, length) == 0);
	return bound;
}

/* A program of the run listens; another user connects from a socket with the name of one of its files. */
static void connects(void)
{
	int fd = open_seq(O_RDWR | O_NONBLOCK), status, id = -1;
	struct snd_seq_addr port = port_of(fd);
	struct sockaddr_un here = { .sun_family = AF_UNIX };
	socklen_t length = offsetof(struct sockaddr_un, sun_path) + 1 +
			   snprintf(here.sun_path + 1, 50, "imposters-%d", getpid());
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK(bind(listener, (struct sockaddr *)&here, length) == 0 && listen(listener, 5) == 0);
	pid_t child = fork();
	CHECK(child >= 0);
	char text[64] = "";
	if (child == 0) {
		int other = imposter(fd);
		if (getuid() == 0)
			CHECK(syscall(SYS_setresuid, NOBODY, NOBODY, NOBODY) == 0);
		CHECK(connect(other, (struct sockaddr *)&here, length) == 0);
		CHECK(syscall(SYS_write, other, "attack at dawn", 14) == 14);
		CHECK(syscall(SYS_read, other, text, sizeof text) == 28);
		_exit(0);
	}
	int connection = accept(listener, NULL, NULL);
	CHECK(connection >= 0);
	CHECK(ioctl(connection, SNDRV_SEQ_IOCTL_CLIENT_ID, &id) == -1 && errno == ENOTTY);
	CHECK(read(connection, text, sizeof text) == 14 && !memcmp(text, "attack at dawn", 14));
	/* What the program writes there is for its peer, not for the sequencer. */
	event_t event = note(port, 7);
	CHECK(write(connection, &event, sizeof event) == sizeof event);
	CHECK((fcntl(connection, F_GETFL) & O_ACCMODE) == O_RDWR);
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	CHECK(read(fd, &event, sizeof event) == -1 && errno == EAGAIN);
	CHECK(close(connection) == 0);
	CHECK(client_of(fd) == port.client);
}

/* The same in a program that has made no call yet when the imposter is there. */
static void is_inherited(void)
{
	int fd = open_seq(O_RDWR | O_NONBLOCK), status;
	int listener = imposter(fd), other = socket(AF_UNIX, SOCK_STREAM, 0);
	struct sockaddr_un name;
	socklen_t length = sizeof name;
	char a[16], b[16];
	CHECK(listen(listener, 1) == 0 && getsockname(listener, (struct sockaddr *)&name, &length) == 0);
	CHECK(connect(other, (struct sockaddr *)&name, length) == 0);
	snprintf(a, sizeof a, "%d", fd);
	snprintf(b, sizeof b, "%d", other);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		execl("/proc/self/exe", "imposters", "after_exec", a, b, NULL);
		_exit(1);
	}
	CHECK(waitpid(child, &status, 0) == child && status == 0);
}

static void after_exec(int fd, int other)
{
	int id = -1;
	CHECK(ioctl(other, SNDRV_SEQ_IOCTL_CLIENT_ID, &id) == -1 && errno == ENOTTY);
	CHECK(write(other, "x", 1) == 1);
	CHECK(client_of(fd) > 0);
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "after_exec")) {
		after_exec(atoi(argv[2]), atoi(argv[3]));
		return 0;
	}
	if (argc == 2 && !strcmp(argv[1], "connects"))
		connects();
	else if (argc == 2 && !strcmp(argv[1], "is_inherited"))
		is_inherited();
	else
		return 2;
	puts("done");
	return 0;
}
