/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A JACK client whose callback allocates and prints. It knows nothing of lockdep. */
#include <jack/jack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static jack_port_t *input, *output;
static volatile int blocks;

static int process(jack_nframes_t frames, void *unused)
{
	const float *in = jack_port_get_buffer(input, frames);
	float *out = jack_port_get_buffer(output, frames);
	float *scratch = malloc(frames * sizeof(*scratch));

	(void)unused;
	for (jack_nframes_t index = 0; index < frames; index++)
		scratch[index] = in[index] * 0.5f;
	memcpy(out, scratch, frames * sizeof(*scratch));
	free(scratch);
	if (++blocks == 10)
		fflush(stdout);
	return 0;
}

int main(void)
{
	jack_client_t *client = jack_client_open("gain", JackNoStartServer, NULL);

	if (!client)
		return 1;
	input = jack_port_register(client, "in", JACK_DEFAULT_AUDIO_TYPE, JackPortIsInput, 0);
	output = jack_port_register(client, "out", JACK_DEFAULT_AUDIO_TYPE, JackPortIsOutput, 0);
	jack_set_process_callback(client, process, NULL);
	if (jack_activate(client))
		return 1;
	while (blocks < 20)
		usleep(1000);
	jack_client_close(client);
	return 0;
}
