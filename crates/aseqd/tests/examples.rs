//! Examples of `--help` and of the documents: their options exist, and those that can run here do, in the shell of CI
//! jobs (dash).

mod common;

use common::*;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Examples that are run. Each gets a sequencer of its own unless it starts one.
const RUN: &[&str] = &[
    "aseqd run -- aconnect -l",
    "aseqd run -- sh -c 'aseqdump -p 14:0 & aseqd wait --connected aseqdump\n  aplaymidi -p 14:0 song.mid; kill $!'",
    "aseqd ls",
    "aseqd ls --output --json | jq .port",
    "aseqd timers",
    "aseqd timers --json | jq '.holders[]'",
    "aseqd disconnect --all",
    "aseqd play -p 'Midi Through' song.mid",
    "aseqd doctor --json | jq .taken",
    "aseqd bench --list",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Returns the examples of a command's `--help`. A line that is indented further belongs to the one before.
fn examples(command: &clap::Command) -> Vec<String> {
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let mut examples: Vec<String> = Vec::new();
    for paragraph in help.split("\n\n") {
        if let Some(example) = paragraph.strip_prefix("Example: ") {
            examples.push(example.to_owned());
        } else if let Some(lines) = paragraph.strip_prefix("Examples:\n") {
            for line in lines.lines().map(|line| line.strip_prefix("  ").expect("an indented line"))
            {
                match (line.starts_with(' '), examples.last_mut()) {
                    (true, Some(last)) => *last += &format!("\n{line}"),
                    _ => examples.push(line.to_owned()),
                }
            }
        }
    }
    examples
}

fn all_examples() -> Vec<String> {
    let command = aseqd::cli::command();
    command.get_subcommands().filter(|sub| !sub.is_hide_set()).flat_map(examples).collect()
}

/// Splits a shell command into words. Understands what the documents use: quotes, and signs that end a command.
fn commands(text: &str) -> Vec<Vec<String>> {
    let mut all: Vec<Vec<String>> = vec![Vec::new()];
    let (mut word, mut has_word, mut quote) = (String::new(), false, None);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (Some(_), _) => word.push(letter),
            (None, '\'' | '"') => (quote, has_word) = (Some(letter), true),
            (None, '\\') if letters.peek() == Some(&'\n') => drop(letters.next()),
            (None, '#') if !has_word => {
                while letters.next_if(|letter| *letter != '\n').is_some() {}
            }
            (None, ' ' | '\n' | ';' | '&' | '|' | '<' | '>' | '(' | ')') => {
                if has_word {
                    all.last_mut().expect("a command").push(std::mem::take(&mut word));
                }
                has_word = false;
                if letter != ' ' {
                    all.push(Vec::new());
                }
            }
            (None, _) => {
                word.push(letter);
                has_word = true;
            }
        }
    }
    all.last_mut().expect("a command").extend(has_word.then_some(word));
    all.retain(|words| !words.is_empty());
    all
}

/// Checks that every call of aseqd in a shell script, and in the argument of `sh -c`, has options that exist.
#[track_caller]
fn assert_parses(text: &str) {
    for words in commands(text) {
        let words: Vec<_> =
            words.iter().skip_while(|word| *word == "sudo" || *word == "exec").collect();
        for word in words.iter().filter(|word| word.contains("aseqd ")) {
            // `go test -exec 'aseqd run --'` adds the command.
            let command = if word.ends_with(" --") { " CMD" } else { "" };
            assert_parses(&format!("{word}{command}"));
        }
        if words.first().is_some_and(|word| *word == "aseqd") {
            let parsed = aseqd::cli::command().try_get_matches_from(&words);
            let shown = |error: &clap::Error| {
                use clap::error::ErrorKind::{DisplayHelp, DisplayVersion};
                matches!(error.kind(), DisplayHelp | DisplayVersion)
            };
            if let Err(error) = parsed
                && !shown(&error)
            {
                panic!("{text}: {error}");
            }
        }
    }
}

#[test]
fn options_in_the_examples_of_help_exist() {
    let examples = all_examples();
    assert!(examples.len() > 20, "{examples:#?}");
    for example in &examples {
        assert_parses(example);
    }
    for run in
        RUN.iter().filter(|run| !run.starts_with("aseqd play") && !run.starts_with("aseqd doctor"))
    {
        let known = examples.iter().any(|example| example == run) || *run == "aseqd bench --list";
        assert!(known, "{run} is still an example: {examples:#?}");
    }
}

#[test]
fn options_in_the_documents_exist() {
    let docs = fs::read_dir(root().join("docs")).expect("the documents").flatten();
    let mut pages: Vec<_> = docs.map(|entry| entry.path()).collect();
    pages.push(root().join("README.md"));
    pages.retain(|page| page.extension().is_some_and(|extension| extension == "md"));
    let mut calls = 0;
    for page in pages {
        let text = fs::read_to_string(&page).expect("text");
        // Only these blocks hold commands; others hold output, or files.
        for block in text.split("\n```sh\n").skip(1) {
            let block = block.split("\n```").next().expect("a block");
            calls += block.matches("aseqd ").count();
            assert_parses(block);
        }
        // These blocks hold commands and what they print.
        for line in text.lines().filter_map(|line| line.strip_prefix("$ ")) {
            calls += line.matches("aseqd ").count();
            assert_parses(line);
        }
    }
    assert!(calls > 5, "the documents show how it is called");
}

/// The pages of the tools that people reach for.
const TOOLS: [&str; 4] = ["rules.md", "selectors.md", "output.md", "top.md"];

fn page(name: &str) -> String {
    fs::read_to_string(root().join("docs").join(name)).expect("text")
}

/// Returns what stands between backquotes in a text, without its blocks.
fn inline(text: &str) -> Vec<String> {
    let mut outside = true;
    let lines = text.lines().filter(|line| {
        let fence = line.trim_start().starts_with("```");
        outside ^= fence;
        outside && !fence
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    text.split('`').skip(1).step_by(2).map(|code| code.replace('\n', " ")).collect()
}

#[test]
fn commands_within_the_text_of_the_tools_pages_exist() {
    let mut calls = 0;
    for name in TOOLS {
        for code in inline(&page(name)).iter().filter(|code| code.starts_with("aseqd ")) {
            for words in commands(code).iter().filter(|words| words[0] == "aseqd") {
                calls += 1;
                use clap::error::ErrorKind as Is;
                // A command can be named without what it needs.
                let short = [Is::MissingRequiredArgument, Is::MissingSubcommand, Is::DisplayHelp];
                if let Err(error) = aseqd::cli::command().try_get_matches_from(words)
                    && !short.contains(&error.kind())
                    && error.kind() != Is::DisplayHelpOnMissingArgumentOrSubcommand
                {
                    panic!("{name}: {code}: {error}");
                }
            }
        }
    }
    assert!(calls > 30, "{calls}");
}

#[test]
fn selectors_of_the_pages_are_selectors() {
    let mut count = 0;
    for line in page("selectors.md").lines().filter(|line| line.starts_with("| `")) {
        let column = line.split(" | ").next().expect("a column");
        for code in inline(column) {
            // As a shell takes it.
            let word = commands(&code).concat().concat();
            let parsed = word.parse::<aseqd_client::Selector>();
            assert!(parsed.is_ok(), "{code}: {parsed:?}");
            count += 1;
        }
    }
    assert!(count > 15, "{count}");
}

#[test]
fn rules_of_the_pages_have_no_mistakes() {
    let folder = tempfile::tempdir().expect("a folder");
    let check = |text: &str| {
        let file = folder.path().join("rules.toml");
        fs::write(&file, text).expect("a file");
        let mut command = Command::new(ASEQD);
        command.args(["rules", "check"]).arg(&file).env("ASEQD_DEVICE", "/nowhere");
        command.env("XDG_STATE_HOME", folder.path());
        let ended = finish(command, DEADLINE);
        assert_eq!(ended.status.code(), Some(0), "{text}\n{ended:#?}");
    };
    let mut count = 0;
    for name in ["rules.md", "selectors.md"] {
        for block in page(name).split("\n```toml\n").skip(1) {
            check(block.split("\n```").next().expect("a block"));
            count += 1;
        }
    }
    // Each key of the tables, with each value that it shows, and each selector.
    let text = page("rules.md");
    let rule =
        |more: &str| format!("[alias]\nNAME = 'x'\n[[rule]]\nfrom = 'a'\nto = 'b'\n{more}\n");
    let part = text.split("| selector | means |").nth(1).expect("a table");
    let table = part.lines().skip(2).take_while(|line| line.starts_with("| "));
    for line in table {
        for code in inline(line.split(" | ").next().expect("a column")) {
            let value = if code.starts_with('{') { code } else { format!("{code:?}") };
            check(&rule(&format!("[[rule]]\nfrom = {value}\nto = {value}")));
            count += 1;
        }
    }
    for line in
        ["both = true", "when = 'once'", "exclusive = true", "stamp = 'tick:0'", "mute = true"]
    {
        check(&rule(line));
    }
    for velocity in ["100", "{ scale = 0.8, add = 5, min = 20, max = 110 }"] {
        assert!(text.contains(&format!("`{velocity}`")), "the page shows {velocity}");
        check(&rule(&format!("velocity = {velocity}")));
    }
    check(&rule("controllers = { 1 = 11, 64 = false }"));
    for kind in ["loopback", "pair", "input", "output"] {
        assert!(text.contains(&format!("`\"{kind}\"`")), "the page has {kind}");
        check(&format!("[[port]]\nname = 'x'\nkind = '{kind}'\n"));
    }
    assert!(count > 25, "{count}");
}

/// Adds the names of all fields of a value, however deep.
fn fields(value: &serde_json::Value, names: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(object) => {
            for (name, value) in object {
                names.push(name.clone());
                fields(value, names);
            }
        }
        serde_json::Value::Array(values) => values.iter().for_each(|value| fields(value, names)),
        _ => {}
    }
}

/// What commands print as JSON has the fields that the page says, and the page names no field that none of them has.
#[test]
fn json_has_the_fields_of_the_page() {
    let script = "
        mkdir -p $XDG_CONFIG_HOME/aseqd
        printf '[[rule]]\\nfrom = \"Keys\"\\nto = \"Synth\"\\n[[port]]\\nname = \"Loop\"\\n' \
            >$XDG_CONFIG_HOME/aseqd/rules.toml
        sleep 1000 | aseqd port Keys --input & sleep 1000 | aseqd port Synth --output &
        aseqd wait Keys; aseqd wait Synth
        echo 'ls --json'; aseqd ls --json
        echo 'timers --json'; aseqd timers --json
        echo 'port list --json'; aseqd port list --json
        echo 'rules show --json'; aseqd rules show --json
        echo 'record --json'; aseqd record --json --quiet --timeout 10ms take.mid Keys
        echo 'clock --follow --json'
        aseqd clock --quiet --follow --json --interval 100ms & follower=$!
        aseqd wait 'aseqd clock'
        aseqd clock --quiet 'aseqd clock' --mtc 25 --timeout 1s
        kill -TERM $follower; wait $follower
        echo 'doctor --json'; aseqd doctor --json | tr -d '\\n'; echo
        kill $(jobs -p) 2>/dev/null
        ";
    if !can_serve() || !have(&["bash"]) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = aseqd_run(["bash", "-c", script]);
    command.env("PATH", path()).current_dir(folder.path());
    for (variable, name) in
        [("XDG_CONFIG_HOME", "config"), ("XDG_STATE_HOME", "state"), ("XDG_RUNTIME_DIR", "run")]
    {
        command.env(variable, folder.path().join(name));
    }
    let mark = Mark::new(&mut command);
    let ended = finish(command, DEADLINE);
    let page = page("output.md");
    let mut printed: Vec<(String, Vec<String>)> = Vec::new();
    for line in ended.stdout.lines() {
        match serde_json::from_str::<serde_json::Value>(line) {
            Ok(value) => fields(&value, &mut printed.last_mut().expect("a heading").1),
            Err(_) => printed.push((line.to_owned(), Vec::new())),
        }
    }
    let headings: Vec<_> = printed.iter().map(|(name, _)| name.as_str()).collect();
    let wanted = ["ls", "timers", "port list", "rules show", "record", "clock --follow", "doctor"]
        .map(|it| format!("{it} --json"));
    assert_eq!(headings, wanted, "{ended:#?}");
    for (name, fields) in &printed {
        let part = page.split(&format!("## `aseqd {name}`")).nth(1).expect(name);
        let part = part.split("\n## ").next().expect("a part");
        let part = part.split("\nWith `--watch`").next().expect("a part");
        let known = inline(part);
        assert!(!fields.is_empty(), "{name} prints nothing: {ended:#?}");
        for field in fields {
            assert!(known.contains(field), "the page has no `{field}` of aseqd {name}");
        }
        // The first column is the fields of the object itself.
        let rows = part.lines().filter(|line| line.starts_with("| `"));
        for field in rows.flat_map(|row| inline(row.split(" | ").next().expect("a column"))) {
            assert!(fields.contains(&field), "aseqd {name} has no `{field}`");
        }
    }
    mark.expect_nothing();
}

#[test]
fn examples_run_in_dash() {
    if !can_serve() || !have(&["dash", "aconnect", "aplaymidi", "aseqdump", "jq"]) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    song(folder.path());
    let path = path();
    for example in RUN {
        let mut command = match example.starts_with("aseqd run") {
            true => Command::new("dash"),
            false => aseqd_run(["dash"]),
        };
        command.args(["-e", "-c", example]).env("PATH", &path).current_dir(folder.path());
        let mark = Mark::new(&mut command);
        let ended = finish(command, DEADLINE);
        assert_eq!(ended.status.code(), Some(0), "{example}: {ended:#?}");
        assert_eq!(ended.stderr, "", "{example}: {ended:#?}");
        if example.contains("aseqdump") {
            assert!(ended.stdout.contains("Note on"), "{example}: {ended:#?}");
        }
        mark.expect_nothing();
    }
}

/// The index of the documents links each of them.
#[test]
fn the_index_is_whole() {
    let index = fs::read_to_string(root().join("docs/README.md")).expect("text");
    let docs = fs::read_dir(root().join("docs")).expect("the documents").flatten();
    let mut wanted: Vec<_> =
        docs.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    wanted.retain(|name| (name.ends_with(".md") && name != "README.md") || !name.contains('.'));
    assert!(wanted.len() > 10, "{wanted:?}");
    wanted.extend(
        ["ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(|it| format!("../{it}")),
    );
    for name in wanted {
        assert!(index.contains(&format!("]({name})")), "docs/README.md links {name}");
    }
}

/// The README says what aseqd needs, names every command, and shows the two commands that `scripts/bare-root` tries.
#[test]
fn the_readme_is_whole() {
    let readme = fs::read_to_string(root().join("README.md")).expect("text");
    for wanted in [
        "](docs/README.md)",
        "](docs/ci.md)",
        "](CHANGELOG.md)",
        "](CONTRIBUTING.md)",
        "](ARCHITECTURE.md)",
        "\n$ scripts/demo songs/scale.mid\n",
        "\n```sh\nscripts/test\n```\n",
    ] {
        assert!(readme.contains(wanted), "the README has {wanted:?}");
    }
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("text");
    let version =
        manifest.split("rust-version = \"").nth(1).and_then(|rest| rest.split('"').next());
    let version = version.expect("the workspace has a rust-version");
    assert!(readme.contains(&format!("Rust {version} or later")), "the README says what it needs");
    let command = aseqd::cli::command();
    for command in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        let name = command.get_name();
        let named =
            readme.contains(&format!("`{name}`")) || readme.contains(&format!("aseqd {name}"));
        assert!(named || name == "completions", "the README names {name}");
    }
}

/// The picture at the top of the README shows what its commands print.
#[test]
fn the_picture_is_true() {
    let readme = fs::read_to_string(root().join("README.md")).expect("text");
    assert!(readme.contains("<img src=\"docs/terminal.svg\""), "the README shows the picture");
    if !can_serve() || !have(&["python3", "aconnect", "aplaymidi"]) {
        return;
    }
    if Path::new("/dev/snd/seq").exists() {
        return skip("this machine has a /dev/snd/seq: the picture begins without one");
    }
    let has_rich = |python: &&str| {
        let mut rich = Command::new(python);
        rich.args(["-c", "import rich"]);
        Path::new(python).exists() && finish(rich, DEADLINE).status.success()
    };
    // Debian's Python has Debian's packages; there may be another one first in PATH.
    let python = find("python3").map(|path| path.display().to_string());
    let pythons = [python.as_deref().unwrap_or_default(), "/usr/bin/python3"];
    let Some(python) = pythons.into_iter().find(has_rich) else {
        return skip("python3-rich, which draws the picture: `.ci/setup` installs it");
    };
    let check = |picture: Option<&Path>| {
        let mut command = Command::new(python);
        command
            .arg(root().join("scripts/picture"))
            .arg("--check")
            .args(picture)
            .env("PATH", path());
        finish(command, DEADLINE)
    };
    let ended = check(None);
    assert_eq!(ended.status.code(), Some(0), "{ended:#?}");
    // A picture of something else is noticed.
    let folder = tempfile::tempdir().expect("a folder");
    let other = folder.path().join("other.svg");
    let picture = fs::read_to_string(root().join("docs/terminal.svg")).expect("a picture");
    fs::write(&other, picture.replace("System", "Sistem")).expect("a file");
    let ended = check(Some(&other));
    assert_eq!(ended.status.code(), Some(1), "{ended:#?}");
    assert!(ended.stdout.contains("Sistem"), "{ended:#?}");
}

/// Writes `song.mid` into a folder: one note, an eighth long.
fn song(folder: &Path) {
    // 480 ticks a quarter; one track.
    let track = b"\x00\x90\x3c\x40\x81\x70\x80\x3c\x40\x00\xff\x2f\x00";
    let mut song = b"MThd\0\0\0\x06\0\0\0\x01\x01\xe0MTrk\0\0\0".to_vec();
    song.push(u8::try_from(track.len()).expect("a short track"));
    song.extend(track);
    fs::write(folder.join("song.mid"), song).expect("a song");
}

/// Returns the search path of the examples, with our program first.
fn path() -> String {
    let bin = Path::new(ASEQD).parent().expect("a folder").display().to_string();
    format!("{bin}:{}", std::env::var("PATH").unwrap_or_default())
}

/// The README's script waits for a synthesizer, and leaves nothing behind.
#[test]
fn the_readmes_script_plays() {
    const FONT: &str = "/usr/share/sounds/sf2/TimGM6mb.sf2";
    if !can_serve() || !have(&["dash", "fluidsynth", "aplaymidi"]) {
        return;
    }
    if !Path::new(FONT).exists() {
        return skip(&format!("{FONT}: `.ci/setup` installs it"));
    }
    let readme = fs::read_to_string(root().join("README.md")).expect("text");
    let block = readme.split("\n```sh\n").find(|block| block.contains("fluidsynth"));
    let script = block.and_then(|block| block.split("\n```").next()).expect("a script");
    let folder = tempfile::tempdir().expect("a folder");
    song(folder.path());
    std::os::unix::fs::symlink(FONT, folder.path().join("song.sf2")).expect("a link");
    let mut command = Command::new("dash");
    command.args(["-e", "-c", script]).env("PATH", path()).current_dir(folder.path());
    let mark = Mark::new(&mut command);
    let ended = finish(command, DEADLINE);
    assert_eq!(ended.status.code(), Some(0), "{ended:#?}");
    let sound = fs::metadata(folder.path().join("fluidsynth.wav")).expect("its sound");
    assert!(sound.len() > 1000, "{} bytes", sound.len());
    mark.expect_nothing();
}
