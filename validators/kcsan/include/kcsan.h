/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Marks for KCSAN in C programs, under the kernel's names. They do nothing in a program that kcsan-cc did
 * not compile.
 */
#ifndef KCSAN_H
#define KCSAN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What an access does. */
#define KCSAN_ACCESS_WRITE 1
#define KCSAN_ACCESS_COMPOUND 2
#define KCSAN_ACCESS_ATOMIC 4
#define KCSAN_ACCESS_ASSERT 8

/* An assertion that holds until the end of a scope. Its members are the runtime's. */
struct kcsan_scoped_access {
	struct kcsan_scoped_access *next;
	const volatile void *ptr;
	size_t size;
	unsigned int type;
};

#if defined(__SANITIZE_THREAD__)
struct kcsan_scoped_access *kcsan_begin_scoped_access(const volatile void *ptr, size_t size,
						      unsigned int type,
						      struct kcsan_scoped_access *sa);
void kcsan_end_scoped_access(struct kcsan_scoped_access *sa);
void __kcsan_check_access(const volatile void *ptr, size_t size, unsigned int type);
void kcsan_disable_current(void);
void kcsan_enable_current(void);
void kcsan_set_access_mask(uint64_t mask);
#else
static inline struct kcsan_scoped_access *
kcsan_begin_scoped_access(const volatile void *ptr, size_t size, unsigned int type,
			  struct kcsan_scoped_access *sa)
{
	(void)ptr; (void)size; (void)type;
	return sa;
}
static inline void kcsan_end_scoped_access(struct kcsan_scoped_access *sa) { (void)sa; }
static inline void __kcsan_check_access(const volatile void *ptr, size_t size, unsigned int type)
{
	(void)ptr; (void)size; (void)type;
}
static inline void kcsan_disable_current(void) { }
static inline void kcsan_enable_current(void) { }
static inline void kcsan_set_access_mask(uint64_t mask) { (void)mask; }
#endif

/* For helpers that read or write these bytes in a way that the compiler does not see. */
#define kcsan_check_read(ptr, size) __kcsan_check_access((ptr), (size), 0)
#define kcsan_check_write(ptr, size) __kcsan_check_access((ptr), (size), KCSAN_ACCESS_WRITE)
#define kcsan_check_read_write(ptr, size) \
	__kcsan_check_access((ptr), (size), KCSAN_ACCESS_WRITE | KCSAN_ACCESS_COMPOUND)

/* Evaluates an expression whose races are intended. */
#define data_race(expr) \
	__extension__({ \
		kcsan_disable_current(); \
		__auto_type kcsan_value = __extension__({ (expr); }); \
		kcsan_enable_current(); \
		kcsan_value; \
	})

/* Asserts that no other thread writes to this variable now. */
#define ASSERT_EXCLUSIVE_WRITER(var) \
	__kcsan_check_access(&(var), sizeof(var), KCSAN_ACCESS_ASSERT)

/* Asserts that no other thread reads or writes this variable now. */
#define ASSERT_EXCLUSIVE_ACCESS(var) \
	__kcsan_check_access(&(var), sizeof(var), KCSAN_ACCESS_WRITE | KCSAN_ACCESS_ASSERT)

/*
 * Declarations that assert the same until the end of the scope. The runtime watches the variable while the thread
 * does other things there.
 */
#define ASSERT_EXCLUSIVE_WRITER_SCOPED(var) \
	KCSAN_SCOPED(var, KCSAN_ACCESS_ASSERT, __COUNTER__)
#define ASSERT_EXCLUSIVE_ACCESS_SCOPED(var) \
	KCSAN_SCOPED(var, KCSAN_ACCESS_WRITE | KCSAN_ACCESS_ASSERT, __COUNTER__)
#define KCSAN_SCOPED(var, type, id) KCSAN_SCOPED_AS(var, type, id)
#define KCSAN_SCOPED_AS(var, type, id) \
	struct kcsan_scoped_access kcsan_scoped_##id \
		__attribute__((__cleanup__(kcsan_end_scoped_access))); \
	struct kcsan_scoped_access *kcsan_scope_##id __attribute__((__unused__)) = \
		kcsan_begin_scoped_access(&(var), sizeof(var), type, &kcsan_scoped_##id)

/* Asserts that no other thread changes these bits of this variable now. */
#define ASSERT_EXCLUSIVE_BITS(var, mask) \
	do { \
		kcsan_set_access_mask(mask); \
		__kcsan_check_access(&(var), sizeof(var), KCSAN_ACCESS_ASSERT); \
		kcsan_set_access_mask(0); \
	} while (0)

/* Marked accesses. */
#ifndef READ_ONCE
#define READ_ONCE(var) (*(const volatile __typeof__(var) *)&(var))
#endif
#ifndef WRITE_ONCE
#define WRITE_ONCE(var, val) (*(volatile __typeof__(var) *)&(var) = (val))
#endif

#ifdef __cplusplus
}
#endif
#endif
