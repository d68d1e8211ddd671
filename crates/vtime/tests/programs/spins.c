/* Threads read the clock until a time has come, while another one sleeps 100 times for 1 ms. Prints when that was over,
 * and the end, in whole ms since the start. Arguments: number of threads, seconds. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static long long began, end;

static long long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void *spin(void *unused)
{
    while (now() < end)
        ;
    return unused;
}

static void *nap(void *unused)
{
    for (int i = 0; i < 100; i++)
        usleep(1000);
    printf("%lld\n", (now() - began) / 1000000);
    return unused;
}

int main(int argc, char **argv)
{
    pthread_t threads[16], napper;
    int count = argc > 2 ? atoi(argv[1]) : 1;
    began = now();
    end = began + atoll(argv[argc - 1]) * 1000000000LL;
    setvbuf(stdout, NULL, _IOLBF, 0);
    pthread_create(&napper, NULL, nap, NULL);
    for (int i = 0; i < count; i++)
        pthread_create(&threads[i], NULL, spin, NULL);
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    pthread_join(napper, NULL);
    printf("%lld\n", (now() - began) / 1000000);
    return 0;
}
