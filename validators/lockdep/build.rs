//! Finds out which functions of the standard library this compiler has, for the modules that stand in its place.

fn main() {
    let compiler = autocfg::new();
    for minor in [89, 92, 94] {
        let name = format!("since_1_{minor}");
        autocfg::emit_possibility(&name);
        if compiler.probe_rustc_version(1, minor) {
            autocfg::emit(&name);
        }
    }
    autocfg::rerun_path("build.rs");
}
