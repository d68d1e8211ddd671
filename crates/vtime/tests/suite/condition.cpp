// std::condition_variable and the sleeps of C++, each with what its own clock says has passed, in ns.
#include <chrono>
#include <condition_variable>
#include <future>
#include <iostream>
#include <mutex>
#include <thread>

using namespace std::chrono_literals;
using std::chrono::steady_clock;

template <class Wait> void row(const char *name, Wait wait)
{
	auto began = steady_clock::now();
	auto result = wait();
	std::cout << name << ' ' << result << ' ' << (steady_clock::now() - began).count() << '\n';
}

int main()
{
	std::mutex mutex;
	std::condition_variable condition;
	std::unique_lock<std::mutex> lock(mutex);
	bool ready = false;
	row("wait_for", [&] { return condition.wait_for(lock, 30s, [&] { return ready; }); });
	row("wait_until steady", [&] { return condition.wait_until(lock, steady_clock::now() + 20s, [&] { return ready; }); });
	row("wait_until system",
	    [&] { return condition.wait_until(lock, std::chrono::system_clock::now() + 10s, [&] { return ready; }); });
	std::thread other([&] {
		std::this_thread::sleep_for(5s);
		std::lock_guard<std::mutex> guard(mutex);
		ready = true;
		condition.notify_one();
	});
	row("notified", [&] { return condition.wait_for(lock, 30s, [&] { return ready; }); });
	lock.unlock();
	other.join();
	auto late = std::async(std::launch::async, [] {
		std::this_thread::sleep_for(8s);
		return 7;
	});
	row("future times out", [&] { return late.wait_for(3s) == std::future_status::timeout; });
	row("future", [&] { return late.get(); });
	std::timed_mutex held;
	held.lock();
	row("timed_mutex", [&] { return std::async(std::launch::async, [&] { return held.try_lock_for(4s); }).get(); });
	row("sleep_until", [&] {
		std::this_thread::sleep_until(steady_clock::now() + 2500ms);
		return 0;
	});
	return 0;
}
