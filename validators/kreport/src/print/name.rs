//! Names of Rust and C++ functions and of source files as reports show them.

/// Returns a demangled name of a function without its hash and type parameters, and `<A as B>::f` as
/// `A::f`: names in the kernel's reports have no spaces. Names of C++ lose their parameters and return types too.
#[must_use]
pub fn function(name: &str) -> String {
    let without = without_parameters(name);
    let name = without.as_str();
    let name = match name.rsplit_once("::h") {
        Some((front, hash)) if hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit()) => {
            front
        }
        _ => name,
    };
    let name = match name.strip_prefix('<').and_then(|rest| rest.split_once(" as ")) {
        Some((type_name, rest)) => match rest.split_once(">::") {
            Some((_, method)) => format!("{type_name}::{method}"),
            None => name.to_owned(),
        },
        None => name.strip_prefix('<').map_or_else(|| name.to_owned(), |n| n.replacen('>', "", 1)),
    };
    let mut depth = 0_i32;
    let mut short = String::with_capacity(name.len());
    let mut previous = ' ';
    for letter in name.chars() {
        match letter {
            '<' => depth += 1,
            // The `>` of an arrow closes no bracket.
            '>' if previous != '-' => depth -= 1,
            ' ' => {}
            _ if depth <= 0 => short.push(letter),
            _ => {}
        }
        previous = letter;
    }
    without_crate_hash(&short.replace("::::", "::")).trim_end_matches("::").to_owned()
}

/// Returns `void (anonymous namespace)::A<int>::f<int>(int) const` as `A<int>::f<int>`. A name without parameters stays.
fn without_parameters(name: &str) -> String {
    let Some(open) = parameters(name) else { return name.to_owned() };
    let name = name[..open].replace("(anonymous namespace)::", "");
    // The names of operators may have spaces themselves.
    if name.contains("operator") {
        return name;
    }
    let mut depth = 0_i32;
    let mut start = 0;
    for (at, letter) in name.char_indices() {
        match letter {
            '<' | '(' => depth += 1,
            '>' | ')' => depth -= 1,
            ' ' if depth == 0 => start = at + 1,
            _ => {}
        }
    }
    name[start..].to_owned()
}

/// Returns where the list of parameters begins, with which a name of C++ ends.
fn parameters(name: &str) -> Option<usize> {
    let end = name.trim_end_matches(" const").trim_end_matches('&');
    let mut depth = 0_i32;
    for (at, letter) in end.strip_suffix(')').map(|_| end)?.char_indices().rev() {
        match letter {
            ')' => depth += 1,
            '(' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return (at > 0 && !end[..at].ends_with("operator")).then_some(at);
        }
    }
    None
}

/// Returns `std[0123456789abcdef]::f` as `std::f`.
fn without_crate_hash(name: &str) -> String {
    match name.split_once('[').and_then(|(front, rest)| Some((front, rest.split_once("]::")?))) {
        Some((front, (hash, back))) if hash.bytes().all(|b| b.is_ascii_hexdigit()) => {
            format!("{front}::{back}")
        }
        _ => name.to_owned(),
    }
}

/// Returns the folder of the project that the program was started in, with a slash at its end; `None`
/// if the current folder cannot be read.
///
/// It is the outermost folder with a lock file: Cargo runs tests in the folder of the crate, and compiles in that
/// of the workspace.
#[must_use]
pub fn project() -> Option<String> {
    let here = std::env::current_dir().ok()?;
    let top = here.ancestors().filter(|folder| folder.join("Cargo.lock").is_file()).last();
    Some(format!("{}/", top.unwrap_or(&here).display()))
}

/// Returns the path of a source file below the folder of the project or below the compiler's sources.
#[must_use]
pub fn path(path: &str, project: Option<&str>) -> String {
    if let Some(rest) = path.strip_prefix("/rustc/") {
        return rest.split_once('/').map_or(rest, |(_, rest)| rest).to_owned();
    }
    let prefix = project.unwrap_or("/");
    path.strip_prefix(prefix).unwrap_or(path).trim_start_matches("./").to_owned()
}

#[cfg(test)]
mod tests {
    use super::{function, path};

    #[test]
    fn names_are_those_of_a_report() {
        assert_eq!(function("a::b::h0123456789abcdef"), "a::b");
        assert_eq!(function("<a::B<T> as c::D>::f"), "a::B::f");
        assert_eq!(function("a::Vec<T,A>::push"), "a::Vec::push");
        assert_eq!(function("a::f::{{closure}}"), "a::f::{{closure}}");
        assert_eq!(function("std[e28293b1aa0f68bd]::sys::f"), "std::sys::f");
        assert_eq!(function("memcpy"), "memcpy");
    }

    #[test]
    fn names_of_cpp_have_neither_parameters_nor_types() {
        for (name, wanted) in [
            ("Gain::process(float*, int)", "Gain::process"),
            ("(anonymous namespace)::Gain::process(float*, int)", "Gain::process"),
            (
                "void std::__invoke_impl<void, void (*)(int)>(int, void (*&&)(int))",
                "std::__invoke_impl",
            ),
            ("std::vector<int, std::allocator<int> >::size() const", "std::vector::size"),
            ("operator new(unsigned long)", "operatornew"),
            ("Functor::operator()(int)", "Functor::operator()"),
            ("main::{lambda(int)#1}::operator()(int) const", "main::{lambda(int)#1}::operator()"),
            ("f(void (*)(int))", "f"),
        ] {
            assert_eq!(function(name), wanted, "{name}");
        }
    }

    #[test]
    fn paths_are_below_the_project() {
        assert_eq!(path("/home/me/player/src/a.rs", Some("/home/me/player/")), "src/a.rs");
        assert_eq!(path("/rustc/0123/library/std/src/a.rs", None), "library/std/src/a.rs");
        assert_eq!(path("./a.c", Some("/home/me/")), "a.c");
    }
}
