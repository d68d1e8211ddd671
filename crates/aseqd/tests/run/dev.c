/* What a program can do with /dev, a line for each thing: the same inside and outside. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

static void say(const char *what, int failed)
{
    printf("%s: %s\n", what, failed ? strerrorname_np(errno) : "ok");
}

/* Two names of one file. */
static int same(const char *one, const char *other)
{
    struct stat a, b;
    return one && other && !stat(one, &a) && !stat(other, &b) && a.st_rdev == b.st_rdev && a.st_ino == b.st_ino;
}

static void terminals(void)
{
    char text[8] = "", name[64], own[64] = "none";
    struct pollfd ready;
    int slave, master = posix_openpt(O_RDWR | O_NOCTTY);

    say("posix_openpt", master < 0);
    if (master < 0 || grantpt(master) || unlockpt(master) || ptsname_r(master, name, sizeof name)) {
        say("ptsname", 1);
        return;
    }
    slave = open(name, O_RDWR | O_NOCTTY);
    say("slave", slave < 0);
    printf("its name: %s\n", strncmp(name, "/dev/pts/", 9) ? name : "/dev/pts/");
    say("write", write(master, "x\n", 2) != 2);
    ready = (struct pollfd){ slave, POLLIN, 0 };
    say("poll", poll(&ready, 1, 10000) != 1);
    say("read", read(slave, text, sizeof text) != 2);
    printf("ttyname: %s\n", same(ttyname(slave), name) ? "the same file" : "another");
    printf("a terminal at standard input: %s\n", isatty(0) ? same(ttyname(0), ttyname(0)) ? "found" : "lost" : "no");
    if (ttyname(0))
        snprintf(own, sizeof own, "%s", ttyname(0));
    printf("its name: %.9s\n", own);
    say("/dev/tty", open("/dev/tty", O_RDWR) < 0);
}

static void memory(void)
{
    char name[40];
    int shared;
    sem_t *sem;
    mqd_t queue;

    snprintf(name, sizeof name, "/aseqd-test-%d", getpid());
    shared = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
    say("shm_open", shared < 0 || ftruncate(shared, 4096));
    say("mmap", mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, shared, 0) == MAP_FAILED);
    say("shm_unlink", shm_unlink(name));
    sem = sem_open(name, O_CREAT | O_EXCL, 0600, 1);
    say("sem_open", sem == SEM_FAILED || sem_wait(sem));
    say("sem_unlink", sem_unlink(name));
    queue = mq_open(name, O_RDWR | O_CREAT, 0600, NULL);
    say("mq_open", queue < 0 || mq_send(queue, "x", 1, 0));
    say("mq_unlink", mq_unlink(name));
}

static void nodes(void)
{
    char byte;
    int fd = open("/dev/full", O_WRONLY), log;
    struct sockaddr_un address = { AF_UNIX, "/dev/log" };

    say("write to full", write(fd, "x", 1) != 1);
    fd = open("/dev/urandom", O_RDONLY);
    say("read urandom", read(fd, &byte, 1) != 1);
    fd = open("/dev/zero", O_RDWR);
    say("map zero", mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED);
    say("/dev/stdin", open("/dev/stdin", O_RDONLY) < 0);
    say("/dev/fd/1", open("/dev/fd/1", O_WRONLY) < 0);
    log = socket(AF_UNIX, SOCK_DGRAM, 0);
    say("/dev/log", connect(log, (struct sockaddr *)&address, sizeof address));
    say("syslog", send(log, "x", 1, 0) != 1);
}

/* As changes are seen by nobody else and go with the run, only whether they may be made. */
static void changes(void)
{
    int fd = open("/dev/aseqd-test-file", O_WRONLY | O_CREAT | O_EXCL, 0600);

    say("create", fd < 0);
    say("unlink", unlink("/dev/aseqd-test-file"));
    say("mkdir", mkdir("/dev/aseqd-test-folder", 0700));
    say("rmdir", rmdir("/dev/aseqd-test-folder"));
    say("symlink", symlink("null", "/dev/aseqd-test-link"));
    say("unlink", unlink("/dev/aseqd-test-link"));
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* Not looked into: what changes while others use the machine. */
static int is_busy(const char *path)
{
    return !strcmp(path, "/dev/pts") || !strcmp(path, "/dev/shm") || !strcmp(path, "/dev/mqueue");
}

static void list(const char *folder)
{
    struct dirent **names;
    int count = scandir(folder, &names, NULL, by_name);

    for (int at = 0; at < count; at++) {
        char path[512], target[512] = "";
        struct stat file;

        snprintf(path, sizeof path, "%s/%s", folder, names[at]->d_name);
        if (names[at]->d_name[0] == '.' || !strcmp(path, "/dev/snd"))
            continue;
        /* Where it is a link to the node that makes terminals is the run's own business. */
        if (strcmp(path, "/dev/ptmx") ? lstat(path, &file) : stat(path, &file))
            continue;
        printf("%s %o %u:%u", path, file.st_mode, major(file.st_rdev), minor(file.st_rdev));
        /* In a user namespace all others are nobody. */
        if (!geteuid())
            printf(" %u:%u", file.st_uid, file.st_gid);
        if (S_ISLNK(file.st_mode) && readlink(path, target, sizeof target - 1) > 0)
            printf(" -> %s", target);
        /* Opening a character device may do things. */
        if (S_ISBLK(file.st_mode) || S_ISDIR(file.st_mode) || S_ISREG(file.st_mode)) {
            int fd = open(path, O_RDONLY | O_NONBLOCK);
            printf(" %s", fd < 0 ? strerrorname_np(errno) : "opens");
            close(fd);
        }
        printf("\n");
        if (S_ISDIR(file.st_mode) && !is_busy(path))
            list(path);
    }
}

int main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    terminals();
    memory();
    nodes();
    changes();
    list("/dev");
    return 0;
}
