//! Aliases of the files of rules are names that every command knows.

use crate::common::*;
use crate::{Place, keyboard, synth};

#[test]
fn commands_know_the_aliases_of_the_rules() {
    inside(|| {
        let place = Place::new(
            "[alias]\nkeys = \"'Left Keyboard'\"\nboard = '@keys'\nsynth = 'My:in'\nround = '@round'\n",
        );
        let (left, right, out) =
            (keyboard("Left Keyboard"), keyboard("Right Keys"), synth("My Synth"));
        // It wins over a part of a name, and the whole name of a client.
        let _same = keyboard("keys");
        output(place.command("connect", &["keys", "synth"]));
        assert!(left.is_connected(&out) && !right.is_connected(&out));
        output(place.command("disconnect", &["@board:0", "@synth"]));
        assert!(!left.is_connected(&out));
        let listed = output(place.command("ls", &["--json", "keys"]));
        assert!(listed.contains("Left Keyboard") && listed.lines().count() == 1, "{listed}");
        let listed = output(place.command("ls", &["--json", "'keys'"]));
        assert!(listed.contains("\"client_name\":\"keys\""), "{listed}");
        assert_eq!(output(place.command("wait", &["-v", "keys"])), format!("{}\n", left.port));
        output(place.command("send", &["synth", "note", "60", "1", "1ms"]));
        // A mistake elsewhere in the file does not keep a command from its work.
        let ended = finish(place.command("connect", &["@kyes", "synth"]), DEADLINE);
        assert_eq!(ended.status.code(), Some(1), "{ended:#?}");
        assert_eq!(ended.stderr, "aseqd: there is no alias @kyes; did you mean @keys?\n");
        let ended = finish(place.rules(&["check"]), DEADLINE);
        assert!(
            ended.stderr.contains("alias round: it means itself: @round is @round"),
            "{ended:#?}"
        );
    });
}

#[test]
fn rules_know_them_without_the_mark_as_well() {
    inside(|| {
        let place = Place::new("[alias]\nkeys = 'Left'\n[[rule]]\nfrom = 'keys'\nto = 'Synth'\n");
        let (left, other, out) = (keyboard("Left"), keyboard("keys"), synth("Synth"));
        output(place.rules(&["apply"]));
        assert!(left.is_connected(&out) && !other.is_connected(&out));
    });
}
