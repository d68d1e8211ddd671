/* What one call costs, in nanoseconds: the least of many rounds. `functions.rs` runs this in each way. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "lockdep.h"

enum { ROUNDS = 60, CALLS = 20000 };

/* The function that `--functions` names. */
__attribute__((noinline)) long process(long one, long two) { return one + two; }

/* A table of functions, as a plug-in has. */
struct table { long (*process)(long, long); };
const struct table table = { process };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static long sum;

static void call(const struct table *calls) { sum += calls->process(sum, 1); }

static void lock(const struct table *calls)
{
    (void)calls;
    pthread_mutex_lock(&mutex);
    sum++;
    pthread_mutex_unlock(&mutex);
}

static void section(const struct table *calls)
{
    (void)calls;
    LOCKDEP(lockdep_hardirq_enter("section"));
    sum++;
    LOCKDEP(lockdep_hardirq_exit());
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return time.tv_sec * 1e9 + time.tv_nsec;
}

static void measure(const char *name, void (*turn)(const struct table *))
{
    const struct table *volatile calls = &table;
    double least = 1e18;
    for (int round = 0; round < ROUNDS; round++) {
        double start = now();
        for (int count = 0; count < CALLS; count++)
            turn(calls);
        double took = (now() - start) / CALLS;
        if (took < least)
            least = took;
    }
    printf("%s %.3f\n", name, least);
}

int main(void)
{
    measure("call", call);
    measure("mutex", lock);
    measure("section", section);
    return 0;
}
