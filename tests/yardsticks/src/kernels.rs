//! The suite in virtual machines: on Linux, and on aseqd's devices of CUSE.

use crate::builds::Builds;
use crate::doors::{bind, known};
use crate::oracle::{Answer, Oracle};
use crate::results::Results;
use crate::{Result, compare, recorded};

/// Seconds for the whole suite in an emulated machine. It took 90 s on a busy host; the limit is ten times that.
const WHOLE: &str = "900";
/// Seconds for the cases of one subject.
const PART: &str = "300";

/// What the name of a kernel with UMP has behind that of the same kernel without.
const WITH_UMP: &str = "-ump";

/// Prints the name of the running kernel, and becomes the suite.
const NAMED_SUITE: &str = r#"uname -r -v; exec conformance "$@""#;

/// The modules that make a card without elements, and without devices other than raw MIDI.
const CARD: [&str; 6] =
    ["--module", "snd-pcm", "--module", "snd-hwdep", "--module", "snd-virmidi midi_devs=1"];

/// Runs the suite through devices that `aseqd serve --cuse` makes: they take root of a machine of its own. Returns
/// whether all is well.
pub(crate) fn through_cuse(oracle: &Oracle<'_>, builds: &Builds) -> Result<bool> {
    let what = "conformance of aseqd, through CUSE";
    eprintln!("== aseqd, through CUSE");
    let adds = [
        bind(&builds.aseqd, "/bin/aseqd"),
        bind(&builds.suite, "/bin/conformance"),
        format!("{}:/known.txt", known("cuse")),
        "scripts/cuse-conformance.sh:/bin/cuse-conformance.sh".into(),
    ];
    let mut options = vec!["--kernel", "6.12", "--bare", "--module", "cuse", "--timeout", WHOLE];
    options.extend(adds.iter().flat_map(|add| ["--add", add]));
    match oracle.ask(&options, &["cuse-conformance.sh", "/known.txt"])? {
        Answer::None(why) => {
            skip::skip_part(what, &why);
            Ok(true)
        }
        Answer::Ran(_, true) => Ok(true),
        Answer::Ran(text, false) => {
            // It may have ended before the suite.
            Results::from_plain(&text).unwrap_or_default().print_failures("aseqd, through CUSE");
            Ok(false)
        }
    }
}

/// Runs the suite on a kernel. Returns whether it did what is recorded, or is the record now.
pub(crate) fn everything(
    kernel: &str,
    oracle: &Oracle<'_>,
    builds: &Builds,
    record: bool,
) -> Result<bool> {
    match whole_suite(kernel, oracle, builds)? {
        Err(why) => without_answer(kernel, &why, record),
        Ok((results, good)) => Ok(compare(kernel, &results, record)? && good),
    }
}

/// Runs the suite on a kernel with UMP and user-driven timers. Its record has what differs from the record of the same
/// kernel without them. Returns whether it did what is recorded, or is the record now.
pub(crate) fn with_ump(
    kernel: &str,
    oracle: &Oracle<'_>,
    builds: &Builds,
    record: bool,
) -> Result<bool> {
    let plain = kernel.strip_suffix(WITH_UMP).unwrap_or(kernel);
    match whole_suite(kernel, oracle, builds)? {
        Err(why) => without_answer(kernel, &why, record),
        Ok((results, good)) => {
            let differs = results.unlike(&recorded(plain)?);
            Ok(compare(kernel, &differs, record)? && good)
        }
    }
}

/// Runs the suite on a kernel and prints what failed. Returns what was found and whether all is well, or why there was
/// no answer.
fn whole_suite(
    kernel: &str,
    oracle: &Oracle<'_>,
    builds: &Builds,
) -> Result<std::result::Result<(Results, bool), String>> {
    eprintln!("== Linux {kernel}");
    let ask = |cases: &[&str]| on_kernel(kernel, &["--timeout", WHOLE], cases, oracle, builds);
    let (mut results, mut good) = match ask(&[])? {
        Ok(answer) => answer,
        Err(why) => return Ok(Err(why)),
    };
    if !good {
        // An emulated machine on a busy host may miss a deadline: what failed is asked once more.
        let failed: Vec<_> = results.with("fail").map(|case| case.name.clone()).collect();
        let failed: Vec<_> = failed.iter().map(String::as_str).collect();
        if !failed.is_empty()
            && let Ok((again, as_wanted)) = ask(&failed)?
        {
            results.replace(&again);
            good = as_wanted;
        }
        results.print_failures(&format!("Linux {kernel}"));
    }
    Ok(Ok((results, good)))
}

/// Asks a kernel about the control device of a card. Returns whether it did what is recorded, or is the record now.
pub(crate) fn card(
    kernel: &str,
    oracle: &Oracle<'_>,
    builds: &Builds,
    record: bool,
) -> Result<bool> {
    eprintln!("== Linux {kernel}, a card");
    let options = [&["--timeout", PART], &CARD[..]].concat();
    match on_kernel(kernel, &options, &["control::"], oracle, builds)? {
        Err(why) => without_answer(&format!("{kernel} with a card"), &why, record),
        // What it did not pass is in its record.
        Ok((results, _)) => compare(&format!("{kernel}-card"), &results, record),
    }
}

/// Runs cases on a kernel. Returns what was found and whether all passed, or why there was no answer.
fn on_kernel(
    kernel: &str,
    options: &[&str],
    cases: &[&str],
    oracle: &Oracle<'_>,
    builds: &Builds,
) -> Result<std::result::Result<(Results, bool), String>> {
    let suite = bind(&builds.suite, "/bin/conformance");
    let options = [&["--kernel", kernel, "--add", &suite], options].concat();
    let suite = ["sh", "-c", NAMED_SUITE, "conformance", "--format", "json"];
    match oracle.ask(&options, &[&suite, cases].concat())? {
        Answer::None(why) => Ok(Err(why)),
        Answer::Ran(text, good) => {
            let (name, text) = text.split_once('\n').ok_or("the kernel does not say its name")?;
            let results = Results { kernel: name.trim().into(), ..Results::from_json(text)? };
            Ok(Ok((results, good)))
        }
    }
}

/// Notes that a kernel gave no answer. Returns whether that is well: no record can be made of it.
fn without_answer(kernel: &str, why: &str, record: bool) -> Result<bool> {
    let what = format!("conformance of Linux {kernel}");
    if record {
        return Err(format!("{what}: {why}").into());
    }
    skip::skip_part(&what, why);
    Ok(true)
}
