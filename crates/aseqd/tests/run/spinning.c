/* One thread asks the sequencer for its client number ten times; another one reads the clock until that is done. */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

/* SNDRV_SEQ_IOCTL_CLIENT_ID */
#define CLIENT_ID _IOR('S', 0x01, int)

static atomic_int done;
static int client = -1;

static void *ask(void *unused)
{
    usleep(1000);
    int seq = open("/dev/snd/seq", O_RDWR);
    for (int i = 0; i < 10; i++)
        ioctl(seq, CLIENT_ID, &client);
    done = 1;
    return unused;
}

int main(void)
{
    pthread_t thread;
    struct timespec time;
    pthread_create(&thread, NULL, ask, NULL);
    while (!done)
        clock_gettime(CLOCK_MONOTONIC, &time);
    printf("%d\n", client);
    return 0;
}
