//! Rules, filters, names and patches from the page.

use super::client::{Server, program};
use super::folder;
use crate::common::*;
use serde_json::json;

#[test]
fn a_filter_is_a_rule_that_holds_without_the_page() {
    inside(|| {
        let folder = folder();
        let file = folder.path().join("config/aseqd/rules.toml");
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        std::fs::write(&file, "# by hand\nlearn = false\n").expect("a file");
        let server = Server::start(&folder, &[]);
        let mut page = server.page();
        let ((keys, from), (synth, to)) = (program("keys"), program("synth"));
        page.until("two programs", |page| page.has(&keys) && page.has(&synth));
        assert_eq!(page.known.rules["running"], false);
        let ends = |more: serde_json::Value| {
            let mut ends = json!({ "from": from.to_string(), "to": to.to_string() });
            ends.as_object_mut()
                .expect("an object")
                .extend(more.as_object().expect("an object").clone());
            ends
        };
        page.done("connect", ends(json!({})));
        page.done("filter", ends(json!({ "filter": { "transpose": -12, "channels": [1] } })));
        let filtered = |page: &super::client::Page| {
            page.cable(from, to).is_some_and(|cable| {
                cable["link"].is_string()
                    && cable["filter"]["transpose"] == -12
                    && cable["kept"] == true
            })
        };
        page.until("the link", filtered);
        // The plain connection is cut by the rule: the notes would arrive twice.
        wait_until("one way", || keys.subscription(from, to).expect("an answer").is_none());
        assert_eq!(page.known.rules["running"], true, "the server has started it");
        let text = std::fs::read_to_string(&file).expect("a file");
        assert!(
            text.starts_with("# by hand\nlearn = false\n") && text.contains("transpose = -12"),
            "{text}"
        );
        let why = page.refused("filter", ends(json!({ "filter": { "channels": [17] } })));
        assert!(why.contains("16"), "{why}");
        page.refused("filter", ends(json!({ "filter": { "nonsense": 1 } })));

        // The next server finds it there.
        server.end();
        let server = Server::start(&folder, &[]);
        let mut page = server.page();
        page.done("rules.run", json!({ "on": true }));
        page.until("the link again", filtered);
        page.done("filter", ends(json!({ "filter": { "mute": true } })));
        page.until("silence", |page| {
            page.cable(from, to).is_some_and(|cable| cable["filter"]["mute"] == true)
        });
        page.done("filter", ends(json!({ "filter": null })));
        page.until("the plain connection", |page| {
            page.cable(from, to).is_some_and(|cable| !cable["link"].is_string())
        });
        assert_eq!(
            std::fs::read_to_string(&file).expect("a file").trim_end(),
            "# by hand\nlearn = false"
        );
        page.done("keep", ends(json!({ "on": true })));
        page.until("a kept one", |page| {
            page.cable(from, to).is_some_and(|cable| cable["kept"] == true)
        });
        page.done("keep", ends(json!({ "on": false })));
        page.until("it, as it was", |page| {
            page.cable(from, to).is_some_and(|cable| cable["kept"] != true)
        });
        page.done("rules.run", json!({ "on": false }));
        page.until("no rules", |page| page.known.rules["running"] == false);
    });
}

#[test]
fn rules_are_checked_and_written_and_followed() {
    inside(|| {
        let folder = folder();
        let server = Server::start(&folder, &[]);
        let mut page = server.page();
        let ((keys, from), (synth, to)) = (program("keys"), program("synth"));
        page.until("two programs", |page| page.has(&keys) && page.has(&synth));
        let got = page.done("rules.get", json!({}));
        assert_eq!((&got["text"], &got["rules"]), (&json!(""), &json!(0)));
        let rule =
            page.done("rules.make", json!({ "from": from.to_string(), "to": to.to_string() }));
        let text = rule["text"].as_str().expect("a text").to_owned();
        let checked = page.done(
            "rules.check",
            json!({ "text": "[[rule]]\nfrom = 'kyes'\nto = 'synth'\nwehn = 1\n" }),
        );
        assert_eq!(checked["problems"][0]["line"], 4, "{checked}");
        let checked =
            page.done("rules.check", json!({ "text": "[[rule]]\nfrom = 'kyes'\nto = 'synth'\n" }));
        let warning = checked["warnings"][0]["message"].as_str().expect("a warning");
        assert!(warning.contains("did you mean keys?"), "{warning}");
        page.refused("rules.set", json!({ "text": "nonsense", "was": "" }));
        assert_eq!(page.done("rules.set", json!({ "text": text, "was": "" }))["rules"], 1);
        let why = page.refused("rules.set", json!({ "text": "", "was": "something else" }));
        assert!(why.contains("meanwhile"), "{why}");
        page.done("rules.run", json!({ "on": true }));
        page.until("the rule's connection", |page| {
            page.cable(from, to).is_some_and(|cable| {
                cable["rule"].as_str().is_some_and(|rule| rule.ends_with("rules.toml:1"))
            })
        });
        // Somebody changes the file with an editor.
        let file = folder.path().join("config/aseqd/rules.toml");
        std::fs::write(&file, format!("# more\n{text}")).expect("a file");
        page.until("its new line", |page| {
            page.cable(from, to).is_some_and(|cable| {
                cable["rule"].as_str().is_some_and(|rule| rule.ends_with("rules.toml:2"))
            })
        });
        page.done("alias.set", json!({ "name": "left", "port": from.to_string() }));
        let has_name = |page: &super::client::Page| {
            page.known
                .clients
                .get(&keys.id().into())
                .is_some_and(|client| client["ports"][0]["aliases"][0] == "left")
        };
        page.until("the name", has_name);
        page.done("alias.remove", json!({ "name": "left" }));
        page.until("no name", |page| !has_name(page));
        page.refused("alias.remove", json!({ "name": "left" }));
    });
}

#[test]
fn patches_are_saved_and_come_back() {
    inside(|| {
        let folder = folder();
        let server = Server::start(&folder, &[]);
        let mut page = server.page();
        let ((keys, from), (synth, to)) = (program("keys"), program("synth"));
        page.until("two programs", |page| page.has(&keys) && page.has(&synth));
        page.done("connect", json!({ "from": from.to_string(), "to": to.to_string() }));
        page.until("a connection", |page| page.cable(from, to).is_some());
        assert_eq!(page.done("patch.save", json!({ "name": "studio" }))["connections"], 1);
        page.done("disconnect", json!({ "from": from.to_string(), "to": to.to_string() }));
        page.done("connect", json!({ "from": to.to_string(), "to": from.to_string() }));
        page.until("the other way", |page| {
            page.cable(to, from).is_some() && page.cable(from, to).is_none()
        });
        let restored = page.done("patch.restore", json!({ "name": "studio", "exact": true }));
        assert_eq!(
            (restored["done"].as_array().map(Vec::len), &restored["failed"]),
            (Some(2), &json!([]))
        );
        page.until("the patch", |page| {
            page.cable(from, to).is_some() && page.cable(to, from).is_none()
        });
        assert_eq!(page.done("patch.list", json!({}))["patches"][0]["name"], "studio");
        for name in ["../x", "", ".x", "none"] {
            page.refused("patch.restore", json!({ "name": name }));
        }
        page.done("patch.remove", json!({ "name": "studio" }));
        assert_eq!(page.done("patch.list", json!({}))["patches"], json!([]));
    });
}

#[test]
fn files_of_rules_and_recordings_can_be_elsewhere() {
    inside(|| {
        let folder = folder();
        let (file, takes) = (folder.path().join("mine.toml"), folder.path().join("takes"));
        std::fs::write(&file, "# mine\n").expect("a file");
        std::fs::create_dir(&takes).expect("a folder");
        std::fs::write(takes.join("a.mid"), "MThd").expect("a file");
        let arguments = ["--rules", "mine.toml", "--recordings", "takes"];
        let mut command = super::client::command(&folder, &arguments);
        command.current_dir(folder.path());
        let server = Server::of(Process::start(command));
        let mut page = server.page();
        let listed = page.done("recording.list", json!({}));
        assert_eq!(listed["recordings"][0]["name"], "a.mid", "{listed}");
        let ((keys, from), (synth, to)) = (program("keys"), program("synth"));
        page.until("two programs", |page| page.has(&keys) && page.has(&synth));
        let (from, to) = (from.to_string(), to.to_string());
        page.done("connect", json!({ "from": from, "to": to }));
        page.done("filter", json!({ "from": from, "to": to, "filter": { "transpose": 12 } }));
        let text = std::fs::read_to_string(&file).expect("a file");
        assert!(text.starts_with("# mine\n") && text.contains("transpose = 12"), "{text}");
        server.end();
    });
}
