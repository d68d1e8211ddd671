/* Descriptors: copied, inherited, handed on, closed. */
#include "client.h"

static char *self;

static void copies(void)
{
	int fd = open_seq(O_RDWR);
	int id = client_of(fd);
	struct snd_seq_addr port = port_of(fd);
	event_t event;
	int null = open("/dev/null", O_RDWR);
	char byte;
	CHECK(read(null, &byte, 1) == 0);
	CHECK(dup2(fd, null) == null);
	CHECK(client_of(null) == id);
	int one = dup(fd), two = fcntl(fd, F_DUPFD, 100), three = fcntl(fd, F_DUPFD_CLOEXEC, 200);
	int four = dup3(fd, 300, O_CLOEXEC);
	CHECK(two >= 100 && three >= 200 && four == 300);
	CHECK(client_of(one) == id && client_of(two) == id && client_of(three) == id && client_of(four) == id);
	CHECK(fcntl(three, F_GETFD) == FD_CLOEXEC && fcntl(two, F_GETFD) == 0);
	/* Not to sleep is a thing of the file, whichever descriptor said it. */
	CHECK(fcntl(two, F_SETFL, O_NONBLOCK) == 0);
	CHECK(read(fd, &event, sizeof event) == -1 && errno == EAGAIN);
	send_number(one, port, 3);
	CHECK(revents(two, 0) == (POLLIN | POLLOUT));
	CHECK(read(four, &event, sizeof event) == sizeof event && number_of(&event) == 3);
	CHECK(revents(fd, 0) == POLLOUT);
	int watcher = open_seq(O_RDWR);
	CHECK(close(fd) == 0 && close(one) == 0 && close(two) == 0 && close(three) == 0 && close(null) == 0);
	CHECK(exists(watcher, id));
	CHECK(close(four) == 0);
	CHECK(!exists(watcher, id));
	/* A number that was ours goes to others and back. */
	int file = open("/dev/null", O_RDWR);
	CHECK(read(file, &byte, 1) == 0 && write(file, &byte, 1) == 1);
	CHECK(client_of(watcher) > 0);
	CHECK(dup2(file, watcher) == watcher);
	CHECK(ioctl(watcher, SNDRV_SEQ_IOCTL_CLIENT_ID, &byte) == -1 && errno == ENOTTY);
	for (int i = 0; i < 200; i++) {
		int a = open_seq(O_RDWR), b = open("/dev/zero", O_RDONLY);
		CHECK(client_of(a) > 0 && read(b, &byte, 1) == 1);
		if (i % 2) {
			CHECK(close(a) == 0 && close(b) == 0);
		} else {
			CHECK(close(b) == 0 && close(a) == 0);
		}
	}
}

/* Who closes tells the others before it goes on. */
static void closing_is_told(void)
{
	int watcher = open_seq(O_RDWR | O_NONBLOCK);
	struct snd_seq_addr port = port_of(watcher);
	struct snd_seq_port_subscribe subscribe;
	event_t event;
	memset(&subscribe, 0, sizeof subscribe);
	subscribe.sender.client = 0;
	subscribe.sender.port = 1;
	subscribe.dest = port;
	CHECK(ioctl(watcher, SNDRV_SEQ_IOCTL_SUBSCRIBE_PORT, &subscribe) == 0);
	while (read(watcher, &event, sizeof event) == sizeof event)
		;
	for (int way = 0; way < 5; way++) {
		int fd = open_seq(O_RDWR);
		int id = client_of(fd);
		CHECK(revents(watcher, 0) & POLLIN);
		CHECK(read(watcher, &event, sizeof event) == sizeof event);
		CHECK(event.type == SNDRV_SEQ_EVENT_CLIENT_START && event.data.addr.client == id);
		CHECK(revents(watcher, 0) == POLLOUT);
		int null = open("/dev/null", O_RDWR);
		switch (way) {
		case 0:
			CHECK(close(fd) == 0);
			break;
		case 1:
			CHECK(dup2(null, fd) == fd);
			break;
		case 2:
			CHECK(dup3(null, fd, O_CLOEXEC) == fd);
			break;
		case 3:
			CHECK(close_range(fd, fd, 0) == 0);
			break;
		case 4:
			if (fd < watcher) {
				CHECK(dup2(fd, 500) == 500 && close(fd) == 0);
				fd = 500;
			}
			closefrom(fd);
			break;
		}
		CHECK(revents(watcher, 0) & POLLIN);
		CHECK(read(watcher, &event, sizeof event) == sizeof event);
		CHECK(event.type == SNDRV_SEQ_EVENT_CLIENT_EXIT && event.data.addr.client == id);
	}
}

/* Programs that become daemons close everything; calls go on as before. */
static void *read_one(void *fd)
{
	static event_t event;
	CHECK(read(*(int *)fd, &event, sizeof event) == sizeof event);
	return &event;
}

static void closing_everything(void)
{
	for (int way = 0; way < 4; way++) {
		int fd = open_seq(O_RDWR);
		struct snd_seq_addr port = port_of(fd);
		pthread_t thread;
		void *event;
		CHECK(dup2(fd, 10) == 10 && close(fd) == 0);
		fd = 10;
		CHECK(pthread_create(&thread, NULL, read_one, &fd) == 0);
		nap(0.05);
		switch (way) {
		case 0:
			for (int i = 11; i < 2000; i++)
				close(i);
			break;
		case 1:
			closefrom(11);
			break;
		case 2:
			CHECK(close_range(11, ~0U, 0) == 0);
			break;
		case 3: {
			/* Every number is taken. */
			int null = open("/dev/null", O_RDWR);
			for (int i = 11; i < 1024; i++)
				if (i != null)
					CHECK(dup2(null, i) == i);
			closefrom(11);
			break;
		}
		}
		send_number(fd, port, way);
		CHECK(pthread_join(thread, &event) == 0);
		CHECK(number_of(event) == (unsigned)way);
		CHECK(close(fd) == 0);
	}
	/* Behind the library's back. */
	int fd = open_seq(O_RDWR);
	CHECK(dup2(fd, 10) == 10);
	CHECK(syscall(436 /* close_range */, 11, ~0U, 0) == 0);
	CHECK(client_of(10) > 0);
}

/* A child has the file, and connections of its own. */
static void forks(void)
{
	int fd = open_seq(O_RDWR), watcher = open_seq(O_RDWR);
	int id = client_of(fd), status;
	struct snd_seq_addr port = port_of(fd);
	event_t event;
	int ends[2];
	char byte;
	CHECK(pipe(ends) == 0);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		CHECK(client_of(fd) == id);
		CHECK(read(fd, &event, sizeof event) == sizeof event);
		CHECK(number_of(&event) == 1);
		send_number(fd, port, 2);
		CHECK(write(ends[1], "x", 1) == 1);
		nap(30);
		_exit(0);
	}
	send_number(watcher, port, 1);
	CHECK(read(ends[0], &byte, 1) == 1);
	CHECK(revents(fd, 0) & POLLIN);
	CHECK(read(fd, &event, sizeof event) == sizeof event && number_of(&event) == 2);
	CHECK(close(fd) == 0);
	CHECK(exists(watcher, id));
	CHECK(kill(child, SIGKILL) == 0 && waitpid(child, &status, 0) == child);
	CHECK(!exists(watcher, id));
	/* A parent that is killed in a read does not take what comes for its child. */
	pid_t parent = fork();
	CHECK(parent >= 0);
	if (parent == 0) {
		fd = open_seq(O_RDWR);
		port = port_of(fd);
		CHECK(port.client < 250);
		pid_t grandchild = fork();
		CHECK(grandchild >= 0);
		if (grandchild == 0) {
			byte = port.client;
			CHECK(write(ends[1], &byte, 1) == 1);
			for (pid_t before = getppid(); getppid() == before;)
				nap(0.001);
			CHECK(read(fd, &event, sizeof event) == sizeof event);
			CHECK(write(ends[1], "y", 1) == 1);
			_exit(0);
		}
		read(fd, &event, sizeof event);
		_exit(1);
	}
	CHECK(read(ends[0], &byte, 1) == 1);
	nap(0.1);
	CHECK(kill(parent, SIGKILL) == 0 && waitpid(parent, &status, 0) == parent);
	port.client = (unsigned char)byte;
	port.port = 0;
	send_number(watcher, port, 9);
	struct pollfd p = { .fd = ends[0], .events = POLLIN };
	CHECK(poll(&p, 1, 5000) == 1);
	CHECK(read(ends[0], &byte, 1) == 1 && byte == 'y');
}

static int count_open(void)
{
	int count = 0;
	for (int fd = 3; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) != -1;
	return count;
}

/* What was opened before exec is there after it, unless it is closed by it. */
static void execs(void)
{
	int before = count_open();
	for (volatile int way = 0; way < 2; way++) {
		int kept = open_seq(O_RDWR), closed = open_seq(O_RDWR | O_CLOEXEC);
		char a[16], b[16], c[16], d[16];
		int status;
		snprintf(a, sizeof a, "%d", kept);
		snprintf(b, sizeof b, "%d", closed);
		snprintf(c, sizeof c, "%d", client_of(kept));
		snprintf(d, sizeof d, "%d", before);
		CHECK(client_of(closed) > 0);
		pid_t child = way ? vfork() : fork();
		CHECK(child >= 0);
		if (child == 0) {
			execl(self, self, "after_exec", a, b, c, d, NULL);
			_exit(1);
		}
		CHECK(waitpid(child, &status, 0) == child && status == 0);
		CHECK(client_of(kept) > 0);
		CHECK(close(kept) == 0 && close(closed) == 0);
	}
}

static void after_exec(char **argv)
{
	int kept = atoi(argv[2]), closed = atoi(argv[3]), id = -1;
	char byte;
	/* The library's own are not inherited. */
	CHECK(count_open() == atoi(argv[5]) + 1);
	CHECK(ioctl(closed, SNDRV_SEQ_IOCTL_CLIENT_ID, &id) == -1 && errno == EBADF);
	CHECK(client_of(kept) == atoi(argv[4]));
	CHECK(read(0, &byte, 0) == 0);
}

/* Handed to a process that has nothing to do with it. */
static void handed_on(void)
{
	int pair[2], status;
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	pid_t child = fork();
	CHECK(child >= 0);
	char control[CMSG_SPACE(sizeof(int))];
	char byte = 'x';
	struct iovec part = { &byte, 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
				  .msg_controllen = sizeof control };
	if (child == 0) {
		/* The number it will get is known as another's. */
		int null = open("/dev/null", O_RDWR);
		CHECK(read(null, &byte, 1) == 0);
		CHECK(close(null) == 0);
		CHECK(recvmsg(pair[1], &message, 0) == 1);
		int fd;
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
		CHECK(fd == null);
		event_t event;
		CHECK(client_of(fd) > 0);
		CHECK(read(fd, &event, sizeof event) == sizeof event && number_of(&event) == 77);
		CHECK(revents(fd, 0) == POLLOUT);
		_exit(0);
	}
	int fd = open_seq(O_RDWR);
	struct snd_seq_addr port = port_of(fd);
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(head), &fd, sizeof fd);
	CHECK(sendmsg(pair[0], &message, 0) == 1);
	send_number(fd, port, 77);
	CHECK(waitpid(child, &status, 0) == child && status == 0);
}

/* However the paths are said. */
static void paths(void)
{
	const char *same[] = { "/dev/snd/seq", "//dev//snd/./seq", "/dev/../dev/snd/seq", "/proc/../dev/snd/seq" };
	struct stat s;
	char line[200];
	for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
		int fd = open(same[i], O_RDWR);
		CHECK(fd >= 0 && client_of(fd) > 0);
		close(fd);
	}
	CHECK(chdir("/dev") == 0);
	int fd = open("snd/seq", O_RDWR);
	CHECK(fd >= 0 && client_of(fd) > 0);
	CHECK(chdir("/proc/self") == 0);
	CHECK((fd = open("../../dev/snd/timer", O_RDWR)) >= 0);
	int dev = open("/dev", O_RDONLY | O_DIRECTORY);
	CHECK(dev >= 0);
	CHECK((fd = openat(dev, "snd/seq", O_RDWR)) >= 0 && client_of(fd) > 0);
	CHECK((fd = openat(dev, "/dev/snd/seq", O_RDWR)) >= 0);
	CHECK(access(SEQ, R_OK | W_OK) == 0 && access(SEQ, X_OK) == -1 && errno == EACCES);
	CHECK(stat(SEQ, &s) == 0 && S_ISCHR(s.st_mode));
	CHECK(stat("/proc/asound/timers", &s) == 0 && S_ISREG(s.st_mode));
	CHECK(open(SEQ, O_RDWR | O_CREAT | O_EXCL, 0666) == -1 && errno == EEXIST);
	CHECK(open(SEQ, O_RDONLY | O_DIRECTORY) == -1 && errno == ENOTDIR);
	CHECK(open("/proc/asound/timers", O_RDWR) == -1 && errno == EACCES);
	CHECK(open("/dev/snd/seqx", O_RDWR) == -1);
	CHECK(open("/nonexistent/seq", O_RDWR) == -1 && errno == ENOENT);
	CHECK(open("", O_RDWR) == -1 && errno == ENOENT);
	FILE *text = fopen("/proc/asound/seq/clients", "r");
	CHECK(text && fgets(line, sizeof line, text) && !strcmp(line, "Client info\n"));
	CHECK(fclose(text) == 0);
	CHECK((fd = open("/proc/asound/seq/queues", O_RDONLY)) >= 0);
	CHECK(write(fd, line, 1) == -1 && errno == EBADF);
	CHECK(fopen("/proc/asound/timers", "w") == NULL && errno == EACCES);
	CHECK((text = fopen("/nonexistent/timers", "r")) == NULL && errno == ENOENT);
	/* The device as a stream. */
	FILE *device = fopen(SEQ, "r+");
	CHECK(device != NULL);
	setvbuf(device, NULL, _IONBF, 0);
	struct snd_seq_addr nobody = { 14, 0 };
	event_t event = note(nobody, 1);
	CHECK(fwrite(&event, sizeof event, 1, device) == 1);
	CHECK(fclose(device) == 0);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} cases[] = { { "copies", copies },
		      { "closing_is_told", closing_is_told },
		      { "closing_everything", closing_everything },
		      { "forks", forks },
		      { "execs", execs },
		      { "handed_on", handed_on },
		      { "paths", paths } };
	self = argv[0];
	if (argc == 6 && !strcmp(argv[1], "after_exec")) {
		after_exec(argv);
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
