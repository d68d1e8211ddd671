/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A PipeWire filter whose callback allocates and prints. It knows nothing of lockdep. */
#include <pipewire/filter.h>
#include <pipewire/pipewire.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct pw_main_loop *loop;
static void *input, *output;
static volatile int blocks;

static void process(void *unused, struct spa_io_position *position)
{
	const uint32_t frames = position->clock.duration;
	const float *in = pw_filter_get_dsp_buffer(input, frames);
	float *out = pw_filter_get_dsp_buffer(output, frames);
	float *scratch = calloc(frames, sizeof(*scratch));

	(void)unused;
	for (uint32_t index = 0; in && index < frames; index++)
		scratch[index] = in[index] * 0.5f;
	if (out)
		memcpy(out, scratch, frames * sizeof(*scratch));
	free(scratch);
	if (++blocks == 10)
		fflush(stdout);
}

static void *port(struct pw_filter *filter, enum spa_direction direction, const char *name)
{
	struct pw_properties *about = pw_properties_new(
		PW_KEY_FORMAT_DSP, "32 bit float mono audio", PW_KEY_PORT_NAME, name, NULL);

	return pw_filter_add_port(filter, direction, PW_FILTER_PORT_FLAG_MAP_BUFFERS, 0, about, NULL, 0);
}

static void looks(void *unused, uint64_t expirations)
{
	(void)unused, (void)expirations;
	if (blocks >= 20)
		pw_main_loop_quit(loop);
}

int main(int argc, char **argv)
{
	static const struct pw_filter_events events = { PW_VERSION_FILTER_EVENTS, .process = process };
	struct timespec often = { .tv_nsec = 10000000 };

	pw_init(&argc, &argv);
	loop = pw_main_loop_new(NULL);
	struct pw_properties *about = pw_properties_new(
		PW_KEY_MEDIA_CATEGORY, "Filter", PW_KEY_NODE_ALWAYS_PROCESS, "true", NULL);
	struct pw_filter *filter = pw_filter_new_simple(
		pw_main_loop_get_loop(loop), "gain", about, &events, NULL);

	input = port(filter, PW_DIRECTION_INPUT, "in");
	output = port(filter, PW_DIRECTION_OUTPUT, "out");
	if (pw_filter_connect(filter, PW_FILTER_FLAG_RT_PROCESS, NULL, 0))
		return 1;
	struct spa_source *timer = pw_loop_add_timer(pw_main_loop_get_loop(loop), looks, NULL);

	pw_loop_update_timer(pw_main_loop_get_loop(loop), timer, &often, &often, false);
	pw_main_loop_run(loop);
	pw_filter_destroy(filter);
	pw_main_loop_destroy(loop);
	pw_deinit();
	return 0;
}
