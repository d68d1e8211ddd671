/* Reads a clock, sleeps, or computes, as often as it is told. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int main(int count, char **words)
{
    struct timespec now, sleep = {0, 1000000};
    volatile double sum = 0;

    if (count != 3)
        return 2;
    long number = atol(words[2]);
    for (long i = 0; i < number; i++) {
        if (strcmp(words[1], "read") == 0)
            clock_gettime(CLOCK_MONOTONIC, &now);
        else if (strcmp(words[1], "sleep") == 0)
            nanosleep(&sleep, NULL);
        else if (strcmp(words[1], "poll") == 0)
            poll(NULL, 0, 1);
        else if (strcmp(words[1], "call") == 0)
            (void)getppid();
        else
            for (int j = 0; j < 1000; j++)
                sum += (double)j / (double)(i + 1);
    }
    return 0;
}
