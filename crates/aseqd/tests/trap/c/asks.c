/* Asks for the files of a sequencer in every way that programs have, and says what it was told. A
 * second argument names a folder to make links in. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <linux/openat2.h>

static void say(const char *what, const char *which, long result)
{
	printf("%s %s: %s\n", what, which, result < 0 ? strerrorname_np(errno) : "yes");
}

static void looks(const char *what, const char *which, long result, const struct stat *st)
{
	if (result < 0) {
		say(what, which, result);
		return;
	}
	printf("%s %s: %s %o %u:%u", what, which,
	       S_ISCHR(st->st_mode) ? "device" : S_ISDIR(st->st_mode) ? "directory" : "file", st->st_mode & 07777,
	       major(st->st_rdev), minor(st->st_rdev));
	/* Those of the kernel are root's, whoever asks. */
	if (!S_ISDIR(st->st_mode) && strncmp(which, "/proc/", 6))
		printf(" %s", st->st_uid == geteuid() ? "own" : "somebody's");
	printf("\n");
}

static void looksx(const char *what, const char *which, long result, const struct statx *stx)
{
	struct stat st = { .st_mode = stx->stx_mode, .st_uid = stx->stx_uid };
	st.st_rdev = makedev(stx->stx_rdev_major, stx->stx_rdev_minor);
	looks(what, which, result, &st);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* Of a directory, these names, each with a space around it. */
static void list(const char *path, const char *only)
{
	struct dirent **found;
	int count = scandir(path, &found, NULL, by_name);
	printf("list %s:", path);
	if (count < 0)
		printf(" %s", strerrorname_np(errno));
	for (int i = 0; i < count; i++) {
		char name[NAME_MAX + 3];
		sprintf(name, " %s ", found[i]->d_name);
		if (strstr(only, name))
			printf(" %s", found[i]->d_name);
	}
	printf("\n");
}

static void text(const char *path)
{
	char first[4096] = "";
	int fd = open(path, O_RDONLY);
	say("open", path, fd);
	if (fd >= 0 && read(fd, first, sizeof first - 1) > 0)
		printf("read %s: %.11s\n", path, first);
	close(fd);
}

static void file(const char *path, const char *name)
{
	struct stat st;
	struct statx stx;
	char link[PATH_MAX], *real;
	int fd, dev = open("/dev", O_PATH | O_DIRECTORY), snd, inotify = inotify_init1(IN_CLOEXEC);
	say("access", path, access(path, F_OK));
	say("access r", path, access(path, R_OK));
	say("access w", path, access(path, W_OK));
	say("access x", path, access(path, X_OK));
	say("access 8", path, access(path, 8));
	say("eaccess", path, faccessat(AT_FDCWD, path, R_OK | W_OK, AT_EACCESS));
	say("faccessat", path, syscall(SYS_faccessat, AT_FDCWD, path, R_OK));
	say("faccessat2", path, syscall(SYS_faccessat2, AT_FDCWD, path, R_OK, AT_SYMLINK_NOFOLLOW));
	looks("stat", path, stat(path, &st), &st);
	looks("lstat", path, lstat(path, &st), &st);
	looks("newfstatat", path, fstatat(AT_FDCWD, path, &st, 0), &st);
	looksx("statx", path, statx(AT_FDCWD, path, 0, STATX_BASIC_STATS, &stx), &stx);
	looks("stat slash", path, (sprintf(link, "%s/", path), stat(link, &st)), &st);
	looks("stat around", path, (sprintf(link, "/dev/../dev/./snd/..//snd/%s", name), stat(link, &st)), &st);
	say("readlink", path, readlink(path, link, sizeof link));
	real = realpath((sprintf(link, "/dev/snd/../snd/%s", name), link), NULL);
	printf("realpath %s: %s\n", path, real ? real : strerrorname_np(errno));
	say("watch", path, inotify_add_watch(inotify, path, IN_ATTRIB | IN_DELETE_SELF));
	say("getxattr", path, getxattr(path, "user.none", link, sizeof link));
	say("listxattr", path, listxattr(path, link, sizeof link));
	say("excl", path, open(path, O_RDWR | O_CREAT | O_EXCL, 0600));
	say("directory", path, open(path, O_RDONLY | O_DIRECTORY));
	say("creat", path, fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_NONBLOCK, 0600));
	close(fd);
	struct open_how how = { .flags = O_RDWR, .resolve = RESOLVE_NO_SYMLINKS };
	say("openat2", path, fd = syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how));
	close(fd);
	/* By directories. */
	sprintf(link, "snd/%s", name);
	looks("stat from dev", path, fstatat(dev, link, &st, 0), &st);
	say("open from dev", path, fd = openat(dev, link, O_RDWR));
	close(fd);
	snd = open("/dev/snd", O_RDONLY | O_DIRECTORY);
	looks("stat from snd", path, fstatat(snd, name, &st, 0), &st);
	say("access from snd", path, faccessat(snd, name, R_OK, 0));
	say("open from snd", path, fd = openat(snd, name, O_RDWR));
	close(fd);
	close(snd);
	snd = open("/dev/snd", O_PATH | O_DIRECTORY);
	looks("stat from path", path, fstatat(snd, name, &st, 0), &st);
	close(snd);
	/* By the working directory. */
	say("chdir", path, chdir("/dev"));
	looks("stat here", path, stat(link, &st), &st);
	say("open here", path, fd = open(link, O_RDWR));
	/* What is open. */
	looks("fstat", path, fstat(fd, &st), &st);
	looksx("fstatx", path, statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &stx), &stx);
	char own[64];
	sprintf(own, "/proc/self/fd/%d", fd);
	ssize_t length = readlink(own, link, sizeof link - 1);
	link[length < 0 ? 0 : length] = 0;
	printf("link of %s: %s\n", path, link);
	looks("stat by fd", path, stat(own, &st), &st);
	int other = open(own, O_RDWR);
	say("open by fd", path, other);
	close(other);
	close(fd);
	/* Only a name. */
	fd = open(path, O_PATH);
	say("O_PATH", path, fd);
	looks("fstat O_PATH", path, fstat(fd, &st), &st);
	say("read O_PATH", path, read(fd, link, 28));
	sprintf(own, "/proc/self/fd/%d", fd);
	say("open O_PATH", path, other = open(own, O_RDWR));
	close(other);
	close(fd);
	close(dev);
	close(inotify);
}

static void links(const char *folder, const char *name)
{
	char path[PATH_MAX], target[PATH_MAX];
	struct stat st;
	int fd;
	sprintf(target, "/dev/snd/%s", name);
	sprintf(path, "%s/%s", folder, name);
	unlink(path);
	if (symlink(target, path) != 0)
		perror(path);
	looks("stat link", name, stat(path, &st), &st);
	say("lstat link", name, lstat(path, &st) == 0 && S_ISLNK(st.st_mode) ? 0 : -1);
	say("open link", name, fd = open(path, O_RDWR));
	close(fd);
	say("open link itself", name, open(path, O_RDWR | O_NOFOLLOW));
	sprintf(path, "%s/folder", folder);
	if (symlink("/dev/snd", path) != 0 && errno != EEXIST)
		perror(path);
	sprintf(path, "%s/folder/%s", folder, name);
	looks("stat link folder", name, stat(path, &st), &st);
	say("open link folder", name, fd = open(path, O_RDWR));
	close(fd);
}

int main(int argc, char **argv)
{
	struct stat st;
	glob_t found;
	DIR *directory;
	struct dirent *entry;
	(void)argc;
	file("/dev/snd/seq", "seq");
	file("/dev/snd/timer", "timer");
	links(argv[1], "seq");
	links(argv[1], "timer");
	looks("stat", "/dev/snd", stat("/dev/snd", &st), &st);
	looks("stat", "/dev/snd/..", stat("/dev/snd/..", &st), &st);
	say("access", "/dev/snd", access("/dev/snd", R_OK | X_OK));
	say("access x", "/dev/snd/none", access("/dev/snd/none", F_OK));
	say("write", "/dev/snd", open("/dev/snd", O_RDWR));
	say("read", "/dev/snd", read(open("/dev/snd", O_RDONLY), &st, sizeof st));
	say("watch", "/dev/snd", inotify_add_watch(inotify_init1(0), "/dev/snd", IN_CREATE | IN_ONLYDIR));
	list("/dev", " null snd ");
	list("/dev/snd", " seq timer ");
	if (glob("/dev/snd/[st]*", 0, NULL, &found) == 0)
		for (size_t i = 0; i < found.gl_pathc; i++)
			printf("glob: %s\n", found.gl_pathv[i]);
	directory = opendir("/dev/snd");
	for (int round = 0; directory && round < 2; round++) {
		int count = 0;
		while ((entry = readdir(directory)))
			count += !strcmp(entry->d_name, "seq") || !strcmp(entry->d_name, "timer");
		printf("readdir: %d\n", count);
		rewinddir(directory);
	}
	if (directory) {
		looks("fstat", "/dev/snd", fstat(dirfd(directory), &st), &st);
		say("dup", "/dev/snd", fcntl(dirfd(directory), F_DUPFD_CLOEXEC, 0));
	}
	text("/proc/asound/timers");
	text("/proc/asound/seq/clients");
	text("/proc/asound/seq/queues");
	text("/proc/asound/seq/timer");
	looks("stat", "/proc/asound", stat("/proc/asound", &st), &st);
	looks("stat", "/proc/asound/timers", stat("/proc/asound/timers", &st), &st);
	looks("lstat", "/proc/asound/seq", lstat("/proc/asound/seq", &st), &st);
	looks("stat", "/proc/asound/seq/clients", stat("/proc/asound/seq/clients", &st), &st);
	say("access", "/proc/asound/seq/clients", access("/proc/asound/seq/clients", R_OK));
	list("/proc/asound", " seq timers ");
	list("/proc/asound/seq", " clients queues timer ");
	return 0;
}
