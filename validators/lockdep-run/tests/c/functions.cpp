/* SPDX-License-Identifier: MIT OR Apache-2.0 */
// A program whose real-time functions are called in different ways, from an ordinary thread. The first argument says
// in which one. With -DPLUGIN it is the plug-in that the program loads.
#include <csetjmp>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <execinfo.h>
#include <immintrin.h>
#include <pthread.h>
#include <stdexcept>
#include <string>
#include <unistd.h>

#define KEEP __attribute__((noinline, noipa))

static volatile void *block;

// A mistake, in whichever function this is inlined.
#define MISTAKE()                     \
	do {                          \
		block = malloc(64);   \
		free((void *)block);  \
	} while (0)

struct Large {
	long words[200];
};

struct Effect {
	virtual ~Effect() {}
	virtual int render(int frames) = 0;
};

struct Table {
	int (*run)(int);
};

#ifdef PLUGIN
struct Gain : Effect {
	int render(int frames) override;
};

KEEP int Gain::render(int frames)
{
	MISTAKE();
	return frames + 1;
}

extern "C" KEEP int process(int frames)
{
	MISTAKE();
	return frames + 1;
}

// Only the table has its address.
static KEEP int run(int frames)
{
	MISTAKE();
	return frames + 1;
}

extern "C" const Table table = { run };

extern "C" Effect *make() { return new Gain; }

extern "C" KEEP long many(int a, double b, long c, float d, long e, long f, double g, long h, long i, long j, double k,
			  double l, double m, double n, double o, double p, Large large)
{
	MISTAKE();
	long sum = a + (long)b + c + (long)d + e + f + (long)g + h + i + j;
	sum += (long)(k + l + m + n + o + p);
	for (long word : large.words)
		sum += word;
	return sum;
}

extern "C" KEEP long sums(int count, ...)
{
	va_list list;
	double sum = 0;

	MISTAKE();
	va_start(list, count);
	for (int i = 0; i < count; i++)
		sum += va_arg(list, double);
	va_end(list);
	return (long)sum;
}

extern "C" KEEP Large large(long first)
{
	Large result = {};

	MISTAKE();
	result.words[0] = first;
	result.words[199] = first + 1;
	return result;
}

extern "C" KEEP long double precise(long double x)
{
	MISTAKE();
	return x * 2;
}

struct Two {
	long a;
	double b;
};

extern "C" KEEP Two two(long a, double b)
{
	MISTAKE();
	return { a + 1, b + 1 };
}

extern "C" KEEP __attribute__((target("avx"))) __m256d wide(__m256d a, __m256d b)
{
	MISTAKE();
	return _mm256_add_pd(a, b);
}

extern "C" KEEP int throws(int frames)
{
	MISTAKE();
	if (frames)
		throw std::runtime_error("too many");
	return 0;
}

extern "C" KEEP int catches(int frames)
{
	try {
		throw std::runtime_error("too many");
	} catch (const std::exception &) {
		MISTAKE();
	}
	return frames;
}

extern "C" KEEP void jumps(jmp_buf *to)
{
	MISTAKE();
	longjmp(*to, 7);
}

extern "C" KEEP void jumps_within(void)
{
	jmp_buf here;

	if (!setjmp(here))
		longjmp(here, 1);
	MISTAKE();
}

extern "C" KEEP void ends(void)
{
	MISTAKE();
	pthread_exit(nullptr);
}

extern "C" KEEP int deep(int depth)
{
	if (depth == 0) {
		MISTAKE();
		return 0;
	}
	int (*volatile again)(int) = deep;
	return again(depth - 1) + 1;
}

extern "C" KEEP int traces(void **addresses, int count)
{
	MISTAKE();
	return backtrace(addresses, count);
}
#else

#ifdef LINKED
extern "C" int process(int frames);
#endif

static int failures;

static void expect(bool is_right, const char *what)
{
	if (!is_right) {
		std::printf("wrong: %s\n", what);
		failures++;
	}
}

// Not real-time code: it may allocate.
static KEEP void outside()
{
	MISTAKE();
}

static KEEP int hidden(int frames)
{
	MISTAKE();
	return frames;
}

struct Own : Effect {
	int render(int frames) override;
};

KEEP int Own::render(int frames)
{
	MISTAKE();
	return frames + 2;
}

// The compiler does not know which class it returns.
static KEEP Effect *make_own() { return new Own; }

static void *plugin;

template <typename Function> static Function *find(const char *name)
{
	auto function = reinterpret_cast<Function *>(dlsym(plugin, name));
	if (!function) {
		std::fprintf(stderr, "%s\n", dlerror());
		std::exit(1);
	}
	return function;
}

static void *runs_to_its_end(void *)
{
	struct Guard {
		~Guard() { outside(); }
	} guard;
	find<void()>("ends")();
	return nullptr;
}

static KEEP __attribute__((target("avx"))) void calls_wide()
{
	double sum[4];
	auto wide = find<__m256d(__m256d, __m256d)>("wide");

	_mm256_storeu_pd(sum, wide(_mm256_setr_pd(1, 2, 3, 4), _mm256_setr_pd(10, 20, 30, 40)));
	expect(sum[0] == 11 && sum[1] == 22 && sum[2] == 33 && sum[3] == 44, "wide");
}

static KEEP void calls_by_dlsym()
{
	Large big = {};

	expect(find<int(int)>("process")(4) == 5, "process");
	big.words[0] = 1000;
	big.words[199] = 2000;
	auto many = find<long(int, double, long, float, long, long, double, long, long, long, double, double, double,
			      double, double, double, Large)>("many");
	expect(many(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, big) == 136 + 3000, "many");
	expect(find<long(int, ...)>("sums")(10, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0) == 55, "sums");
	Large got = find<Large(long)>("large")(5);
	expect(got.words[0] == 5 && got.words[199] == 6, "large");
	expect(find<long double(long double)>("precise")(1.25L) == 2.5L, "precise");
	struct Two {
		long a;
		double b;
	} both = find<Two(long, double)>("two")(6, 7);
	expect(both.a == 7 && both.b == 8, "two");
	if (__builtin_cpu_supports("avx"))
		calls_wide();
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		std::fprintf(stderr, "how, and which plug-in?\n");
		return 1;
	}
	std::string how = argv[1];
	plugin = dlopen(argv[2], RTLD_LAZY | RTLD_LOCAL);
	if (!plugin) {
		std::fprintf(stderr, "%s\n", dlerror());
		return 1;
	}
	outside();
	if (how == "dlsym")
		calls_by_dlsym();
#ifdef LINKED
	if (how == "linked")
		expect(process(1) == 2, "process");
	if (how == "pointer") {
		int (*volatile pointer)(int) = process;
		expect(pointer(1) == 2, "process");
	}
	if (how == "default") {
		auto pointer = reinterpret_cast<int (*)(int)>(dlsym(RTLD_DEFAULT, "process"));
		expect(pointer(1) == 2, "process");
	}
#endif
	if (how == "virtual") {
		Effect *effect = find<Effect *()>("make")();
		expect(effect->render(1) == 2, "the plug-in's render");
		delete effect;
		effect = make_own();
		expect(effect->render(1) == 3, "the program's render");
		delete effect;
	}
	if (how == "table")
		expect(find<const Table>("table")->run(1) == 2, "run");
	if (how == "static")
		expect(hidden(1) == 1, "hidden");
	if (how == "exception") {
		bool is_caught = false;
		try {
			find<int(int)>("throws")(1);
		} catch (const std::exception &error) {
			outside();
			is_caught = !std::strcmp(error.what(), "too many");
		}
		expect(is_caught, "the exception");
		outside();
		expect(find<int(int)>("catches")(3) == 3, "catches");
	}
	if (how == "longjmp") {
		jmp_buf here;
		int value = setjmp(here);
		if (!value)
			find<void(jmp_buf *)>("jumps")(&here);
		outside();
		expect(value == 7, "the jump");
		find<void()>("jumps_within")();
	}
	if (how == "exit") {
		pthread_t thread;
		pthread_create(&thread, nullptr, runs_to_its_end, nullptr);
		pthread_join(thread, nullptr);
	}
	if (how == "deep") {
		expect(find<int(int)>("deep")(100) == 100, "deep");
	}
	if (how == "backtrace") {
		void *addresses[64];
		int count = find<int(void **, int)>("traces")(addresses, 64);
		char **names = backtrace_symbols(addresses, count);
		bool has_main = false;
		for (int i = 0; i < count; i++)
			has_main |= std::strstr(names[i], "(main+") || std::strstr(names[i], "libc");
		free(names);
		expect(has_main, "the stack");
	}
	outside();
	std::puts(failures ? "failed" : "done");
	return failures;
}
#endif
