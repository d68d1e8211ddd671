/*
 * A thousand ticks of a millisecond through alsa-lib: HRTIMER, periodic, records with time.
 *
 * Prints the sequence of the records' types, then one line of figures. Exits with 1 if a tick is
 * lost, early, or late by more than a tick beyond what the clock says has passed; with 2 if a call
 * fails.
 */
#include <alsa/asoundlib.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define TICK_NS 1000000LL
#define TICKS 1000LL

static const char *const names[] = {"RESOLUTION", "TICK", "START", "STOP", "CONTINUE", "PAUSE",
                                    "EARLY"};

static void must(int result, const char *what)
{
    if (result < 0) {
        fprintf(stderr, "%s: %s\n", what, snd_strerror(result));
        exit(2);
    }
}

static long long now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* The type is printed where it is another than that of the record before. */
static void say(int event)
{
    static int last = -1;

    if (event == last)
        return;
    last = event;
    if (event >= 0 && (size_t)event < sizeof(names) / sizeof(*names))
        printf("%s\n", names[event]);
    else
        printf("%d\n", event);
}

int main(void)
{
    snd_timer_t *timer;
    snd_timer_info_t *info;
    snd_timer_params_t *params;
    snd_timer_status_t *status;
    struct pollfd descriptor;
    snd_timer_tread_t records[64];
    long long before, first = 0, last = 0, ns = 0, early = 0, drift;
    long lost;
    int stopped = 0;

    must(snd_timer_open(&timer, "hw:CLASS=1,SCLASS=0,DEV=3",
                        SND_TIMER_OPEN_NONBLOCK | SND_TIMER_OPEN_TREAD),
         "snd_timer_open");
    snd_timer_info_alloca(&info);
    snd_timer_params_alloca(&params);
    snd_timer_status_alloca(&status);
    must(snd_timer_info(timer, info), "snd_timer_info");
    snd_timer_params_set_auto_start(params, 1);
    snd_timer_params_set_ticks(params, TICK_NS / snd_timer_info_get_resolution(info));
    snd_timer_params_set_filter(params,
                                1 << SND_TIMER_EVENT_RESOLUTION | 1 << SND_TIMER_EVENT_TICK |
                                    1 << SND_TIMER_EVENT_START | 1 << SND_TIMER_EVENT_STOP);
    must(snd_timer_params(timer, params), "snd_timer_params");
    must(snd_timer_poll_descriptors(timer, &descriptor, 1), "snd_timer_poll_descriptors");
    before = now_ns();
    must(snd_timer_start(timer), "snd_timer_start");

    while (!stopped) {
        ssize_t bytes, at;

        /* Stopped when all ticks have passed: what is still unread is read after it. */
        if (ns / TICK_NS >= TICKS) {
            must(snd_timer_stop(timer), "snd_timer_stop");
            stopped = 1;
        } else if (poll(&descriptor, 1, 5000) != 1) {
            fprintf(stderr, "no record within 5 seconds\n");
            return 1;
        }
        bytes = snd_timer_read(timer, records, sizeof(records));
        must((int)bytes, "snd_timer_read");
        for (at = 0; at < bytes / (ssize_t)sizeof(*records); at++) {
            long long time = records[at].tstamp.tv_sec * 1000000000LL + records[at].tstamp.tv_nsec;

            say(records[at].event);
            if (records[at].event == SND_TIMER_EVENT_START)
                first = time;
            if (records[at].event != SND_TIMER_EVENT_TICK)
                continue;
            ns += records[at].val * (long long)snd_timer_info_get_resolution(info);
            last = time;
            /* A tick tells of whole periods, all of which must have passed since the start. */
            if (ns / TICK_NS * TICK_NS > time - before)
                early++;
        }
    }

    must(snd_timer_status(timer, status), "snd_timer_status");
    /* Periods that have passed at the last record, less those that were told. */
    drift = (last - first) / TICK_NS - ns / TICK_NS;
    lost = snd_timer_status_get_lost(status) + snd_timer_status_get_overrun(status);
    printf("lost %ld early %lld drift %lld\n", lost, early, drift);
    snd_timer_close(timer);
    return lost != 0 || early != 0 || drift > 1 || drift < -1;
}
