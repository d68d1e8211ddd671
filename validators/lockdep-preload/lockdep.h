/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Marks for lockdep in C programs. Without liblockdep_preload.so they are undefined weak symbols and the
 * macro below does nothing, so a program may always contain them.
 */
#ifndef LOCKDEP_H
#define LOCKDEP_H

#ifdef __cplusplus
extern "C" {
#endif

#define LOCKDEP_WEAK __attribute__((weak))

/* Code that must meet a deadline: an audio callback, one turn of a server. */
void lockdep_hardirq_enter(const char *name) LOCKDEP_WEAK;
void lockdep_hardirq_exit(void) LOCKDEP_WEAK;
/* Code that hardirq-like code may interrupt, and that must not wait either. */
void lockdep_softirq_enter(const char *name) LOCKDEP_WEAK;
void lockdep_softirq_exit(void) LOCKDEP_WEAK;
/* A request or a work item: it may wait, and must release what it takes. */
void lockdep_task_enter(const char *name) LOCKDEP_WEAK;
void lockdep_task_exit(void) LOCKDEP_WEAK;
/* Keeps callbacks out, and lets them in again. Calls are undone in opposite order. */
void lockdep_irqsave(void) LOCKDEP_WEAK;
void lockdep_irqrestore(void) LOCKDEP_WEAK;
/* Lets callbacks in, whichever code kept them out. */
void lockdep_irq_enable(void) LOCKDEP_WEAK;

#define LOCKDEP(call) do { if (lockdep_hardirq_enter) { call; } } while (0)

#ifdef __cplusplus
}
#endif
#endif
