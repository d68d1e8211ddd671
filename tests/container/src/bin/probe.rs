//! Makes system calls by name with arguments, and prints what each returns: `probe CALL[:ARGUMENT...] ...`.
//! For the tests of the container.
#![expect(unsafe_code, reason = "calls of every number are its work")]

use std::io;

fn main() {
    for word in std::env::args().skip(1) {
        let mut parts = word.split(':');
        let name = parts.next().unwrap_or_default();
        let number = |text: &str| match text.strip_prefix("0x") {
            Some(digits) => libc::c_long::from_str_radix(digits, 16),
            None => text.parse(),
        };
        let call: Result<syscalls::Sysno, _> = name.parse();
        let arguments: Result<Vec<_>, _> = parts.map(number).collect();
        let (Ok(call), Ok(mut arguments)) = (call, arguments) else {
            eprintln!("probe: {word} is no call");
            std::process::exit(2);
        };
        arguments.resize(6, 0);
        let [a, b, c, d, e, f] = arguments[..] else { continue };
        // SAFETY: the callers of this program give numbers only, and null for every address.
        let result = unsafe { libc::syscall(call.id().into(), a, b, c, d, e, f) };
        if result < 0 {
            let errno = io::Error::last_os_error().raw_os_error().unwrap_or(0);
            println!("{name} errno {errno}");
        } else {
            println!("{name} ok");
        }
    }
}
