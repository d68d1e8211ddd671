/* Waits of several kinds: prints their results, and how much time each took. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void handler(int signal)
{
    (void)signal;
}

/* Sends its parent a signal after 3 s, and stops it from 5 s to 6 s. */
static void disturb(pid_t parent)
{
    sleep(3);
    kill(parent, SIGUSR1);
    sleep(2);
    kill(parent, SIGSTOP);
    sleep(1);
    kill(parent, SIGCONT);
    _exit(0);
}

int main(int count, char **words)
{
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
    struct timespec until, ten = {10, 0}, left = {0, 0};
    long long began = now();
    int result;

    if (count > 1) {
        puts("exec");
        return 0;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    sleep(100);
    printf("slept %lld\n", now() - began);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 10;
    pthread_mutex_lock(&mutex);
    result = pthread_cond_timedwait(&condition, &mutex, &until);
    printf("condition %d %lld\n", result, now() - began);
    began = now();
    while (now() - began < 20000000)
        ;
    printf("spun %d\n", now() - began < 21000000);

    signal(SIGUSR1, handler);
    /* Ignored by default: it must not end the wait. */
    raise(SIGWINCH);
    began = now();
    pid_t child = fork();
    if (child == 0)
        disturb(getppid());
    result = nanosleep(&ten, &left);
    printf("signal %d %d ", result, errno);
    nanosleep(&left, NULL);
    printf("%lld %lld.%09ld\n", now() - began, (long long)left.tv_sec, left.tv_nsec);
    waitpid(child, NULL, 0);
    began = now();
    child = fork();
    if (child == 0) {
        sleep(1);
        kill(getppid(), SIGSTOP);
        sleep(2);
        kill(getppid(), SIGCONT);
        _exit(0);
    }
    result = poll(NULL, 0, 10000);
    printf("stopped %lld\n", now() - began);
    began = now();
    result = poll(NULL, 0, 5000);
    printf("alone %d %lld\n", result, now() - began);
    execl("/proc/self/exe", words[0], "again", (char *)NULL);
    return 1;
}
