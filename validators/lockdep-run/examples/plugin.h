/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once

/* What the host of this example and its plug-ins agree on. */
struct Plugin {
	virtual ~Plugin() = default;
	/* Called by the user interface. */
	virtual void set_gain(float gain) = 0;
	/* Called by the audio thread. */
	virtual void process(float *frames, int count) = 0;
};

extern "C" Plugin *make_plugin();
