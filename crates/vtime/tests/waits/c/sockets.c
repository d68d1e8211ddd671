/* SO_RCVTIMEO and SO_SNDTIMEO of every call that they concern, and the time-out of recvmmsg. */
#include "table.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

static int ends[2], listener;
static struct sockaddr_un address;
static socklen_t address_size;
static char block[65536];

static void limit(int fd, int option, long long ns)
{
	struct timeval t = timeval(ns);
	if (setsockopt(fd, SOL_SOCKET, option, &t, sizeof t))
		die("setsockopt");
}

static void put(void) { (void)!write(ends[1], "x", 1); }

static long by_recv(long long ns, long long *left)
{
	(void)left;
	char byte;
	limit(ends[0], SO_RCVTIMEO, ns);
	return recv(ends[0], &byte, 1, 0);
}

static long by_read(long long ns, long long *left)
{
	(void)left;
	char byte;
	limit(ends[0], SO_RCVTIMEO, ns);
	return read(ends[0], &byte, 1);
}

static long by_recvmsg(long long ns, long long *left)
{
	(void)left;
	char byte;
	struct iovec part = {&byte, 1};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	limit(ends[0], SO_RCVTIMEO, ns);
	return recvmsg(ends[0], &message, 0);
}

static long by_readv(long long ns, long long *left)
{
	(void)left;
	char byte;
	struct iovec part = {&byte, 1};
	limit(ends[0], SO_RCVTIMEO, ns);
	return readv(ends[0], &part, 1);
}

static long without_waiting(long long ns, long long *left)
{
	(void)left;
	char byte;
	limit(ends[0], SO_RCVTIMEO, ns);
	return recv(ends[0], &byte, 1, MSG_DONTWAIT);
}

/* The socket has no limit any more. */
static long no_limit(long long ns, long long *left)
{
	(void)left;
	char byte;
	limit(ends[0], SO_RCVTIMEO, ns);
	limit(ends[0], SO_RCVTIMEO, 0);
	return recv(ends[0], &byte, 1, 0);
}

/* Waits for three bytes, of which one is there. */
static long all_of_three(long long ns, long long *left)
{
	(void)left;
	char bytes[3];
	limit(ends[0], SO_RCVTIMEO, ns);
	return recv(ends[0], bytes, 3, MSG_WAITALL);
}

static void fill(void)
{
	while (send(ends[0], block, sizeof block, MSG_DONTWAIT) > 0)
		;
}

static void empty(void)
{
	while (recv(ends[1], block, sizeof block, MSG_DONTWAIT) > 0)
		;
}

static long by_send(long long ns, long long *left)
{
	(void)left;
	fill();
	limit(ends[0], SO_SNDTIMEO, ns);
	return send(ends[0], block, 1, MSG_NOSIGNAL);
}

static long by_write(long long ns, long long *left)
{
	(void)left;
	fill();
	limit(ends[0], SO_SNDTIMEO, ns);
	return write(ends[0], block, 1);
}

static void come(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (connect(fd, (struct sockaddr *)&address, address_size))
		die("connect");
}

static long by_accept(long long ns, long long *left)
{
	(void)left;
	limit(listener, SO_RCVTIMEO, ns);
	int fd = accept(listener, NULL, NULL);
	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

/* The backlog of the listener is full. */
static long by_connect(long long ns, long long *left)
{
	(void)left;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	limit(fd, SO_SNDTIMEO, ns);
	long result = connect(fd, (struct sockaddr *)&address, address_size);
	int error = errno;
	close(fd);
	errno = error;
	return result;
}

static void let_in(void) { close(accept(listener, NULL, NULL)); }

static int datagrams[2];

static void put_datagram(void) { (void)!write(datagrams[1], "x", 1); }
static void put_two(void)
{
	put_datagram();
	nap(EARLY);
	put_datagram();
}

static long receive_many(long long ns, long long *left, int flags)
{
	char bytes[2];
	struct iovec parts[2] = {{bytes, 1}, {bytes + 1, 1}};
	struct mmsghdr messages[2] = {{.msg_hdr = {.msg_iov = parts, .msg_iovlen = 1}},
				      {.msg_hdr = {.msg_iov = parts + 1, .msg_iovlen = 1}}};
	struct timespec t = timespec(ns);
	long result = syscall(SYS_recvmmsg, datagrams[0], messages, 2, flags, &t);
	*left = nanoseconds(&t);
	return result;
}

/* Linux looks at this time-out only after a datagram: a first one that never comes is waited for without end. */
static long both(long long ns, long long *left) { return receive_many(ns, left, 0); }
static long one(long long ns, long long *left) { return receive_many(ns, left, MSG_WAITFORONE); }

static void options(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct timeval t = {-1, -1};
	socklen_t size = sizeof t;
	begin();
	int result = getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, &size);
	row("getsockopt/unset", result, result < 0 ? errno : 0, nanoseconds_of(&t));
	limit(fd, SO_RCVTIMEO, 1500 * MS);
	limit(fd, SO_SNDTIMEO, 2500 * MS);
	result = getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, &size);
	row("getsockopt/receive", result, result < 0 ? errno : 0, nanoseconds_of(&t));
	result = getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, &size);
	row("getsockopt/send", result, result < 0 ? errno : 0, nanoseconds_of(&t));
	t = (struct timeval){0, 1000000};
	call_row("setsockopt/invalid", setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t));
	t = (struct timeval){-1, 0};
	call_row("setsockopt/negative", setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t));
	result = getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, &size);
	row("getsockopt/after-negative", result, result < 0 ? errno : 0, nanoseconds_of(&t));
	call_row("setsockopt/short", setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, 4));
	call_row("setsockopt/not-a-socket", setsockopt(0, SOL_SOCKET, SO_RCVTIMEO, &t, 16) < 0 ? -1 : 0);
	close(fd);
}

static struct sockaddr_in tcp_address = {.sin_family = AF_INET};

/* The backlog of the listener is full, so the connection is never made. */
static long by_tcp_connect(long long ns, long long *left)
{
	(void)left;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	limit(fd, SO_SNDTIMEO, ns);
	long result = connect(fd, (struct sockaddr *)&tcp_address, sizeof tcp_address);
	int error = errno;
	close(fd);
	errno = error;
	return result;
}

static void tcp(void)
{
	tcp_address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	socklen_t size = sizeof tcp_address;
	int server = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(server, (struct sockaddr *)&tcp_address, size) || listen(server, 0) ||
	    getsockname(server, (struct sockaddr *)&tcp_address, &size))
		die("tcp");
	/* Each takes a place of the backlog. The one that gets none stays connecting. */
	for (int i = 0; i < 3; i++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(fd, (struct sockaddr *)&tcp_address, size);
		struct pollfd entry = {fd, POLLOUT, 0};
		if (poll(&entry, 1, 50) == 0)
			break;
	}
	wait_row("connect-tcp", "time-out", by_tcp_connect, LONG, NULL);
	handle(SIGUSR1, 0);
	wait_row("connect-tcp", "handler", by_tcp_connect, LONG, send_usr1);
	close(server);
}

int main(void)
{
	setup();
	signal(SIGPIPE, SIG_IGN);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) || socketpair(AF_UNIX, SOCK_DGRAM, 0, datagrams))
		die("socketpair");
	options();
	/* A limit of 0 is none, so there is no row of it. */
	disturbed_rows("recv", by_recv, put, NULL);
	wait_row("recv", "no-limit", no_limit, LONG, put);
	wait_row("recv", "nonblocking", without_waiting, LONG, NULL);
	(void)!write(ends[1], "x", 1);
	wait_row("recv", "part", all_of_three, LONG, NULL);
	wait_row("recv", "negative", by_recv, -LONG, NULL);
	disturbed_rows("read", by_read, put, NULL);
	disturbed_rows("recvmsg", by_recvmsg, put, NULL);
	disturbed_rows("readv", by_readv, put, NULL);
	wait_row("send", "time-out", by_send, LONG, NULL);
	wait_row("send", "woken", by_send, LONG, empty);
	handle(SIGUSR1, 0);
	wait_row("send", "handler", by_send, LONG, send_usr1);
	handle(SIGUSR1, SA_RESTART);
	wait_row("send", "restart", by_send, LONG, send_usr1);
	wait_row("write", "time-out", by_write, LONG, NULL);
	wait_row("write", "woken", by_write, LONG, empty);

	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	address.sun_family = AF_UNIX;
	/* A name in the abstract space. */
	address_size = offsetof(struct sockaddr_un, sun_path) + 1 +
		       snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "vtime-table-%d", (int)getpid());
	if (bind(listener, (struct sockaddr *)&address, address_size) || listen(listener, 0))
		die("listen");
	wait_row("accept", "time-out", by_accept, LONG, NULL);
	wait_row("accept", "woken", by_accept, LONG, come);
	handle(SIGUSR1, 0);
	wait_row("accept", "handler", by_accept, LONG, send_usr1);
	handle(SIGUSR1, SA_RESTART);
	wait_row("accept", "restart", by_accept, LONG, send_usr1);
	come();
	wait_row("connect", "time-out", by_connect, LONG, NULL);
	wait_row("connect", "woken", by_connect, LONG, let_in);
	handle(SIGUSR1, 0);
	wait_row("connect", "handler", by_connect, LONG, send_usr1);
	tcp();

	wait_row("recvmmsg", "both", both, LONG, put_two);
	wait_row("recvmmsg", "second-late", both, EARLY + 20 * MS, put_two);
	wait_row("recvmmsg", "first-late", both, 20 * MS, put_datagram);
	wait_row("recvmmsg", "one", one, LONG, put_datagram);
	wait_row("recvmmsg", "negative", both, -LONG, NULL);
	handle(SIGUSR1, 0);
	wait_row("recvmmsg", "handler", both, LONG, send_usr1);
	return 0;
}
