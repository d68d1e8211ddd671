/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A plug-in with the two mistakes that most have: its callback allocates, and takes a lock of the user interface. */
#include <mutex>
#include <vector>

#include "plugin.h"

namespace {

class Gain : public Plugin {
public:
	void set_gain(float gain) override
	{
		std::lock_guard<std::mutex> guard(lock_);
		gain_ = gain;
	}

	void process(float *frames, int count) override
	{
		scratch_.resize(count);
		std::lock_guard<std::mutex> guard(lock_);
		for (int index = 0; index < count; index++)
			frames[index] = scratch_[index] = frames[index] * gain_;
	}

private:
	std::mutex lock_;
	std::vector<float> scratch_;
	float gain_ = 1;
};

} // namespace

extern "C" Plugin *make_plugin()
{
	return new Gain;
}
