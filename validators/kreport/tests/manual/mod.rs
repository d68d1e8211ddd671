//! Prints a manual page from a command line: clap_mangen's parts, and sections for what stands behind the options in
//! `--help`.

use std::fmt::Write as _;

/// What commands say of their exit status if they have no more to say.
const EXIT_STATUS: &str =
    "0 on success, 1 on failure, with a message on standard error, 2 for wrong usage.";

/// The page of a command. `section_of` gives the section of the page of a command that this one refers to;
/// `see_also` are pages with their sections.
pub(crate) fn page(
    command: clap::Command,
    name: &str,
    section: &str,
    section_of: &dyn Fn(&str) -> &'static str,
    see_also: &[(&str, &str)],
) -> String {
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let subcommands = subcommands(&command, name, section_of);
    let variables: Vec<_> = command
        .get_arguments()
        .filter(|argument| !argument.is_hide_set())
        .filter_map(|argument| {
            let option = argument.get_long()?;
            Some((argument.get_env()?.to_string_lossy().into_owned(), option.to_owned()))
        })
        .collect();
    // The date of a page would change it without a change.
    let man = clap_mangen::Man::new(command).title(name.to_uppercase()).section(section);
    let man = man.date("").source("aseqd").manual("aseqd");
    let mut bytes = Vec::new();
    man.render_title(&mut bytes).expect("a title");
    man.render_name_section(&mut bytes).expect("a name");
    man.render_synopsis_section(&mut bytes).expect("a synopsis");
    man.render_description_section(&mut bytes).expect("a description");
    man.render_options_section(&mut bytes).expect("options");
    let mut text = String::from_utf8(bytes).expect("text");
    text.push_str(&subcommands);
    let (mut status, mut notes, mut examples) = (EXIT_STATUS.to_owned(), Vec::new(), Vec::new());
    for paragraph in help.split("\n\n").filter(|paragraph| !paragraph.is_empty()) {
        if let Some(text) = paragraph.strip_prefix("Exit status: ") {
            text.clone_into(&mut status);
        } else if let Some(text) = paragraph.strip_prefix("Examples:\n") {
            examples.extend(text.lines().map(|line| line.strip_prefix("  ").unwrap_or(line)));
        } else if let Some(text) = paragraph.strip_prefix("Example: ") {
            examples.push(text);
        } else {
            notes.push(escape(paragraph));
        }
    }
    if !notes.is_empty() {
        let _infallible = write!(text, ".SH NOTES\n{}\n", notes.join("\n.PP\n"));
    }
    let _infallible = write!(text, ".SH EXIT STATUS\n{}\n", escape(&sentence(&status)));
    if !variables.is_empty() {
        text.push_str(".SH ENVIRONMENT\n");
        for (variable, option) in &variables {
            let _infallible = write!(
                text,
                ".TP\n.B {variable}\nThe value of \\fB\\-\\-{}\\fR if it is not given.\n",
                escape(option)
            );
        }
    }
    if !examples.is_empty() {
        text.push_str(".SH EXAMPLES\n.nf\n");
        for example in examples {
            let _infallible = writeln!(text, "{}", escape(example));
        }
        text.push_str(".fi\n");
    }
    if !see_also.is_empty() {
        text.push_str(".SH SEE ALSO\n");
        let references = see_also.iter().map(|(page, section)| reference(page, section));
        text.push_str(&references.collect::<Vec<_>>().join(",\n"));
        text.push('\n');
    }
    tidy(&text)
}

/// The section about subcommands. Those of the program have pages of their own; those of a command are described here.
fn subcommands(
    command: &clap::Command,
    name: &str,
    section_of: &dyn Fn(&str) -> &'static str,
) -> String {
    let shown = |sub: &&clap::Command| !sub.is_hide_set() && sub.get_name() != "help";
    let is_program = !name.contains('-');
    let mut text = String::new();
    for sub in command.get_subcommands().filter(shown) {
        if text.is_empty() {
            text.push_str(".SH COMMANDS\n");
        }
        let about = sub.get_about().map(ToString::to_string).unwrap_or_default();
        if is_program {
            let page = format!("{name}-{}", sub.get_name());
            let reference = reference(&page, section_of(&page));
            let _infallible = write!(text, ".TP\n{reference}\n{}\n", escape(&about));
        } else {
            describe(&mut text, sub, &about);
        }
    }
    text
}

/// Describes a command of a command, with its own arguments.
fn describe(text: &mut String, command: &clap::Command, about: &str) {
    let own = command.get_arguments().filter(|argument| {
        !argument.is_global_set() && !argument.is_hide_set() && argument.get_id() != "help"
    });
    let own: Vec<_> = own.filter(|argument| argument.get_id() != "version").collect();
    let mut head = format!("\\fB{}\\fR", escape(command.get_name()));
    for argument in &own {
        let word = escape(&argument.to_string());
        // clap puts brackets around a positional argument that may be left out.
        let whole = argument.is_required_set() || argument.is_positional();
        let word = if whole { word } else { format!("[{word}]") };
        let _infallible = write!(head, " {word}");
    }
    let long = command.get_long_about().map_or_else(|| about.to_owned(), ToString::to_string);
    let paragraphs: Vec<_> = long.split("\n\n").map(|paragraph| escape(&stop(paragraph))).collect();
    let _infallible = write!(text, ".SS {head}\n{}\n", paragraphs.join("\n.PP\n"));
    for argument in own {
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
        let mut names = argument.get_short().map(|short| format!("-{short}, ")).unwrap_or_default();
        names.push_str(&argument.to_string());
        let _infallible = write!(text, ".TP\n{}\n{}\n", escape(&names), escape(&help));
    }
}

/// Ends a sentence that is the title of a command.
fn stop(text: &str) -> String {
    if text.ends_with('.') { text.to_owned() } else { format!("{text}.") }
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn reference(page: &str, section: &str) -> String {
    format!(".BR {} ({section})", escape(page))
}

fn escape(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq");
    // A line that began with these would be a request.
    text.lines()
        .map(|line| if line.starts_with('.') { format!("\\&{line}") } else { line.to_owned() })
        .collect::<Vec<_>>()
        .join("\n")
}

/// Without what linters complain of: empty lines, spaces at the end of lines, breaks after breaks, and the first
/// lines that clap_mangen prints before each part.
fn tidy(text: &str) -> String {
    let mut tidy = String::new();
    let (mut last, mut parts) = ("", 0);
    for line in text.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
        parts += usize::from(line.starts_with(".ie "));
        let repeated = parts > 1 && (line.starts_with(".ie ") || line.starts_with(".el "));
        if !(repeated || line == ".br" && last == ".br") {
            tidy.push_str(line);
            tidy.push('\n');
        }
        last = line;
    }
    tidy
}
