//! Campaigns on machines and processes that die: here scripts play them, which die of a program that polls `c1`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder that is removed at the end of a test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("seqfuzz-vm-{name}-{}", std::process::id()));
        fs::create_dir_all(path.join("campaign")).expect("a folder");
        Self(path)
    }

    fn campaign(&self) -> PathBuf {
        self.0.join("campaign")
    }

    /// Writes a program of the shell.
    fn script(&self, text: &str) -> PathBuf {
        let path = self.0.join("machine.sh");
        fs::write(&path, format!("#!/bin/sh\n{text}")).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("its mode");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _gone = fs::remove_dir_all(&self.0);
    }
}

/// What both scripts do in place of running programs. `dies` is what happens when one of them polls `c1`.
///
/// At the first start the last but one is such a program. At the second the time is over. When programs are run again,
/// those up to the first one that polls `c1` are run.
const WORK: &str = r#"
if grep -q replay "$arguments"; then
    at=$(awk '/^mode/ { n++ } /^c1.poll/ && !found { found = n } END { print found ? found - 1 : n }' "$jobs/0.replay")
    echo "$at" >"$jobs/0.at"
    touch "$jobs/0.current"
    [ "$at" = "$(grep -c ^mode "$jobs/0.replay")" ] || dies
elif [ ! -e "$dir/started" ]; then
    touch "$dir/started"
    {
        printf 'mode still\nc0.open access=2\nc0.poll\n'
        printf 'mode still\nc0.open access=2\nc1.open access=2\nc0.poll\nc1.poll\nc0.close\n'
        printf 'mode still\nc0.open access=1\n'
    } >"$jobs/0.history"
    printf 'mode still\nc0.open access=1\n\0' >"$jobs/0.current"
    dies
fi
"#;

const MACHINE: &str = r#"
dir=$(expr "$*" : '.*path=\([^,]*\),')
expr "$*" : '.*mount_tag=seqfuzz0$' >/dev/null || exit 1
jobs=$dir/jobs arguments=$dir/jobs/0.guest
echo '[    0.000000] Linux version 6.99.0'
dies() {
    cat <<'END'
[    9.000001] BUG: kernel NULL pointer dereference, address: 0000000000000010
[    9.000002] #PF: supervisor read access in kernel mode
[    9.000003] Oops: 0000 [#1] PREEMPT SMP NOPTI
[    9.000004] CPU: 0 PID: 77 Comm: seqfuzz Not tainted 6.99.0 #1
[    9.000005] RIP: 0010:snd_seq_dispatch_event+0x5/0x10 [snd_seq]
[    9.000006] Call Trace:
[    9.000007]  <TASK>
[    9.000008]  snd_seq_check_queue+0x55/0x110 [snd_seq]
[    9.000009]  entry_SYSCALL_64_after_hwframe+0x76/0x7e
[    9.000010]  </TASK>
[    9.000011] ---[ end trace 0000000000000000 ]---
[    9.000012] Kernel panic - not syncing: Fatal exception
END
    exit 0
}
"#;

/// Returns a function that reads the files of a campaign's only finding.
fn finding(campaign: &Path) -> impl Fn(&str) -> String + use<> {
    let mut folders: Vec<PathBuf> = fs::read_dir(campaign.join("findings"))
        .expect("findings")
        .flatten()
        .map(|entry| entry.path())
        .collect();
    let folder = folders.pop().expect("a finding");
    assert!(folders.is_empty(), "{folders:?}");
    move |name| fs::read_to_string(folder.join(name)).expect(name)
}

fn run(arguments: &[&str], campaign: &Path) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_seqfuzz"));
    let output = command.args(arguments).arg(campaign).output().expect("it runs");
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&text).into_owned())
}

/// A file that passes for a program which is linked statically.
fn a_static_program(folder: &Folder) -> PathBuf {
    let path = folder.0.join("static");
    let mut head = vec![0; 64];
    head[..6].copy_from_slice(b"\x7fELF\x02\x01");
    fs::write(&path, head).expect("written");
    path
}

#[test]
fn a_machine_that_dies_gives_the_guilty_program_as_short_as_it_gets() {
    let folder = Folder::new("dies");
    let end = "echo 0 >\"$jobs/0.status\"";
    let machine = folder.script(&format!("{MACHINE}{WORK}{end}"));
    let binary = a_static_program(&folder);
    let binary = binary.to_str().expect("a path");
    let machine = machine.to_str().expect("a path");
    let arguments = ["vm", "--qemu", machine, "--binary", binary, "--time", "60s"];
    let (code, said) = run(&arguments, &folder.campaign());
    assert_eq!(code, Some(1), "{said}");
    let text = finding(&folder.campaign());
    let title = "BUG: unable to handle kernel NULL pointer dereference in snd_seq_dispatch_event";
    assert_eq!(text("title").trim(), title);
    assert_eq!(text("count"), "1\n");
    // The program that ran when it died is not the guilty one.
    assert_eq!(text("found"), "mode still\nc0.open access=1\n");
    assert_eq!(text("program"), "mode still\nc1.poll\n");
    assert!(
        text("again").starts_with("shown again by 1 of the last 3 programs"),
        "{}",
        text("again")
    );
    let (code, told) = run(&["status"], &folder.campaign());
    assert_eq!(
        (code, told.contains("\n    shown again by 1 of the last 3 programs")),
        (Some(0), true),
        "{told}"
    );
    assert!(text("report").contains("Kernel panic - not syncing"), "{}", text("report"));
    assert!(text("log").contains("Linux version 6.99.0"), "{}", text("log"));
    assert!(!folder.campaign().join("again").join(title).exists());
}

#[test]
fn a_server_that_dies_is_shrunk_too() {
    let folder = Folder::new("server");
    // The process itself dies: here, of a signal.
    let head = "dies() { kill -SEGV $$; }
        for dir; do :; done
        jobs=$dir/jobs arguments=$jobs/0.words
        echo \"$@\" >\"$arguments\"\n";
    let machine = folder.script(&format!("{head}{WORK}exit 0"));
    let command = format!("{} --", machine.display());
    let (code, said) = run(&["fuzz", "--under", &command, "--time", "60s"], &folder.campaign());
    assert_eq!(code, Some(1), "{said}");
    let text = finding(&folder.campaign());
    assert!(text("title").contains("segmentation fault"), "{}", text("title"));
    assert_eq!(text("program"), "mode still\nc1.poll\n");
}

#[test]
fn a_machine_that_does_not_work_is_an_error_with_its_reason() {
    let folder = Folder::new("cannot");
    let binary = a_static_program(&folder);
    let binary = binary.to_str().expect("a path");
    let vm = |machine: &str| {
        let arguments = ["vm", "--qemu", machine, "--binary", binary, "--time", "60s"];
        run(&arguments, &folder.campaign())
    };
    let said = folder.script(&format!("{MACHINE}echo 'there is no /dev/snd/seq' >$jobs/0.status"));
    let (code, text) = vm(said.to_str().expect("a path"));
    assert_eq!(
        (code, text.contains("cannot work here: there is no /dev/snd/seq")),
        (Some(2), true),
        "{text}"
    );
    let dumb = folder.script("echo 'no bootable device'; exit 1");
    let (code, text) = vm(dumb.to_str().expect("a path"));
    assert_eq!(
        (code, text.contains("cannot work here: no bootable device")),
        (Some(2), true),
        "{text}"
    );
    let (code, text) = vm("/nowhere/qemu");
    assert_eq!((code, text.contains("/nowhere/qemu")), (Some(2), true), "{text}");
    let (code, text) = run(&["vm", "--kernel", "6.12", "--binary", "/bin/sh"], &folder.campaign());
    assert_eq!((code, text.contains("linked statically")), (Some(2), true), "{text}");
    let (code, text) =
        run(&["vm", "--kernel", "./bzImage", "--binary", binary], &folder.campaign());
    assert_eq!((code, text.contains("./bzImage")), (Some(2), true), "{text}");
    // Modules are those of an image, and it has to be said where they are.
    let kernel = ["vm", "--binary", binary, "--kernel"];
    let image = binary;
    for (more, said) in [
        (&[image, "--module", "snd-virmidi"][..], "--module needs the folder"),
        (&["6.12", "--modules", "/nowhere"], "6.12 brings its own modules"),
        (&[image, "--modules", "/nowhere"], "/nowhere"),
    ] {
        let (code, text) = run(&[&kernel[..], more].concat(), &folder.campaign());
        assert_eq!((code, text.contains(said)), (Some(2), true), "{text}");
    }
}

/// Here a script prints what the C program would.
#[test]
fn a_reproducer_of_calls_at_once_is_judged_by_an_order_of_its_answers() {
    if Command::new("cc").arg("--version").output().is_err() {
        skip::skip("there is no C compiler");
        return;
    }
    let folder = Folder::new("at-once");
    let stored = folder.campaign();
    fs::write(stored.join("title"), "WARNING in device_no_serial_order\n").expect("written");
    let program =
        "mode still\nc0.open block=1 append=1\nc0.read len=28 async=1 cancel=3\nc0.client_id\n";
    fs::write(stored.join("program"), program).expect("written");
    let repro = |text: &str| {
        let script = folder.script(text);
        let mut command = Command::new(env!("CARGO_BIN_EXE_seqfuzz"));
        command.arg("repro").arg(&stored).arg("--under").arg(script);
        let output = command.output().expect("it runs");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    // A read returns nothing, though nobody has written.
    let (code, said) = repro("printf 'pids 7 0 0\\n0 0 \\n2 0 80000000\\n1 0 \\n'");
    assert_eq!((code, said.contains("repro.c: reproduces")), (Some(0), true), "{said}");
    let source = fs::read_to_string(stored.join("repro.c")).expect("the file");
    assert!(source.contains("O_RDWR | O_CLOEXEC | O_APPEND"), "{source}");
    assert!(!stored.join("repro.bin").exists());
    for right in ["1 error 4 idle", "1 lost"] {
        let (code, said) =
            repro(&format!("printf 'pids 7 0 0\\n0 0 \\n2 0 80000000\\n{right}\\n'"));
        assert_eq!((code, said.contains("it shows nothing")), (Some(1), true), "{said}");
    }
    // The program itself, where there are no devices.
    if !Path::new("/dev/snd/seq").exists() {
        let (_, said) = repro("exec \"$@\"");
        assert!(said.contains("WARNING in device_other_answer_of_open instead"), "{said}");
    }
}

#[test]
fn a_reproducer_of_a_device_is_judged_by_what_the_device_reports() {
    if Command::new("cc").arg("--version").output().is_err() {
        skip::skip("there is no C compiler");
        return;
    }
    let folder = Folder::new("repro");
    let stored = folder.campaign();
    let report = "WARNING: CPU: 0 PID: 7 at sound/core/seq/seq_queue.c:1 snd_seq_x+0x1/0x2\n\
         CPU: 0 PID: 7 Comm: repro Not tainted 6.99.0 #1\nCall Trace:\n <TASK>\n snd_seq_x+0x1/0x2\n </TASK>\n\
         ---[ end trace 0000000000000000 ]---\n";
    fs::write(stored.join("title"), "WARNING in snd_seq_x\n").expect("written");
    // Two programs: their files have different numbers.
    let programs =
        "mode still\nc0.open access=2\nc0.poll\nmode still\nc0.open access=1\nc0.close\n";
    fs::write(stored.join("program"), programs).expect("written");
    let repro = |under: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_seqfuzz"));
        let output = command.arg("repro").arg(&stored).args(["--under", under]).output();
        let output = output.expect("it runs");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let command = |text: &str| {
        let script = folder.script(text);
        script.to_str().expect("a path").to_owned()
    };
    let shows = command(&format!("cat <<'END'\n{report}END\n"));
    let (code, said) = repro(&shows);
    assert_eq!((code, said.contains("repro.c: reproduces")), (Some(0), true), "{said}");
    let source = fs::read_to_string(stored.join("repro.c")).expect("the file");
    assert!(source.contains("poll_file(0);") && source.contains("close_file(1);"), "{source}");
    assert!(!stored.join("repro.bin").exists());
    let other = command(&format!("cat <<'END'\n{}END\n", report.replace("seq_x", "seq_y")));
    let (code, said) = repro(&other);
    let wanted = "does not reproduce: it shows WARNING in snd_seq_y instead";
    assert_eq!((code, said.contains(wanted)), (Some(1), true), "{said}");
    let nothing = command("exec true");
    let (code, said) = repro(&nothing);
    assert_eq!(
        (code, said.contains("it shows nothing: exit status: 0")),
        (Some(1), true),
        "{said}"
    );
}
