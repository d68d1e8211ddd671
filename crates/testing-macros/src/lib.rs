//! The attribute `#[aseqd_testing::test]`. `aseqd-testing` re-exports and documents it.
//!
//! It changes a function in three ways: it adds `#[test]` unless another attribute makes it a test, ignores it on systems
//! other than Linux, and puts a statement before its body. That statement starts the test in a sequencer and returns,
//! unless the test runs in one. The rest of the function is passed on as it is, so the crate needs no parser of Rust.

#![forbid(unsafe_code)]

use proc_macro::{Delimiter, Group, TokenStream, TokenTree};

/// Runs a test with a sequencer of its own: see the documentation of `aseqd-testing`.
#[proc_macro_attribute]
pub fn test(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let made = options(arguments).and_then(|options| expand(item.clone(), &options));
    // The function stays, so that the compiler reports nothing but our error.
    made.unwrap_or_else(|why| {
        let error: TokenStream =
            format!("::core::compile_error!({why:?});").parse().unwrap_or_default();
        error.into_iter().chain(item).collect()
    })
}

/// Parses the arguments of the attribute: nothing, `time = "..."`, `options = "..."` or both. Returns an expression that is
/// a string without variables.
fn options(arguments: TokenStream) -> Result<String, String> {
    let wrong = || {
        "aseqd_testing::test takes no argument but `options = \"...\"`, the options of `aseqd run`, and \
         `time = \"virtual\"`"
            .to_owned()
    };
    let words: Vec<_> = arguments.into_iter().collect();
    let (mut options, mut time) = (None, None);
    for argument in
        words.split(|word| matches!(word, TokenTree::Punct(sign) if sign.as_char() == ','))
    {
        match argument {
            // After the last comma.
            [] => {}
            [TokenTree::Ident(name), TokenTree::Punct(sign), TokenTree::Literal(value)]
                if sign.as_char() == '=' && value.to_string().starts_with('"') =>
            {
                let place = match name.to_string().as_str() {
                    "options" => &mut options,
                    "time" => &mut time,
                    _ => return Err(wrong()),
                };
                if place.replace(value.to_string()).is_some() {
                    return Err(wrong());
                }
            }
            _ => return Err(wrong()),
        }
    }
    let options = options.unwrap_or_else(|| "\"\"".to_owned());
    Ok(match time {
        Some(time) => format!("::core::concat!(\"--time \", {time}, \" \", {options})"),
        None => options,
    })
}

/// What the tokens of a function say.
#[derive(Default)]
struct Function {
    name: String,
    is_async: bool,
    /// Whether another attribute makes it a test: `#[test]`, `#[tokio::test]`.
    is_test: bool,
    should_panic: bool,
}

impl Function {
    fn of(tokens: &[TokenTree]) -> Option<Self> {
        let mut function = Self::default();
        let mut tokens = tokens.iter();
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket => {
                    match last_segment(group).as_str() {
                        // `rstest` and `test_case` make several tests of one function.
                        "test" | "rstest" | "test_case" => function.is_test = true,
                        "should_panic" => function.should_panic = true,
                        _ => {}
                    }
                }
                TokenTree::Ident(word) if word.to_string() == "async" => function.is_async = true,
                TokenTree::Ident(word) if word.to_string() == "fn" => {
                    let Some(TokenTree::Ident(name)) = tokens.next() else { return None };
                    let name = name.to_string();
                    name.strip_prefix("r#").unwrap_or(&name).clone_into(&mut function.name);
                    return Some(function);
                }
                _ => {}
            }
        }
        None
    }
}

/// Returns the last segment of the path of an attribute: `test` for `tokio::test(flavor = "current_thread")`.
fn last_segment(attribute: &Group) -> String {
    let mut last = String::new();
    for token in attribute.stream() {
        match token {
            TokenTree::Ident(word) => last = word.to_string(),
            TokenTree::Punct(sign) if sign.as_char() == ':' => {}
            _ => break,
        }
    }
    last
}

/// Adds the attributes and the statement to a function.
fn expand(item: TokenStream, options: &str) -> Result<TokenStream, String> {
    let mut tokens: Vec<_> = item.into_iter().collect();
    let not_a_function = "aseqd_testing::test is for functions";
    let Function { name, is_async, is_test, should_panic } =
        Function::of(&tokens).ok_or(not_a_function)?;
    let Some(TokenTree::Group(body)) = tokens.pop() else { return Err(not_a_function.to_owned()) };
    if is_async && !is_test {
        return Err(format!(
            "an async test needs a runtime: write `#[tokio::test]`, or the attribute of another runtime, \
             between `#[aseqd_testing::test]` and `async fn {name}`"
        ));
    }
    let mut attributes = String::from(
        "#[cfg_attr(not(target_os = \"linux\"), ignore = \"the ALSA sequencer exists on Linux only\")]",
    );
    if !is_test {
        attributes += "#[::core::prelude::v1::test]";
    }
    let statement = format!(
        "let __aseqd_testing = match ::aseqd_testing::__private::enter(
             ::core::concat!(::core::module_path!(), \"::\", {name:?}), {options}, {should_panic},
         ) {{
             ::aseqd_testing::__private::Entered::Passed => return ::aseqd_testing::__private::passed(),
             ::aseqd_testing::__private::Entered::Inside(inside) => inside,
         }};"
    );
    let parse = |text: &str| text.parse::<TokenStream>().map_err(|error| error.to_string());
    let inner: TokenStream = parse(&statement)?.into_iter().chain(body.stream()).collect();
    let mut whole = Group::new(Delimiter::Brace, inner);
    whole.set_span(body.span());
    let attributes = parse(&attributes)?;
    Ok(attributes.into_iter().chain(tokens).chain([TokenTree::Group(whole)]).collect())
}
