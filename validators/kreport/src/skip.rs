//! Functions that are never to blame: they check, lock, copy, print or free for others.
//!
//! A pattern is a part of a name. `^` binds it to the start and `$` to the end.

use crate::parse::text::contains;
use aho_corasick::AhoCorasick;
use std::sync::LazyLock;

/// Functions of the instrumentation, and those that bring a report to the console.
const REPORTING: &[&str] = &[
    "__sanitizer",
    "__asan",
    "kasan",
    "hwasan",
    "__msan",
    "kmsan",
    "kcsan_setup_watchpoint",
    "ubsan_",
    "check_memory_region",
    "check_heap_object",
    "check_object",
    "read_word_at_a_time",
    "read_once_word_nocheck",
    "write_once_word_nocheck",
    "read_once_nocheck",
    "print_address_description",
    "panic",
    "invalid_op",
    "report_bug",
    "fixup_bug",
    "print_report",
    "print_usage_bug",
    "do_error",
    "_trap$",
    "do_trap",
    "show_stack",
    "dump_stack",
    "walk_stack",
    "dump_backtrace",
    "^unwind_backtrace$",
    "warn_slowpath",
    "warn_alloc",
    "warn_bogus",
    "__warn",
    "print_unlock",
    "imbalance_bug",
    "print_tainted",
    "get_taint$",
    "__fortify_report",
    "assertfail",
    "printk",
    "va_format",
    "dev_info",
    "dev_notice",
    "dev_warn",
    "dev_err",
    "dev_alert",
    "dev_crit",
    "dev_emerg",
    "perf_trace",
    "hex_dump_to_buffer",
    "print_hex_dump",
    "stack_trace_consume_entry",
    "arch_stack_walk",
    "stack_trace_save",
    "__might_resched",
    "might_sleep",
    "might_fault",
    "program_check_exception",
    "program_check_common",
    "_indirect_thunk_",
    "do_kernel_fault",
    "do_translation_fault",
    "do_mem_abort",
    "el1_abort",
    "el1h_64_sync",
    "^do_serror$",
    "^el1h_64_error",
    "print_circular_bug",
    "print_bad_irq_dependency",
    "print_deadlock_bug",
    "print_irq_inversion_bug",
    "check_prev_add",
    "check_noncircular",
    "validate_chain",
    "check_deadlock",
    "check_irq_usage",
    "__schedule_bug",
    "handle_bug",
    "exc_invalid_op",
    "rust_begin_unwind",
];

/// Functions of locks and of lockdep.
const LOCKING: &[&str] = &[
    "lockdep",
    "lock_acquire",
    "lock_release",
    "lock_class",
    "mark_lock",
    "mark_held_locks",
    "reacquire_held_locks",
    "bh_enable",
    "bh_disable",
    "raw_spin_rq",
    "spin_lock",
    "spin_trylock",
    "spin_unlock",
    "read_lock",
    "read_trylock",
    "write_lock",
    "write_trylock",
    "read_unlock",
    "write_unlock",
    "^down$",
    "down_read",
    "down_write",
    "down_trylock",
    "up_read",
    "up_write",
    "^mutex_",
    "^__mutex_",
    "^rt_mutex_",
    "^__rt_mutex_",
    "^rtlock_",
    "^__rtlock_",
    "^rwbase_",
    "^__rwbase_",
    "^ww_mutex_",
    "^__ww_mutex_",
    "slowlock",
    "task_blocks_on_rt_mutex",
    "^percpu_down_",
    "^percpu_up_",
    "^__percpu_down_",
    "^down_interruptible$",
    "^down_killable$",
    "^down_timeout$",
    "^__down$",
    "^__down_common$",
    "^up$",
    "^local_lock",
    "^__local_lock",
    "queued_spin_lock",
    "owner_on_cpu",
    "osq_lock",
    "osq_unlock",
    "seqprop_assert",
    "trace_hardirq",
    "trace_softirq",
    "lockdep_hardirq",
    "lockdep_softirq",
    "^lock_page",
    "^unlock_page",
    "lock_timer_base",
    "__wake_up",
    "^complete$",
    "wait_for_completion",
    "finish_wait",
];

/// Functions that manage memory.
const MEMORY: &[&str] = &[
    "alloc_page",
    "malloc",
    "zalloc",
    "calloc",
    "krealloc",
    "kmem_cache",
    "allocate_slab",
    "__alloc_frozen_pages_noprof",
    "folio_alloc",
    "folio_unlock",
    "filemap_alloc_folio",
    "__filemap_get_folio",
    "find_or_create_page",
    "^mark_buffer_dirty",
    "^mark_buffer_async",
    "^mark_page_accessed$",
    "^folio_mark_dirty$",
    "^folio_mark_accessed$",
    "^set_page_dirty",
    "^__set_page_dirty",
    "^touch_buffer$",
    "do_read_cache_folio",
    "read_cache_page",
    "pagecache_get_page",
    "grab_cache_page_write_begin",
    "slab_",
    "^kfree$",
    "^kvfree$",
    "kfree_skb",
    "memcpy",
    "memcmp",
    "memset",
    "memchr",
    "memmove",
    "memdup",
    "copy_to_user",
    "copy_from_user",
    "copy_to_iter",
    "copy_from_iter",
    "copy_page_to_iter",
    "copy_page_from_iter",
    "copy_folio_to_iter",
    "^copyin$",
    "^copyout$",
    "put_user",
    "get_user",
    "__phys_addr",
    "truncate_inode_pages_range",
    "find_lock_entries",
    "extract_user_to_sg",
    "extract_iter_to_sg",
];

/// Functions for texts, bits, counters, lists, trees, registers.
const LIBRARY: &[&str] = &[
    "strcmp",
    "strncmp",
    "strcpy",
    "strlcpy",
    "strncpy",
    "strscpy",
    "strlen",
    "strstr",
    "strnstr",
    "strnlen",
    "strchr",
    "strdup",
    "strndup",
    "string",
    "pointer",
    "snprintf",
    "scnprintf",
    "kasprintf",
    "kvasprintf",
    "atomic_dec",
    "atomic_inc",
    "atomic_read",
    "atomic_set",
    "atomic_or",
    "atomic_xor",
    "atomic_and",
    "atomic_add",
    "atomic_sub",
    "atomic_fetch",
    "atomic_xchg",
    "atomic_cmpxchg",
    "atomic_try",
    "atomic64_dec",
    "atomic64_inc",
    "atomic64_read",
    "atomic64_set",
    "atomic64_or",
    "atomic64_xor",
    "atomic64_and",
    "atomic64_add",
    "atomic64_sub",
    "atomic64_fetch",
    "atomic64_xchg",
    "atomic64_cmpxchg",
    "atomic64_try",
    "set_bit",
    "clear_bit",
    "change_bit",
    "test_bit",
    "^refcount_",
    "^kref_",
    "ref_tracker",
    "list_add",
    "list_del",
    "list_replace",
    "list_move",
    "list_splice",
    "^rb_",
    "^__rb_",
    "^klist_",
    "readb$",
    "readw$",
    "readl$",
    "readq$",
    "writeb$",
    "writew$",
    "writel$",
    "writeq$",
    "logic_in",
    "logic_out",
    "^crc8",
    "^crc16",
    "^crc32",
    "^crc64",
    "crc_itu_t",
    "xas_start",
    "xas_load",
    "xas_find",
    "rhashtable_lookup",
    "ida_free",
];

/// Functions of timers, work, devices, inodes. The bug is in their callers.
const SERVICES: &[&str] = &[
    "debug_object",
    "timer_is_static_object",
    "work_is_static_object",
    "del_timer",
    "__timer_delete_sync",
    "sk_stop_timer_sync",
    "__mod_timer",
    "flush_work",
    "__cancel_work_timer",
    "cancel_work_sync",
    "try_to_grab_pending",
    "flush_workqueue",
    "drain_workqueue",
    "destroy_workqueue",
    "queue_work",
    "insert_work",
    "__queue_delayed_work",
    "queue_delayed_work_on",
    "kthread_stop",
    "kobject_",
    "add_uevent_var",
    "get_device_parent",
    "device_add",
    "device_del",
    "device_unregister",
    "device_destroy",
    "device_release",
    "devres_release_all",
    "hwrng_unregister",
    "i2c_del_adapter",
    "__unregister_client",
    "device_for_each_child",
    "rollback_registered",
    "unregister_netdev",
    "sysfs_remove",
    "device_remove_file",
    "tty_unregister_device",
    "dummy_urb_enqueue",
    "usb_kill_urb",
    "usb_kill_anchored_urbs",
    "usb_control_msg",
    "usb_hcd_submit_urb",
    "usb_submit_urb",
    "^iput$",
    "^iput_final$",
    "^ihold$",
    "cleanup_srcu_struct",
    "drop_nlink",
    "^put_device$",
    "fast_dput",
    "dput",
];

/// A list of patterns.
pub(crate) struct Skip {
    parts: AhoCorasick,
    ends: Vec<&'static str>,
    /// The starts, and whether each is a whole name, by their first byte.
    starts: Vec<Vec<(&'static str, bool)>>,
}

impl Skip {
    /// Prepares patterns for search.
    pub(crate) fn new<'s>(patterns: impl IntoIterator<Item = &'s &'static str>) -> Self {
        let (mut parts, mut ends, mut starts) = (Vec::new(), Vec::new(), vec![Vec::new(); 256]);
        for &pattern in patterns {
            match (pattern.strip_prefix('^'), pattern.strip_suffix('$')) {
                (Some(rest), end) => {
                    let rest = rest.trim_end_matches('$');
                    starts[usize::from(rest.as_bytes()[0])].push((rest, end.is_some()));
                }
                (None, Some(rest)) => ends.push(rest),
                (None, None) => parts.push(pattern),
            }
        }
        let parts = AhoCorasick::builder()
            .kind(Some(aho_corasick::AhoCorasickKind::DFA))
            .build(parts)
            // The lists are fixed and short, so the search can be built.
            .unwrap_or_else(|error| unreachable!("{error}"));
        Self { parts, ends, starts }
    }

    /// Returns whether a function is on the list.
    pub(crate) fn has(&self, function: &str) -> bool {
        let Some(&first) = function.as_bytes().first() else { return false };
        let starts = |&(start, whole): &(&str, bool)| {
            function.starts_with(start) && (!whole || function.len() == start.len())
        };
        self.starts[usize::from(first)].iter().any(starts)
            || self.ends.iter().any(|end| function.ends_with(end))
            || self.parts.is_match(function)
    }
}

/// Functions that no title names.
pub(crate) static COMMON: LazyLock<Skip> = LazyLock::new(|| {
    Skip::new([REPORTING, LOCKING, MEMORY, LIBRARY, SERVICES].into_iter().flatten())
});

/// Further functions that one kind of report passes over.
pub(crate) fn is_in(patterns: &[&str], function: &str) -> bool {
    patterns.iter().any(|pattern| match (pattern.strip_prefix('^'), pattern.strip_suffix('$')) {
        (Some(rest), Some(_)) => function == rest.trim_end_matches('$'),
        (Some(rest), None) => function.starts_with(rest),
        (None, Some(rest)) => function.ends_with(rest),
        (None, None) => contains(function, pattern),
    })
}

/// Returns whether the code of a file serves others: a fault there is mostly the caller's.
pub(crate) fn is_service_file(file: &str) -> bool {
    const STARTS: [&str; 24] = [
        "lib/",
        "virt/lib/",
        "mm/kasan/",
        "mm/kmsan/",
        "kernel/kcov.c",
        "mm/slub.c",
        "mm/slab.c",
        "mm/slob.c",
        "mm/memory.c",
        "mm/percpu",
        "mm/vmalloc.c",
        "mm/page_alloc.c",
        "mm/util.c",
        "kernel/rcu/",
        "kernel/locking/",
        "kernel/panic.c",
        "kernel/printk/",
        "kernel/softirq.c",
        "kernel/kthread.c",
        "kernel/sched/",
        "kernel/stacktrace.c",
        "kernel/workqueue.c",
        "kernel/time/timer.c",
        "mm/slab_common.c",
    ];
    let file = file.trim_start_matches("./");
    file.ends_with(".h") || STARTS.iter().any(|start| file.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_checks_and_copies_are_skipped() {
        for function in [
            "_raw_spin_lock_irqsave",
            "__mutex_lock",
            "__kasan_report",
            "kfree",
            "memcpy",
            "dump_stack_lvl",
        ] {
            assert!(COMMON.has(function), "{function}");
        }
        for function in
            ["snd_card_locked", "snd_timer_work", "kfree_link", "copyin_frame", "mydown"]
        {
            assert!(!COMMON.has(function), "{function}");
        }
    }
}
