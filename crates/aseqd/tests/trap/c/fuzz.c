/* fuzz SEED SECONDS: system calls at random, with descriptors, pointers, lengths and paths that are right, nearly
 * right and wrong, from threads of processes that are killed in the midst of them. Nothing that they return is
 * looked at: that the server still does what it should, others ask. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <sound/asequencer.h>

#define PROCESSES 3
#define THREADS 2

static char *room, *readonly, *forbidden, *edge;
static _Atomic unsigned long *calls;

static const char *paths[] = {
	"/dev/snd/seq", "/dev/snd/timer", "/dev/snd", "/dev/snd/", "/dev/snd/seq/", "/dev/snd/..", "/dev/snd/none",
	"/dev", "/dev/../dev/snd/./seq", "seq", "timer", "snd/seq", "snd", ".", "..", "", "asound", "clients", "timers",
	"/proc/asound", "/proc/asound/timers", "/proc/asound/seq", "/proc/asound/seq/clients", "/proc/asound/seq/queues",
	"/proc/asound/seq/timer", "/proc/asound/..", "/proc/self/fd/768", "/proc/self/fd/769", "/proc/thread-self/fd/770",
	"/dev/fd/771", "/proc/self/fd", "/proc/self/fd/seq", "/proc/asound/seq/timer/seq", "link/seq", "loop/seq", "loop",
};

static const long numbers[] = {
	SYS_open, SYS_openat, SYS_openat2, SYS_creat, SYS_access, SYS_faccessat, SYS_faccessat2, SYS_stat, SYS_lstat,
	SYS_newfstatat, SYS_statx, SYS_readlink, SYS_readlinkat, SYS_getxattr, SYS_lgetxattr, SYS_listxattr,
	SYS_llistxattr, SYS_inotify_add_watch, SYS_getdents64, SYS_lseek, SYS_fstat, SYS_read, SYS_write, SYS_readv,
	SYS_writev, SYS_preadv2, SYS_pwritev2, SYS_ioctl, SYS_dup, SYS_dup2, SYS_dup3, SYS_fcntl, SYS_sendto, SYS_recvfrom,
	SYS_sendmsg, SYS_recvmsg, SYS_sendmmsg, SYS_recvmmsg, SYS_shutdown, SYS_bind, SYS_connect, SYS_listen, SYS_accept,
	SYS_accept4, SYS_getsockname, SYS_getpeername, SYS_setsockopt, SYS_getsockopt, SYS_sendfile, SYS_tee, SYS_splice,
	SYS_vmsplice, SYS_close, SYS_fchdir, SYS_poll, SYS_pread64, SYS_ftruncate, SYS_flock, SYS_close_range,
	SYS_pidfd_getfd, SYS_pidfd_open,
};

static uint64_t next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state * 0x2545f4914f6cdd1dULL;
}

#define BELOW(n) (next(state) % (n))
#define ONE(list) ((list)[BELOW(sizeof(list) / sizeof *(list))])

static long a_file(uint64_t *state)
{
	static const long odd[] = { -1, AT_FDCWD, 3, 4, 5, 1023, 1024, 1 << 30, -4096 };
	return BELOW(8) ? (long)(768 + BELOW(12)) : ONE(odd);
}

static long a_pointer(uint64_t *state)
{
	switch (BELOW(12)) {
	case 0:
		return 8;
	case 1:
		return 0;
	case 2:
		return -4096L;
	case 3:
		return (long)readonly;
	case 4:
		return (long)forbidden;
	case 5:
		return (long)(edge + 4096 - BELOW(100));
	case 6:
		return next(state);
	default:
		return (long)(room + BELOW(4096));
	}
}

static long a_path(uint64_t *state)
{
	return BELOW(16) ? (long)ONE(paths) : a_pointer(state);
}

static long a_length(uint64_t *state)
{
	static const long lengths[] = { 0, 1, 8, 24, 27, 28, 29, 56, 280, 4096, 1 << 20, 1L << 40, -1, 1 << 31 };
	return ONE(lengths);
}

static long a_flag(uint64_t *state)
{
	static const long flags[] = {
		0, O_RDWR | O_NONBLOCK, O_RDWR | O_NONBLOCK | O_CLOEXEC, O_WRONLY | O_NONBLOCK, O_RDONLY | O_NONBLOCK, O_PATH,
		O_DIRECTORY, O_PATH | O_DIRECTORY, O_RDWR | O_CREAT | O_EXCL, AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW, 7, 1 << 30,
		F_DUPFD, F_DUPFD_CLOEXEC, F_GETFL,
	};
	return BELOW(8) ? ONE(flags) : (long)(next(state) & ~(uint64_t)(O_CREAT | O_TMPFILE));
}

static long anything(uint64_t *state)
{
	switch (BELOW(5)) {
	case 0:
		return a_file(state);
	case 1:
		return a_pointer(state);
	case 2:
		return a_length(state);
	case 3:
		return a_path(state);
	default:
		return a_flag(state);
	}
}

/* Structs that lead on: vectors, open_how. */
static void prepare(uint64_t *state)
{
	uint64_t *words = (uint64_t *)room;
	for (int i = 0; i < 64; i += 2) {
		words[BELOW(512)] = a_pointer(state);
		words[BELOW(512)] = a_length(state);
	}
	words[0] = a_flag(state);
	words[1] = words[2] = 0;
}

static void call(uint64_t *state)
{
	static const unsigned codes[] = {
		SNDRV_SEQ_IOCTL_PVERSION, SNDRV_SEQ_IOCTL_CLIENT_ID, SNDRV_SEQ_IOCTL_CREATE_PORT, SNDRV_SEQ_IOCTL_CREATE_QUEUE,
		SNDRV_SEQ_IOCTL_SUBSCRIBE_PORT, SNDRV_SEQ_IOCTL_GET_CLIENT_POOL, SNDRV_SEQ_IOCTL_SET_CLIENT_POOL,
		SNDRV_SEQ_IOCTL_QUERY_NEXT_CLIENT, SNDRV_SEQ_IOCTL_REMOVE_EVENTS, 0xd00059a5, 0x40345410, 0x54a0, 0x54a1,
	};
	long number = ONE(numbers), args[6];
	for (int i = 0; i < 6; i++)
		args[i] = anything(state);
	if (BELOW(64) == 0)
		prepare(state);
	switch (number) {
	case SYS_open:
	case SYS_stat:
	case SYS_lstat:
	case SYS_access:
	case SYS_readlink:
	case SYS_creat:
	case SYS_getxattr:
	case SYS_lgetxattr:
	case SYS_listxattr:
	case SYS_llistxattr:
		args[0] = a_path(state);
		args[1] = number == SYS_open || number == SYS_access ? a_flag(state) : a_pointer(state);
		break;
	case SYS_openat:
	case SYS_openat2:
	case SYS_newfstatat:
	case SYS_statx:
	case SYS_faccessat:
	case SYS_faccessat2:
	case SYS_readlinkat:
	case SYS_inotify_add_watch:
		args[0] = BELOW(2) ? AT_FDCWD : a_file(state);
		args[1] = a_path(state);
		args[2] = number == SYS_openat ? a_flag(state) : anything(state);
		break;
	case SYS_close_range:
		/* Not its own standard streams. */
		args[0] = 768 + BELOW(16);
		args[1] = args[0] + BELOW(4);
		args[2] = 0;
		break;
	case SYS_close:
		args[0] = 768 + BELOW(16);
		break;
	case SYS_dup2:
	case SYS_dup3:
		args[0] = a_file(state);
		args[1] = BELOW(2) ? 768 + BELOW(16) : 700;
		break;
	case SYS_poll:
		args[1] = BELOW(4);
		args[2] = 0;
		break;
	case SYS_ioctl:
		args[0] = a_file(state);
		args[1] = BELOW(4) ? ONE(codes) : next(state);
		break;
	case SYS_flock:
		args[1] |= 4; /* LOCK_NB */
		/* fall through */
	default:
		args[0] = a_file(state);
		if (BELOW(2)) {
			args[1] = a_pointer(state);
			args[2] = a_length(state);
		}
	}
	syscall(number, args[0], args[1], args[2], args[3], args[4], args[5]);
	++*calls;
}

static void *thread(void *seed)
{
	uint64_t own = (uint64_t)(uintptr_t)seed, *state = &own;
	for (;;) {
		if (BELOW(100) == 0)
			for (int i = 0; i < 3; i++)
				open(paths[BELOW(2)], O_RDWR | O_NONBLOCK);
		call(state);
	}
	return NULL;
}

static void woken(int number)
{
	(void)number;
}

/* A process whose calls do not sleep for long, and which lives until it is killed. */
static void process(uint64_t seed)
{
	struct sigaction action = { .sa_handler = woken };
	struct itimerval often = { { 0, 3000 }, { 0, 3000 } };
	struct rlimit small = { 64 << 20, 64 << 20 };
	pthread_t id;
	sigaction(SIGALRM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGIO, SIG_IGN);
	setitimer(ITIMER_REAL, &often, NULL);
	setrlimit(RLIMIT_FSIZE, &small);
	for (uintptr_t i = 0; i + 1 < THREADS; i++)
		pthread_create(&id, NULL, thread, (void *)(uintptr_t)(seed * 31 + i + 1));
	thread((void *)(uintptr_t)(seed * 31 + 77));
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

static int put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	int done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return done;
}

/* Some of the calls make or change files. They get a machine of their own, of which nothing can be changed but an
 * empty folder: the present one. */
static void enclose(void)
{
	/* struct mount_attr with MOUNT_ATTR_RDONLY; linux/mount.h does not go with every sys/mount.h. */
	uint64_t attr[4] = { 1 };
	char map[64];
	unsigned uid = geteuid(), gid = getegid();
	if (unshare(CLONE_NEWNS) != 0) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
			goto failed;
		snprintf(map, sizeof map, "%u %u 1", uid, uid);
		if (!put("/proc/self/uid_map", map))
			goto failed;
		snprintf(map, sizeof map, "%u %u 1", gid, gid);
		if (!put("/proc/self/setgroups", "deny") || !put("/proc/self/gid_map", map))
			goto failed;
	}
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		goto failed;
	if (syscall(SYS_mount_setattr, AT_FDCWD, "/", AT_RECURSIVE, attr, sizeof attr) != 0)
		goto failed;
	if (mount("calls", "/tmp", "tmpfs", 0, "size=16m") != 0 || mount("calls", "/dev", "tmpfs", 0, "size=16m") != 0)
		goto failed;
	if (mkdir("/tmp/room", 0700) != 0 || chdir("/tmp/room") != 0)
		goto failed;
	return;
failed:
	fprintf(stderr, "calls at random need a machine of their own: %s\n", strerror(errno));
	exit(77);
}

int main(int argc, char **argv)
{
	uint64_t own = argc > 1 ? strtoull(argv[1], NULL, 0) * 2 + 1 : 1, *state = &own;
	double end = now() + (argc > 2 ? atof(argv[2]) : 1);
	pid_t pids[PROCESSES];
	unsigned long killed = 0;
	char *memory = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	enclose();
	calls = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	room = memory;
	edge = memory + 0x20000;
	readonly = memory + 0x40000;
	forbidden = memory + 0x50000;
	munmap(edge + 4096, 4096);
	mprotect(readonly, 4096, PROT_READ);
	mprotect(forbidden, 4096, PROT_NONE);
	if (symlink("/dev/snd", "link") != 0 && errno != EEXIST)
		perror("link");
	if (symlink("loop", "loop") != 0 && errno != EEXIST)
		perror("loop");
	for (int i = 0; i < PROCESSES; i++)
		if ((pids[i] = fork()) == 0)
			process(next(state));
	while (now() < end) {
		int i = BELOW(PROCESSES);
		usleep(BELOW(60000));
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
		killed++;
		uint64_t seed = next(state);
		if ((pids[i] = fork()) == 0)
			process(seed);
	}
	for (int i = 0; i < PROCESSES; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	printf("%lu calls, %lu processes killed\n", *calls, killed);
	return 0;
}
