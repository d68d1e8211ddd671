/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The calls by which programs give callbacks to libraries: with -DLIBRARY libraries that call them at once, otherwise a
 * program that registers callbacks. The argument names the call. The functions have the arguments of the real ones, of
 * which no package is needed. */
#define _GNU_SOURCE
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* portaudio.h */
typedef int pa_callback(const void *, void *, unsigned long, const void *, unsigned long, void *);
int Pa_OpenStream(void **, const void *, const void *, double, unsigned long, unsigned long, pa_callback *, void *);
int Pa_OpenDefaultStream(void **, int, int, unsigned long, double, unsigned long, pa_callback *, void *);

/* alsa/pcm.h */
int snd_async_add_pcm_handler(void **, void *, void (*)(void *), void *);

/* SDL2/SDL_audio.h */
struct sdl_spec {
	int freq;
	uint16_t format;
	uint8_t channels, silence;
	uint16_t samples, padding;
	uint32_t size;
	void (*callback)(void *, uint8_t *, int);
	void *userdata;
};
uint32_t SDL_OpenAudioDevice(const char *, int, const struct sdl_spec *, struct sdl_spec *, int);
int SDL_OpenAudio(struct sdl_spec *, struct sdl_spec *);

/* jack/jack.h */
int jack_set_process_callback(void *, int (*)(uint32_t, void *), void *);

/* pipewire/stream.h and pipewire/filter.h */
struct stream_events {
	uint32_t version;
	void *others[7];
	void (*process)(void *);
	void *later[3];
};
struct filter_events {
	uint32_t version;
	void *others[6];
	void (*process)(void *, void *);
	void *later[2];
};
void *pw_stream_new_simple(void *, const char *, void *, const struct stream_events *, void *);
void pw_stream_add_listener(void *, void *, const struct stream_events *, void *);
int pw_stream_connect(void *, int, uint32_t, int, const void **, uint32_t);
void *pw_filter_new_simple(void *, const char *, void *, const struct filter_events *, void *);
void pw_filter_add_listener(void *, void *, const struct filter_events *, void *);
int pw_filter_connect(void *, int, const void **, uint32_t);

#ifdef LIBRARY
int Pa_OpenStream(void **stream, const void *in, const void *out, double rate, unsigned long frames,
		  unsigned long flags, pa_callback *callback, void *data)
{
	(void)stream, (void)in, (void)out;
	return rate == 48000 ? callback(NULL, NULL, frames, NULL, flags, data) : 1;
}

int Pa_OpenDefaultStream(void **stream, int in, int out, unsigned long format, double rate, unsigned long frames,
			 pa_callback *callback, void *data)
{
	(void)stream, (void)in, (void)out;
	return rate == 48000 ? callback(NULL, NULL, frames, NULL, format, data) : 1;
}

int snd_async_add_pcm_handler(void **handler, void *pcm, void (*callback)(void *), void *data)
{
	(void)pcm, (void)data;
	callback(handler);
	return 0;
}

uint32_t SDL_OpenAudioDevice(const char *name, int capture, const struct sdl_spec *wanted, struct sdl_spec *got, int more)
{
	(void)name, (void)capture, (void)more;
	*got = *wanted;
	wanted->callback(wanted->userdata, NULL, wanted->samples);
	return 2;
}

int SDL_OpenAudio(struct sdl_spec *wanted, struct sdl_spec *got)
{
	wanted->size = 1;
	wanted->callback(wanted->userdata, NULL, wanted->samples);
	return got != NULL;
}

int jack_set_process_callback(void *client, int (*callback)(uint32_t, void *), void *data)
{
	(void)client;
	return callback(64, data);
}

struct stream {
	const struct stream_events *stream;
	const struct filter_events *filter;
	void *data;
};

/* The next two that are made. */
static struct stream streams[2];
static int made;

void *pw_stream_new_simple(void *loop, const char *name, void *about, const struct stream_events *events, void *data)
{
	(void)loop, (void)name, (void)about;
	streams[made] = (struct stream){ .stream = events, .data = data };
	return &streams[made++];
}

void pw_stream_add_listener(void *stream, void *hook, const struct stream_events *events, void *data)
{
	(void)hook;
	*(struct stream *)stream = (struct stream){ .stream = events, .data = data };
}

int pw_stream_connect(void *stream, int direction, uint32_t target, int flags, const void **params, uint32_t count)
{
	struct stream *own = stream;

	(void)direction, (void)target, (void)flags, (void)params;
	own->stream->process(own->data);
	return count;
}

void *pw_filter_new_simple(void *loop, const char *name, void *about, const struct filter_events *events, void *data)
{
	(void)loop, (void)name, (void)about;
	/* The real one calls this too, as a program would. */
	pw_filter_add_listener(&streams[made], NULL, events, data);
	return &streams[made++];
}

void pw_filter_add_listener(void *filter, void *hook, const struct filter_events *events, void *data)
{
	(void)hook;
	*(struct stream *)filter = (struct stream){ .filter = events, .data = data };
}

int pw_filter_connect(void *filter, int flags, const void **params, uint32_t count)
{
	struct stream *own = filter;

	(void)flags, (void)params;
	own->filter->process(own->data, NULL);
	return count;
}
#else
static int calls;

__attribute__((noinline)) static void allocates(void)
{
	free(malloc(100));
	calls++;
}

static int on_portaudio(const void *in, void *out, unsigned long frames, const void *time, unsigned long flags, void *data)
{
	(void)in, (void)out, (void)time;
	allocates();
	return frames != 64 || flags != 1 || data != &calls;
}

static void on_alsa(void *handler)
{
	(void)handler;
	allocates();
}

static void on_sdl(void *data, uint8_t *out, int length)
{
	(void)out;
	if (data == &calls && length == 64)
		allocates();
}

static int on_jack(uint32_t frames, void *data)
{
	allocates();
	return frames != 64 || data != &calls;
}

static void on_stream(void *data)
{
	if (data == &calls)
		allocates();
}

static void on_other_stream(void *data)
{
	(void)data;
	free(malloc(100));
}

static void on_filter(void *data, void *position)
{
	(void)position;
	if (data == &calls)
		allocates();
}

int main(int argc, char **argv)
{
	static const struct stream_events stream = { .version = 2, .process = on_stream };
	static const struct stream_events other = { .version = 0, .process = on_other_stream };
	static const struct filter_events filter = { .version = 1, .process = on_filter };
	struct sdl_spec spec = { .samples = 64, .callback = on_sdl, .userdata = &calls }, got;
	const char *word = argc > 1 ? argv[1] : "";
	void *own[4] = { NULL };
	int bad = 0;

	if (!strcmp(word, "Pa_OpenStream"))
		bad = Pa_OpenStream(NULL, NULL, NULL, 48000, 64, 1, on_portaudio, &calls);
	else if (!strcmp(word, "Pa_OpenDefaultStream"))
		bad = Pa_OpenDefaultStream(NULL, 0, 2, 1, 48000, 64, on_portaudio, &calls);
	else if (!strcmp(word, "snd_async_add_pcm_handler"))
		bad = snd_async_add_pcm_handler(NULL, NULL, on_alsa, NULL);
	else if (!strcmp(word, "SDL_OpenAudioDevice"))
		bad = SDL_OpenAudioDevice(NULL, 0, &spec, &got, 0) != 2 || spec.callback != on_sdl;
	else if (!strcmp(word, "SDL_OpenAudio"))
		bad = SDL_OpenAudio(&spec, NULL) || spec.size != 1;
	else if (!strcmp(word, "jack_set_process_callback"))
		bad = jack_set_process_callback(NULL, on_jack, &calls);
	else if (!strcmp(word, "pw_stream_add_listener") || !strcmp(word, "no-pw_stream_add_listener")) {
		pw_stream_add_listener(own, NULL, &stream, &calls);
		bad = pw_stream_connect(own, 0, 0, word[0] == 'n' ? 1 << 0 : 1 << 4, NULL, 0);
	} else if (!strcmp(word, "pw_stream_new_simple") || !strcmp(word, "no-pw_stream_new_simple")) {
		void *one = pw_stream_new_simple(NULL, "a", NULL, &stream, &calls);
		void *two = pw_stream_new_simple(NULL, "b", NULL, &other, NULL);

		/* One of them is in the main loop. */
		bad = pw_stream_connect(one, 0, 0, word[0] == 'n' ? 0 : 1 << 4, NULL, 0);
		bad |= pw_stream_connect(two, 0, 0, 0, NULL, 0);
	} else if (!strcmp(word, "pw_filter_add_listener") || !strcmp(word, "no-pw_filter_add_listener")) {
		pw_filter_add_listener(own, NULL, &filter, &calls);
		bad = pw_filter_connect(own, word[0] == 'n' ? 0 : 1 << 2, NULL, 0);
	} else if (!strcmp(word, "pw_filter_new_simple") || !strcmp(word, "no-pw_filter_new_simple")) {
		void *one = pw_filter_new_simple(NULL, "a", NULL, &filter, &calls);

		bad = pw_filter_connect(one, word[0] == 'n' ? 0 : 1 << 2, NULL, 0);
	}
	return bad || calls != 1;
}
#endif
