/* Signals in calls that sleep: what is interrupted, and that nothing is lost. */
#include "client.h"
#include <sound/asound.h>

static atomic_int signals;
static void count(int number)
{
	(void)number;
	signals++;
}

static void alarm_in(double seconds, double every)
{
	struct itimerval t;
	t.it_value.tv_sec = (time_t)seconds;
	t.it_value.tv_usec = (long)((seconds - (time_t)seconds) * 1e6);
	t.it_interval.tv_sec = 0;
	t.it_interval.tv_usec = (long)(every * 1e6);
	CHECK(setitimer(ITIMER_REAL, &t, NULL) == 0);
}

static void read_is_interrupted(void)
{
	int fd = open_seq(O_RDWR);
	struct snd_seq_addr port = port_of(fd);
	event_t event;
	on_signal(SIGALRM, count, 0);
	for (int round = 0; round < 20; round++) {
		signals = 0;
		alarm_in(0.02, 0);
		CHECK(read(fd, &event, sizeof event) == -1 && errno == EINTR);
		CHECK(signals == 1);
		send_number(fd, port, round);
		CHECK(read(fd, &event, sizeof event) == sizeof event);
		CHECK(number_of(&event) == (unsigned)round);
		CHECK(revents(fd, 0) == POLLOUT);
	}
}

/* As above, but the handler asks for the call to go on. */
static int wake;
static struct snd_seq_addr wake_port;
static void send_one(int number)
{
	(void)number;
	/* The third signal brings an event, sent by the handler itself. */
	if (++signals == 3)
		send_number(wake, wake_port, 33);
}

static void read_goes_on(void)
{
	int fd = open_seq(O_RDWR);
	event_t event;
	wake = open_seq(O_RDWR);
	wake_port = port_of(fd);
	on_signal(SIGALRM, send_one, SA_RESTART);
	alarm_in(0.02, 0.02);
	CHECK(read(fd, &event, sizeof event) == sizeof event);
	CHECK(number_of(&event) == 33 && signals >= 3);
}

/* A storm of signals and a stream of numbers: each number once, in order. */
static void nothing_is_lost(void)
{
	enum { MANY = 20000 };
	int fd = open_seq(O_RDWR);
	struct snd_seq_addr port = port_of(fd);
	int to_child[2];
	CHECK(pipe(to_child) == 0);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		int out = open_seq(O_RDWR);
		char byte;
		close(fd);
		close(to_child[1]);
		for (unsigned i = 0; i < MANY; i++) {
			send_number(out, port, i);
			/* Not more than the reader has room for. */
			if (i % 100 == 99)
				CHECK(read(to_child[0], &byte, 1) == 1);
		}
		_exit(0);
	}
	on_signal(SIGALRM, count, 0);
	alarm_in(0.0001, 0.0001);
	unsigned interrupted = 0;
	for (unsigned i = 0; i < MANY;) {
		event_t events[3];
		ssize_t got = read(fd, events, sizeof events);
		if (got == -1) {
			CHECK(errno == EINTR);
			interrupted++;
			continue;
		}
		CHECK(got > 0 && got % sizeof(event_t) == 0);
		for (size_t j = 0; j < got / sizeof(event_t); j++, i++) {
			CHECK(number_of(events + j) == i);
			if (i % 1000 == 999) {
				/* The sender waits, so nothing but a signal can end this. */
				event_t none;
				CHECK(read(fd, &none, sizeof none) == -1 && errno == EINTR);
				interrupted++;
			}
			if (i % 100 == 99) {
				ssize_t sent;
				while ((sent = write(to_child[1], "x", 1)) != 1)
					CHECK(errno == EINTR);
			}
		}
	}
	alarm_in(0, 0);
	int status;
	while (waitpid(child, &status, 0) != child)
		CHECK(errno == EINTR);
	CHECK(status == 0);
	CHECK(interrupted >= MANY / 1000);
	CHECK(revents(fd, 0) == POLLOUT);
}

static void write_is_interrupted(void)
{
	int fd = open_seq(O_RDWR | O_NONBLOCK);
	struct snd_seq_addr port = port_of(fd);
	int queue = stopped_queue(fd);
	event_t event = later(port, queue);
	fill(fd, port, queue);
	CHECK(fcntl(fd, F_SETFL, 0) == 0);
	on_signal(SIGALRM, count, 0);
	for (int round = 0; round < 10; round++) {
		signals = 0;
		alarm_in(0.02, 0);
		CHECK(write(fd, &event, sizeof event) == -1 && errno == EINTR);
		CHECK(signals == 1);
		CHECK(revents(fd, 0) == 0);
	}
	remove_output(fd);
	CHECK(revents(fd, 0) == POLLOUT);
	CHECK(write(fd, &event, sizeof event) == sizeof event);
}

/* While a write sleeps, others find the file not writable. */
static atomic_int writing;
static void *write_many(void *fd_)
{
	int fd = *(int *)fd_;
	static event_t events[3000];
	struct snd_seq_addr port = { client_of(fd), 0 };
	for (size_t i = 0; i < 3000; i++)
		events[i] = later(port, 0);
	writing = 1;
	CHECK(write(fd, events, sizeof events) == sizeof events);
	writing = 2;
	return NULL;
}

static void write_sleeps(void)
{
	int fd = open_seq(O_RDWR);
	pthread_t thread;
	port_of(fd);
	CHECK(stopped_queue(fd) == 0);
	CHECK(pthread_create(&thread, NULL, write_many, &fd) == 0);
	while (revents(fd, 0) != 0)
		nap(0.001);
	CHECK(writing == 1);
	for (int round = 0; writing != 2; round++) {
		CHECK(round < 1000);
		remove_output(fd);
		nap(0.01);
	}
	CHECK(pthread_join(thread, NULL) == 0);
	remove_output(fd);
	CHECK(revents(fd, 0) == POLLOUT);
}

/* A handler that never returns leaves the read; later reads miss nothing. */
static sigjmp_buf out;
static void leave(int number)
{
	(void)number;
	siglongjmp(out, 1);
}

__attribute__((noinline)) static ssize_t read_deeper(int fd, event_t *event)
{
	volatile char room[20000];
	room[0] = 1;
	ssize_t got = read(fd, event, sizeof *event);
	CHECK(room[0] == 1);
	return got;
}

static void read_is_left(void)
{
	int fd = open_seq(O_RDWR), other = open_seq(O_RDWR);
	struct snd_seq_addr port = port_of(fd);
	event_t event;
	on_signal(SIGALRM, leave, 0);
	for (volatile int round = 0; round < 100; round++) {
		alarm_in(0.003, 0);
		if (sigsetjmp(out, 1) == 0) {
			if (round % 2)
				read_deeper(fd, &event);
			else
				read(fd, &event, sizeof event);
			CHECK(!"it is left");
		}
		/* Any call of the thread tells the server that the read was left. */
		CHECK(client_of(other) > 0);
		send_number(other, port, round);
		CHECK(revents(fd, 1000) & POLLIN);
		ssize_t got = round % 3 ? read(fd, &event, sizeof event) : read_deeper(fd, &event);
		CHECK(got == sizeof event && number_of(&event) == (unsigned)round);
		CHECK(revents(fd, 0) == POLLOUT);
	}
}

static void *read_for_ever(void *fd)
{
	event_t event;
	read(*(int *)fd, &event, sizeof event);
	return "read";
}

static void reader_is_cancelled(void)
{
	int fd = open_seq(O_RDWR);
	struct snd_seq_addr port = port_of(fd);
	event_t event;
	for (int round = 0; round < 100; round++) {
		pthread_t thread;
		void *result;
		CHECK(pthread_create(&thread, NULL, read_for_ever, &fd) == 0);
		nap(round % 2 ? 0.002 : 0);
		CHECK(pthread_cancel(thread) == 0);
		CHECK(pthread_join(thread, &result) == 0);
		CHECK(result == PTHREAD_CANCELED);
		send_number(fd, port, round);
		CHECK(revents(fd, 1000) & POLLIN);
		CHECK(read(fd, &event, sizeof event) == sizeof event);
		CHECK(number_of(&event) == (unsigned)round);
		CHECK(revents(fd, 0) == POLLOUT);
	}
}

/* Handlers call, too. */
static int shared_fd;
static void call_in_handler(int number)
{
	(void)number;
	int before = errno;
	CHECK(client_of(shared_fd) > 0);
	int fd = open_seq(O_RDWR);
	CHECK(close(fd) == 0);
	errno = before;
	signals++;
}

static void handlers_call(void)
{
	shared_fd = open_seq(O_RDWR);
	struct snd_seq_addr port = port_of(shared_fd);
	on_signal(SIGALRM, call_in_handler, SA_RESTART);
	alarm_in(0.001, 0.0007);
	event_t event;
	for (unsigned i = 0; signals < 300; i++) {
		send_number(shared_fd, port, i);
		CHECK(read(shared_fd, &event, sizeof event) == sizeof event);
		CHECK(number_of(&event) == i);
	}
	alarm_in(0, 0);
	CHECK(revents(shared_fd, 0) == POLLOUT);
}

/* The descriptor itself sends a signal. */
static atomic_int from_fd;
static void input(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	from_fd = info->si_fd;
	signals++;
}

static void ask_for_signals(int fd)
{
	struct sigaction action;
	memset(&action, 0, sizeof action);
	action.sa_sigaction = input;
	action.sa_flags = SA_SIGINFO | SA_RESTART;
	CHECK(sigaction(SIGRTMIN + 3, &action, NULL) == 0);
	CHECK(fcntl(fd, F_SETOWN, getpid()) == 0);
	CHECK(fcntl(fd, F_SETSIG, SIGRTMIN + 3) == 0);
	CHECK(fcntl(fd, F_SETFL, O_NONBLOCK | O_ASYNC) == 0);
}

static void wait_for_signal(int fd, int before)
{
	for (int wait = 0; signals == before && wait < 10000; wait++)
		nap(0.001);
	CHECK(signals > before && from_fd == fd);
}

static void asynchronous(void)
{
	int fd = open_seq(O_RDWR | O_NONBLOCK);
	struct snd_seq_addr port = port_of(fd);
	event_t event;
	ask_for_signals(fd);
	for (int round = 1; round < 50; round++) {
		from_fd = -1;
		int before = signals;
		send_number(fd, port, round);
		wait_for_signal(fd, before);
		CHECK(read(fd, &event, sizeof event) == sizeof event);
	}
}

/* A timer tells of every record and every tick, while nobody reads. */
static void timer_asynchronous(void)
{
	struct snd_timer_select select;
	struct snd_timer_params params;
	int fd = open(TIMER, O_RDONLY | O_NONBLOCK), tread = 1;
	CHECK(fd >= 0);
	CHECK(ioctl(fd, SNDRV_TIMER_IOCTL_TREAD, &tread) == 0);
	memset(&select, 0, sizeof select);
	select.id.dev_class = SNDRV_TIMER_CLASS_GLOBAL;
	select.id.device = SNDRV_TIMER_GLOBAL_HRTIMER;
	CHECK(ioctl(fd, SNDRV_TIMER_IOCTL_SELECT, &select) == 0);
	memset(&params, 0, sizeof params);
	params.ticks = 1000000000;
	params.filter = 1 << SNDRV_TIMER_EVENT_START | 1 << SNDRV_TIMER_EVENT_STOP |
			1 << SNDRV_TIMER_EVENT_TICK;
	CHECK(ioctl(fd, SNDRV_TIMER_IOCTL_PARAMS, &params) == 0);
	ask_for_signals(fd);
	for (int round = 0; round < 10; round++) {
		int before = signals;
		CHECK(ioctl(fd, SNDRV_TIMER_IOCTL_START) == 0);
		wait_for_signal(fd, before);
		before = signals;
		CHECK(ioctl(fd, SNDRV_TIMER_IOCTL_STOP) == 0);
		wait_for_signal(fd, before);
	}
	params.ticks = 5000000;
	params.flags = SNDRV_TIMER_PSFLG_AUTO;
	CHECK(ioctl(fd, SNDRV_TIMER_IOCTL_PARAMS, &params) == 0);
	CHECK(ioctl(fd, SNDRV_TIMER_IOCTL_START) == 0);
	for (int round = 0; round < 10; round++)
		wait_for_signal(fd, signals);
	CHECK(ioctl(fd, SNDRV_TIMER_IOCTL_STOP) == 0);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} cases[] = { { "read_is_interrupted", read_is_interrupted },
		      { "read_goes_on", read_goes_on },
		      { "nothing_is_lost", nothing_is_lost },
		      { "write_is_interrupted", write_is_interrupted },
		      { "write_sleeps", write_sleeps },
		      { "read_is_left", read_is_left },
		      { "reader_is_cancelled", reader_is_cancelled },
		      { "handlers_call", handlers_call },
		      { "asynchronous", asynchronous },
		      { "timer_asynchronous", timer_asynchronous } };
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		if (argc == 2 && !strcmp(argv[1], cases[i].name)) {
			cases[i].run();
			puts("done");
			return 0;
		}
	}
	return 2;
}
