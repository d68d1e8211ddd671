//! Modules of a kernel whose image is given: which files there are, in the order in which they must be loaded, and how the
//! guest loads them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// Where they are in the machine.
const FOLDER: &str = "modules";
/// The list of them there: a line for each, with its file and its parameters.
const LIST: &str = "list";
/// What a campaign needs. What a kernel has built in is no module of it.
const NEEDED: [&str; 7] =
    ["virtio_pci", "9pnet_virtio", "9p", "snd_timer", "snd_hrtimer", "snd_seq", "snd_seq_dummy"];
/// Endings of files of modules.
const ENDINGS: [&str; 4] = [".ko", ".ko.xz", ".ko.zst", ".ko.gz"];
/// The flag of a module that the kernel is to unpack.
const COMPRESSED: i32 = 4;

/// A module to load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Module {
    /// Its file on the host.
    pub(super) file: PathBuf,
    /// Its parameters.
    pub(super) parameters: String,
}

/// Returns the name of a module by its file or as people write it: `-` and `_` are one character.
fn name_of(file: &str) -> String {
    let last = file.rsplit('/').next().unwrap_or(file);
    let name = ENDINGS.iter().find_map(|ending| last.strip_suffix(ending)).unwrap_or(last);
    name.replace('-', "_")
}

/// Returns the modules of a folder, such as `lib/modules/6.12.0`, that a campaign needs, and those of `more`, each with its
/// parameters behind its name. What others depend on comes first.
///
/// # Errors
/// A message for people if the folder has no `modules.dep`, or if one of `more` is not there.
pub(super) fn wanted(folder: &Path, more: &[String]) -> Result<Vec<Module>, String> {
    let path = folder.join("modules.dep");
    let text = fs::read_to_string(&path).map_err(|error| {
        format!(
            "{}: {error}; --modules wants the folder that `make modules_install` and `depmod` have made, \
             such as lib/modules/6.12.0",
            path.display()
        )
    })?;
    let mut needs: BTreeMap<String, (&str, Vec<&str>)> = BTreeMap::new();
    for (file, others) in text.lines().filter_map(|line| line.split_once(':')) {
        needs.insert(name_of(file), (file, others.split_whitespace().collect()));
    }
    let built_in = fs::read_to_string(folder.join("modules.builtin")).unwrap_or_default();
    let is_built_in = |name: &str| built_in.lines().any(|line| name_of(line) == name);
    let mut all: Vec<Module> = Vec::new();
    let needed = NEEDED.iter().map(|name| (*name, "", false));
    let given = more.iter().map(|line| {
        let (name, parameters) = line.trim().split_once(' ').unwrap_or_else(|| (line.trim(), ""));
        (name, parameters, true)
    });
    for (name, parameters, must) in needed.chain(given) {
        let name = name_of(name);
        let Some((file, others)) = needs.get(&name) else {
            if must && !is_built_in(&name) {
                return Err(format!("{}: there is no module {name}", folder.display()));
            }
            continue;
        };
        // The last one depends on nothing.
        for file in others.iter().rev().chain([file]) {
            let file = folder.join(file);
            if all.iter().all(|module| module.file != file) {
                all.push(Module { file, parameters: String::new() });
            }
        }
        if let Some(module) = all.iter_mut().find(|module| name_of(&text_of(&module.file)) == name)
        {
            parameters.clone_into(&mut module.parameters);
        }
    }
    Ok(all)
}

fn text_of(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Returns the files that the machine gets: paths from its root, and what is in them.
///
/// # Errors
/// A message for people if a file cannot be read.
pub(super) fn packed(modules: &[Module]) -> Result<Vec<(String, Vec<u8>)>, String> {
    let mut list = String::new();
    let mut files = Vec::new();
    for Module { file, parameters } in modules {
        let name = text_of(Path::new(file.file_name().unwrap_or_default()));
        list += &format!("{name} {parameters}\n");
        let bytes = fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
        files.push((format!("{FOLDER}/{name}"), bytes));
    }
    files.push((format!("{FOLDER}/{LIST}"), list.into_bytes()));
    Ok(files)
}

/// Loads the modules that the machine was given, in their order.
///
/// # Errors
/// A message for people that names the module that cannot be loaded.
pub(super) fn load() -> Result<(), String> {
    let folder = Path::new("/").join(FOLDER);
    let Ok(list) = fs::read_to_string(folder.join(LIST)) else { return Ok(()) };
    for line in list.lines() {
        let (name, parameters) = line.split_once(' ').unwrap_or((line, ""));
        let wrong = |error: String| format!("the module {name} cannot be loaded: {error}");
        let file = File::open(folder.join(name)).map_err(|error| wrong(error.to_string()))?;
        let flags = if name.ends_with(".ko") { 0 } else { COMPRESSED };
        let text = std::ffi::CString::new(parameters).map_err(|error| wrong(error.to_string()))?;
        match rustix::system::finit_module(&file, &text, flags) {
            // It is built in, or another one has loaded it.
            Ok(()) | Err(rustix::io::Errno::EXIST) => {}
            Err(error) if flags == COMPRESSED => {
                return Err(wrong(format!("{error}; the kernel needs MODULE_DECOMPRESS")));
            }
            Err(error) => return Err(wrong(error.to_string())),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(PathBuf);

    impl Drop for Folder {
        fn drop(&mut self) {
            let _gone = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn modules_come_behind_those_that_they_need() {
        let folder = std::env::temp_dir().join(format!("seqfuzz-modules-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let folder = Folder(folder);
        let said = wanted(&folder.0, &[]).expect_err("an empty folder");
        assert!(said.contains("modules.dep") && said.contains("make modules_install"), "{said}");
        let dep = "kernel/fs/9p.ko.xz: kernel/net/9pnet.ko.xz kernel/fs/netfs.ko.xz\n\
                   kernel/net/9pnet.ko.xz:\nkernel/fs/netfs.ko.xz:\n\
                   kernel/snd-seq.ko: kernel/snd-timer.ko kernel/snd.ko\nkernel/snd-timer.ko: kernel/snd.ko\n\
                   kernel/snd.ko:\nkernel/snd-virmidi.ko: kernel/snd-seq.ko kernel/snd-timer.ko kernel/snd.ko\n";
        fs::write(folder.0.join("modules.dep"), dep).expect("written");
        fs::write(folder.0.join("modules.builtin"), "kernel/drivers/virtio/virtio_pci.ko\n")
            .expect("written");
        let virmidi = "snd_virmidi midi_devs=2".to_owned();
        let all = wanted(&folder.0, &[virmidi, "virtio-pci".into()]).expect("modules");
        let names: Vec<String> = all.iter().map(|module| name_of(&text_of(&module.file))).collect();
        assert_eq!(names, ["netfs", "9pnet", "9p", "snd", "snd_timer", "snd_seq", "snd_virmidi"]);
        assert_eq!(all.last().map(|module| module.parameters.as_str()), Some("midi_devs=2"));
        assert!(all[..6].iter().all(|module| module.parameters.is_empty()));
        let said = wanted(&folder.0, &["no-such".into()]).expect_err("no such module");
        assert!(said.contains("there is no module no_such"), "{said}");
    }
}
