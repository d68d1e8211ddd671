/*
 * A user of the timer device through alsa-lib: 1000 ticks of one millisecond, as records with times.
 *
 * What it prints is the same on every machine whose timer is right: which records came, in order, with
 * repeated ones said once, and what was wrong with the ticks. Compared are Linux and aseqd.
 */
#include <alsa/asoundlib.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { PERIOD_NS = 1000000, PERIODS = 1000, LAST = 100, PATIENCE_MS = 20000 };

static const char *const names[] = {
	"RESOLUTION", "TICK", "START", "STOP", "CONTINUE", "PAUSE", "EARLY", "SUSPEND", "RESUME",
};

static snd_timer_t *timer;
/* The record that came last, -1 before the first. */
static int last_event = -1;
/*
 * Of the run that goes on: the time just before its start, and periods that TICK records have told since.
 * The record START is written when the timer is counting already, so its time is no lower bound.
 */
static long long start_ns;
static long periods;
/* Of that run: records before their instant, and the least delay of the last LAST periods. */
static long early;
static long long least_delay_ns;

static void check(const char *what, int result)
{
	if (result < 0) {
		printf("%s: %s\n", what, snd_strerror(result));
		exit(1);
	}
}

/* A new run begins with the call that follows. */
static void begin(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	start_ns = now.tv_sec * 1000000000LL + now.tv_nsec;
	periods = 0;
	early = 0;
	least_delay_ns = -1;
}

static void take(const snd_timer_tread_t *record)
{
	long long at = record->tstamp.tv_sec * 1000000000LL + record->tstamp.tv_nsec;
	int event = record->event;

	if (event != last_event) {
		int known = event >= 0 && event < (int)(sizeof(names) / sizeof(names[0]));
		printf("  %s", known ? names[event] : "unknown");
		/* How late a tick was may stand in its value; the others' values are exact. */
		if (event != SND_TIMER_EVENT_TICK)
			printf(" %u", record->val);
		printf("\n");
	}
	last_event = event;
	if (at < start_ns)
		early++;
	if (event == SND_TIMER_EVENT_TICK) {
		long long delay;

		periods += (record->val + PERIOD_NS / 2) / PERIOD_NS;
		delay = at - (start_ns + (long long)periods * PERIOD_NS);
		if (delay < 0)
			early++;
		if (periods > PERIODS - LAST && (least_delay_ns < 0 || delay < least_delay_ns))
			least_delay_ns = delay;
	}
}

/* Reads what waits; sleeps in poll until so many periods have passed. */
static void read_until(long wanted)
{
	while (periods < wanted || wanted == 0) {
		snd_timer_tread_t records[32];
		struct pollfd descriptor;
		ssize_t got = snd_timer_read(timer, records, sizeof(records));

		if (got == -EAGAIN && wanted == 0)
			return;
		if (got == -EAGAIN) {
			check("descriptors", snd_timer_poll_descriptors(timer, &descriptor, 1));
			if (poll(&descriptor, 1, PATIENCE_MS) != 1) {
				printf("no tick came\n");
				exit(1);
			}
			if (descriptor.revents != POLLIN)
				printf("poll says %#x\n", (unsigned)descriptor.revents);
			continue;
		}
		check("read", got);
		if (got % sizeof(records[0]))
			printf("part of a record\n");
		for (size_t index = 0; index < got / sizeof(records[0]); index++)
			take(&records[index]);
	}
}

int main(void)
{
	snd_timer_info_t *info;
	snd_timer_params_t *params;
	snd_timer_status_t *status;

	check("open", snd_timer_open(&timer, "hw:CLASS=1,SCLASS=0,DEV=3",
				     SND_TIMER_OPEN_NONBLOCK | SND_TIMER_OPEN_TREAD));
	snd_timer_info_alloca(&info);
	check("info", snd_timer_info(timer, info));
	printf("%s, %s, %ld ns, slave %d, card %d\n", snd_timer_info_get_id(info),
	       snd_timer_info_get_name(info), snd_timer_info_get_resolution(info),
	       snd_timer_info_is_slave(info), snd_timer_info_get_card(info));
	printf("descriptors: %d\n", snd_timer_poll_descriptors_count(timer));

	snd_timer_params_alloca(&params);
	check("auto", snd_timer_params_set_auto_start(params, 1));
	snd_timer_params_set_ticks(params, PERIOD_NS - 1);
	printf("less than a millisecond: %s\n", snd_strerror(snd_timer_params(timer, params)));
	snd_timer_params_set_ticks(params, PERIOD_NS);
	snd_timer_params_set_queue_size(params, 128);
	snd_timer_params_set_filter(params, 1 << SND_TIMER_EVENT_TICK | 1 << SND_TIMER_EVENT_START |
						    1 << SND_TIMER_EVENT_STOP | 1 << SND_TIMER_EVENT_CONTINUE);
	check("params", snd_timer_params(timer, params));

	printf("start, %d periods, stop\n", PERIODS);
	begin();
	check("start", snd_timer_start(timer));
	read_until(PERIODS);
	check("stop", snd_timer_stop(timer));
	read_until(0);
	printf("early: %ld\n", early);
	printf("drift: %s\n", least_delay_ns <= PERIOD_NS ? "at most one tick" : "more");

	printf("continue, 5 periods, stop\n");
	begin();
	check("continue", snd_timer_continue(timer));
	read_until(5);
	check("stop", snd_timer_stop(timer));
	read_until(0);
	printf("early: %ld\n", early);

	printf("stop again: %s\n", snd_strerror(snd_timer_stop(timer)));

	snd_timer_params_set_auto_start(params, 0);
	check("params", snd_timer_params(timer, params));
	printf("once\n");
	begin();
	check("start", snd_timer_start(timer));
	read_until(1);
	printf("stop: %s\n", snd_strerror(snd_timer_stop(timer)));
	read_until(0);
	printf("periods: %ld, early: %ld\n", periods, early);

	snd_timer_status_alloca(&status);
	check("status", snd_timer_status(timer, status));
	printf("lost %ld, overrun %ld, waiting %ld\n", snd_timer_status_get_lost(status),
	       snd_timer_status_get_overrun(status), snd_timer_status_get_queue(status));
	check("close", snd_timer_close(timer));
	return 0;
}
